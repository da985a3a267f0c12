"""Plays ALFWorld's games in TextWorld, as alfworld's AlfredTWEnv starts them, but in this process: no pipes between processes are paid for."""

import textworld
from alfworld.agents.environment.alfred_tw_env import AlfredDemangler, AlfredInfos
from player import Player, serve, versions_of


class AlfworldPlayer(Player):
    def load(self, run):
        infos = textworld.EnvInfos(won=True, admissible_commands=True, extras=["gamefile"])
        return textworld.start(run["file"], request_infos=infos, wrappers=[AlfredDemangler, AlfredInfos])

    def reset(self, handle):
        state = handle.reset()
        return {"observation": state.feedback, "admissible": state.admissible_commands}

    def step(self, handle, action):
        state, _, done = handle.step(action)
        return {
            "observation": state.feedback,
            "admissible": state.admissible_commands,
            "done": done,
            "success": state["won"],
        }

    def versions(self):
        return versions_of("textworld", "alfworld", "fast_downward_textworld", "tatsu")


serve(AlfworldPlayer())
