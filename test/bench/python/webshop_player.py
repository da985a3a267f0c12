"""Plays WebShop's own text environment (princeton-nlp/WebShop, named by WEBSHOP_SOURCE) on given data and goals.

What differs from a full installation, all of it at no cost to the original's speed: torch and gym are empty modules (only pictures and the
registry of environments use them); spaCy's tagger is a table of nouns looked up by title (its model is not on PyPI; the real one takes
milliseconds for each purchase); prices and goals are those of the world it is compared with (the original draws them unseeded).
"""

import importlib
import os
import sys
import types

from player import Player, cpu, serve, versions_of


def empty_module(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


def package_without_init(name, path):
    """Makes a package whose submodules can be imported without running its __init__."""
    empty_module(name, __path__=[path])


def lucene_searcher(folder):
    """Pyserini's searcher over the real index; None where it does not run (no Java, not installed)."""
    try:
        found = importlib.util.find_spec("pyserini")
        base = os.path.dirname(found.origin)
        package_without_init("pyserini.search", os.path.join(base, "search"))
        package_without_init("pyserini.search.lucene", os.path.join(base, "search", "lucene"))
        base_names = importlib.import_module("pyserini.search._base")
        sys.modules["pyserini.search"].__dict__.update(
            {key: value for key, value in base_names.__dict__.items() if not key.startswith("__")}
        )
        searcher = importlib.import_module("pyserini.search.lucene._searcher")
        return searcher.LuceneSearcher(folder)
    except Exception as error:  # whatever a missing piece raises: the bench says which engine was used
        print(f"pyserini does not run here: {error!r}", file=sys.stderr)
        return None


class Bm25Searcher:
    """rank_bm25 in the place of Lucene, with the two methods the original calls."""

    def __init__(self, products):
        import json

        import numpy
        from rank_bm25 import BM25Okapi

        self.top = numpy.argsort
        self.docs = []
        for product in products:
            options = ", and ".join(f"{name}: {', '.join(values)}" for name, values in product["options"].items())
            texts = [product["Title"], product["Description"], product["BulletPoints"][0], options]
            self.docs.append((json.dumps({"id": product["asin"]}), " ".join(texts).lower()))
        self.index = BM25Okapi([text.split() for _, text in self.docs])

    def search(self, query, k):
        scores = self.index.get_scores(query.split())
        best = self.top(-scores, kind="stable")[:k]
        return [types.SimpleNamespace(docid=int(i)) for i in best if scores[i] > 0]

    def doc(self, docid):
        return types.SimpleNamespace(raw=lambda: self.docs[docid][0])


class TableTagger:
    """Stands for spaCy: the nouns of a title are looked up."""

    def __init__(self, nouns):
        self.tokens = {
            title: [types.SimpleNamespace(text=noun, pos_="NOUN") for noun in some] for title, some in nouns.items()
        }

    def __call__(self, title):
        return self.tokens[title]


class WebshopPlayer(Player):
    def open(self, spec):
        parts = {}
        began = cpu()
        source = spec["source"]
        sys.path.insert(0, source)
        empty_module("torch")
        empty_module("gym", Env=object)
        package_without_init("web_agent_site.envs", os.path.join(source, "web_agent_site", "envs"))
        self.lucene = lucene_searcher(spec["index"]) if spec.get("index") else None
        parts["start Java and open the index"] = cpu() - began
        empty_module("pyserini.search.lucene", LuceneSearcher=None)
        import spacy

        spacy.load = lambda name: TableTagger(spec["nouns"])
        engine = importlib.import_module("web_agent_site.engine.engine")
        engine.DEFAULT_ATTR_PATH = spec["attributes"]
        engine.HUMAN_ATTR_PATH = spec["instructions"]
        self.env_module = importlib.import_module("web_agent_site.envs.web_agent_text_env")
        self.env_module.init_search_engine = lambda num_products=None: None
        began = cpu()
        self.server = self.env_module.SimServer("http://127.0.0.1:3000", spec["products"], human_goals=True)
        self.server.search_engine = self.lucene or Bm25Searcher(self.server.all_products)
        self.server.product_prices.update(spec["prices"])
        self.server.goals = spec["goals"]
        self.server.weights = [1 for _ in spec["goals"]]
        self.server.cum_weights = list(range(len(spec["goals"]) + 1))
        parts["load products and goals"] = cpu() - began
        self.env = self.new_env()
        return parts

    def new_env(self):
        return self.env_module.WebAgentTextEnv(observation_mode="text", server=self.server)

    def load(self, run):
        return (self.env, run["goal"])

    def reset(self, handle):
        env, goal = handle
        env.server.user_sessions.pop(str(goal), None)
        observation, _ = env.reset(session=goal)
        return {"observation": observation}

    def step(self, handle, action):
        observation, reward, done, _ = handle[0].step(action)
        return {"observation": observation, "reward": float(reward), "done": done}

    def live(self, run):
        self.lives = getattr(self, "lives", 0) + 1
        env = self.new_env()
        env.session_prefix = f"live {self.lives} "
        handle = (env, run["goal"])
        env.reset(session=run["goal"])
        for action in run["actions"][: len(run["actions"]) // 2]:
            env.step(action)
        return handle

    def versions(self):
        engine = "pyserini" if self.lucene is not None else "rank_bm25"
        return versions_of(engine, "flask", "beautifulsoup4", "thefuzz", "rapidfuzz")


serve(WebshopPlayer())
