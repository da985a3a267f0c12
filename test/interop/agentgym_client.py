"""Plays served games with AgentGym's own client classes, as its trainers do: replies in its ReAct format, rewards and ends as it sees them.

python agentgym_client.py <url> <alfworld|webshop> <{"<game>": [<actions>]} as JSON>. Prints what each game came to as JSON.
"""
import contextlib
import json
import sys

from agentenv.envs import AlfWorldEnvClient, WebshopEnvClient

url, world, games = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
played = {}
with contextlib.redirect_stdout(sys.stderr):  # the client prints
    client = {"alfworld": AlfWorldEnvClient, "webshop": WebshopEnvClient}[world](env_server_base=url, data_len=len(games))
    for game, actions in games.items():
        client.reset(int(game))
        first = client.observe()
        turns = [client.step(f"Thought:\nI go on.\n\nAction:\n{action}") for action in actions]
        played[game] = {
            "first": first,
            "observations": [turn.state for turn in turns],
            "rewards": [turn.reward for turn in turns],
            "done": [turn.done for turn in turns],
        }
    client.close()
print(json.dumps(played))
