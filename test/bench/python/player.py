"""What the three players share: an original world is opened once, then told line by line (JSON on stdin) what to do; answers go to stdout.

Commands: `open` (load everything, answer with versions and times), `play` (replay the recorded actions for about so many seconds and answer
with counts and CPU times), `observe` (replay once and answer with every observation), `live` (hold more environments and answer with the
growth of resident memory for each). Whatever the libraries print goes to stderr.
"""

import json
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version

cpu = time.process_time


class Player:
    """An original world. Subclasses say how to open, reset and step it."""

    def open(self, spec):
        """Loads what all tasks share; returns {name: seconds} of the parts."""
        return {}

    def load(self, run):
        """Loads one task and returns a handle; called once for each `key`."""
        raise NotImplementedError

    def prepare(self, play, handles):
        """Told before another set of runs is played."""

    def reset(self, handle):
        """Starts the task anew and returns its first observation."""
        raise NotImplementedError

    def step(self, handle, action):
        """Returns what an agent is given: a dict with `observation`, and whatever can be compared."""
        raise NotImplementedError

    def live(self, run):
        """Returns one more environment in play, with everything that it does not share."""
        handle = self.load(run)
        self.reset(handle)
        for action in run["actions"][: len(run["actions"]) // 2]:
            self.step(handle, action)
        return handle

    def versions(self):
        return {}


def versions_of(*names):
    """Versions of installed packages; `stub` for what is not installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_all(player, spec):
    began = cpu()
    parts = player.open(spec)
    shared = cpu() - began
    began = cpu()
    handles = {}
    for play in spec["plays"]:
        for run in play["runs"]:
            if run["key"] not in handles:
                handles[run["key"]] = player.load(run)
    loads = cpu() - began
    return handles, {
        "shared": shared,
        "parts": parts,
        "loadPerTask": loads / len(handles),
        "residentBytes": resident_bytes(),
        "versions": {"python": sys.version.split()[0], **player.versions()},
    }


def play(player, runs, handles, seconds):
    steps = resets = 0
    step_cpu = reset_cpu = 0.0
    step_wall = reset_wall = 0.0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for run, handle in zip(runs, handles):
            a, wall_a = cpu(), time.perf_counter()
            player.reset(handle)
            b, wall = cpu(), time.perf_counter()
            for action in run["actions"]:
                player.step(handle, action)
            step_cpu += cpu() - b
            step_wall += time.perf_counter() - wall
            reset_cpu += b - a
            reset_wall += wall - wall_a
            steps += len(run["actions"])
            resets += 1
    return {
        "steps": steps,
        "stepCpu": step_cpu,
        "stepWall": step_wall,
        "resets": resets,
        "resetCpu": reset_cpu,
        "resetWall": reset_wall,
    }


def observe(player, runs, handles):
    episodes = []
    for run, handle in zip(runs, handles):
        opening = player.reset(handle)
        episodes.append({"opening": opening, "turns": [player.step(handle, action) for action in run["actions"]]})
    return {"episodes": episodes}


def live(player, runs, count):
    held = [player.live(runs[0])]  # what only the first one loads is not counted
    before = resident_bytes()
    held += [player.live(runs[i % len(runs)]) for i in range(count)]
    return {"count": count, "bytesEach": (resident_bytes() - before) / count}


def serve(player):
    """Answers commands until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    spec, loaded, current = {}, {}, None
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "open":
            with open(command["file"]) as file:
                spec = json.load(file)
            loaded, answer = open_all(player, spec)
        else:
            chosen = spec["plays"][command["play"]]
            runs = chosen["runs"]
            handles = [loaded[run["key"]] for run in runs]
            if current is not chosen:
                player.prepare(chosen, handles)
                current = chosen
            if command["do"] == "play":
                answer = play(player, runs, handles, command["seconds"])
            elif command["do"] == "observe":
                answer = observe(player, runs, handles)
            else:
                answer = live(player, runs, command["count"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
