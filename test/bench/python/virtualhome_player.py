"""Plays VirtualHome tasks in the evolving graph of xavierpuigf/virtualhome (VIRTUALHOME_SOURCE) as SPA-RL's agent does (SPA_SOURCE,
eval_agent/envs/virtualhome_env.py: text to program, names to ids, executor, observation, goal check), or in the executor alone.

The public executor needs three corrections before it plays the recorded tasks; they are made here, in memory, and change no cost:
JoinedExecutor hands on `modify` and `in_place`; the character is looked up in the current state; PutOff is given its character.
A reset makes a new state and new names over the loaded graph, which the original does not offer (it loads the file again).
"""

import copy
import importlib
import json
import os
import sys
import tempfile
import types

from player import Player, serve, versions_of

error_text = "Error Input. Your input must contains 'Action: '"


def module_of(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


class BaseEnv:
    def __init__(self, **kwargs):
        pass


def import_originals(virtualhome, spa):
    """Imports the two originals without the frameworks around them, which have no part in a step."""
    parts = ["virtualhome_master", "virtualhome", "simulation"]
    paths = [virtualhome, os.path.join(virtualhome, "virtualhome"), os.path.join(virtualhome, "virtualhome", "simulation")]
    for i, path in enumerate(paths):
        module_of(".".join(parts[: i + 1]), __path__=[path])
    module_of("eval_agent", __path__=[])
    module_of("eval_agent.envs", BaseEnv=BaseEnv)
    module_of("eval_agent.prompt", prompt_with_icl=None)
    module_of("eval_agent.utils", __path__=[])
    module_of("eval_agent.utils.datatypes", State=object)
    file = os.path.join(spa, "eval_agent", "envs", "virtualhome_env.py")
    loader = importlib.util.spec_from_file_location("spa_virtualhome_env", file)
    agent = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(agent)
    graph = "virtualhome_master.virtualhome.simulation.evolving_graph"
    return agent, importlib.import_module(f"{graph}.execution"), importlib.import_module(f"{graph}.environment")


def correct(execution, environment):
    """The three corrections."""

    def joined(self, script, state, info, char_index, modify=True, in_place=False):
        for executor in self.executors:
            yield from executor.execute(script, state, info, char_index, modify, in_place)

    def char_node(self, char_index):
        for node in self._graph.get_char_node(char_index):
            yield self.get_node(node.id)

    def put_off(self, script, state, info, char_index, modify=True, in_place=False):
        info.set_current_line(script[0])
        node = state.get_state_node(script[0].object())
        if node is None:
            info.object_found_error()
            return
        character = execution._get_character_node(state, char_index)
        on = environment.ExistsRelation(
            environment.NodeInstance(node), environment.Relation.ON, environment.NodeInstanceFilter(character)
        )
        if not state.evaluate(on) or environment.Property.CLOTHES not in node.properties:
            info.error("{} is not worn", node)
            return
        off = environment.DeleteEdges(
            environment.NodeInstance(node), [environment.Relation.ON], environment.CharacterNode(char_index)
        )
        yield state.change_state([off], in_place=in_place) if modify else state

    execution.JoinedExecutor.execute = joined
    environment.EnvironmentState.get_char_node = char_node
    execution.PutOffExecutor.execute = put_off


class VirtualhomePlayer(Player):
    def open(self, spec):
        os.chdir(tempfile.mkdtemp(dir=spec["temp"]))
        os.makedirs("virtualhome_master/init_and_final_graphs")
        with open("virtualhome_master/class_name_equivalence.json", "w") as file:
            json.dump(spec["equivalence"], file)
        self.agent, execution, self.environment = import_originals(spec["virtualhome"], spec["spa"])
        correct(execution, self.environment)
        self.agent.random = types.SimpleNamespace(choice=self.draw)
        self.agent.utils.load_name_equivalence = lambda: spec["equivalence"]
        return {}

    def draw(self, ids):
        """In the place of random.choice among things of one name: what the other world drew, if it is among them."""
        return next((id for id in ids if id in self.drawn), ids[0])

    def load(self, run):
        link = f"virtualhome_master/init_and_final_graphs/{len(os.listdir('virtualhome_master/init_and_final_graphs'))}"
        os.symlink(run["graph"], f"{link}.json")
        path = "/" * 151 + os.path.basename(link) + ".txt"
        env = self.agent.VirtualHomeEnv({**copy.deepcopy(run["record"]), "path": path})
        return types.SimpleNamespace(env=env, given=dict(env.specific_objects), scripts=None, at=0, drawn=set())

    def prepare(self, play, handles):
        for run, handle in zip(play["runs"], handles):
            handle.scripts = None
            handle.drawn = set(run["drawn"])
            if play["executorAlone"]:
                handle.scripts = self.scripts_of(handle, run["actions"])

    def scripts_of(self, handle, actions):
        """The program lines that the agent's side makes of the actions; None where it makes none."""
        made = []
        executor = handle.env.executor
        execute = executor.execute_one_step
        executor.execute_one_step = lambda script, state: (made.append(script), execute(script, state))[1]
        self.reset(handle)
        scripts = []
        for action in actions:
            made.clear()
            self.play_text(handle, action)
            scripts.append(made[0] if made else None)
        del executor.execute_one_step
        return scripts

    def reset(self, handle):
        env = handle.env
        handle.at = 0
        env.specific_objects = dict(handle.given)
        env.last_obj_id = -1
        env.this_state = self.environment.EnvironmentState(
            env.executor.graph, env.executor.name_equivalence, instance_selection=True
        )
        return {"observation": f"The task is {env.task_path['task']}({env.task_path['description']})."}

    def step(self, handle, action):
        if handle.scripts is None:
            return self.play_text(handle, action)
        script = handle.scripts[handle.at]
        handle.at += 1
        if script is None:
            return {"observation": None, "done": False}
        done, handle.env.this_state = handle.env.executor.execute_one_step(script, handle.env.this_state)
        return {"observation": done, "done": False}

    def play_text(self, handle, action):
        self.drawn = handle.drawn
        try:
            observation, done = handle.env.conduct_action(action)
        except Exception:  # as VirtualHomeEnv.step does
            return {"observation": error_text, "done": False}
        return {"observation": observation, "done": done}

    def versions(self):
        return versions_of("parse", "numpy")


serve(VirtualhomePlayer())
