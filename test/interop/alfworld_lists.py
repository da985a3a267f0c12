"""Records what TextWorld itself lists and answers in real ALFWorld games: SHA-256 only, no text of theirs.

    python test/interop/alfworld_lists.py <alfworld_traces.json> <folder that holds json_2.1.1> > test/env/fixtures/alfworld-lists.json

Needs `pip install "textworld[pddl]"`, `pip install --no-deps alfworld`, tqdm and termcolor.
"""
import gzip
import hashlib
import json
import os
import sys
import tempfile
from importlib.metadata import version

import textworld
from alfworld.agents.environment.alfred_tw_env import AlfredDemangler, AlfredInfos


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def play(trace, root, folder):
    path = os.path.join(folder, "game.tw-pddl")
    with gzip.open(os.path.join(root, "json_2.1.1", trace["game"], "game.tw-pddl.gz")) as packed, open(path, "wb") as game:
        game.write(packed.read())
    infos = textworld.EnvInfos(won=True, admissible_commands=True, extras=["gamefile"])
    env = textworld.start(path, request_infos=infos, wrappers=[AlfredDemangler, AlfredInfos])
    state = env.reset()
    steps = []
    for step in trace["steps"]:
        listed = digest("\n".join(sorted(set(state.admissible_commands))))
        state, _, _ = env.step(step["cmd"])
        steps.append([listed, digest(state.feedback.strip()), bool(state["won"])])
    return {"game": trace["game"], "steps": steps}


def main():
    traces, root = sys.argv[1:]
    with open(traces) as file:
        games = json.load(file)["traces"]
    with tempfile.TemporaryDirectory() as folder:
        recorded = [play(trace, root, folder) for trace in games]
    versions = {name: version(name) for name in ("textworld", "alfworld", "fast_downward_textworld")}
    json.dump({"versions": versions, "games": recorded}, sys.stdout, indent=1)


main()
