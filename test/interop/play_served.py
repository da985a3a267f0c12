"""Plays a game that `spa serve alfworld` serves, with nothing but Python's standard library.

python play_served.py <url> <game> [<actions as a JSON list>]: the actions given, or random possible ones. Prints what happened as JSON.
"""
import json
import random
import sys
from urllib.request import Request, urlopen


def call(path, body):
    request = Request(url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as response:
        return json.load(response)


url, game, script = sys.argv[1], int(sys.argv[2]), json.loads((sys.argv + ["null"])[3])
env = call("/create", {})["id"]
reply = call("/reset", {"id": env, "game": game, "world_type": "Text"})
observations, actions, reward, done = [reply["observation"]], [], 0.0, False
chance = random.Random(game)
while not done and len(actions) < (50 if script is None else len(script)):
    possible = reply["available_actions"]
    action = chance.choice(possible) if script is None else script[len(actions)]
    assert action in possible, f"{action} is not among {possible}"
    reply = call("/step", {"id": env, "action": action})
    observations.append(reply["observation"])
    actions.append(action)
    reward, done = reward + reply["reward"], reply["done"]
call("/close", {"id": env})
print(json.dumps({"observations": observations, "actions": actions, "reward": reward, "done": done}))
