"""Writes test/env/fixtures/fuzzy-cases.json: pairs of made-up phrases with thefuzz's token_set_ratio of each.

Run in an environment that holds thefuzz 0.20.0 and rapidfuzz 3: python test/interop/fuzzy_cases.py [count] [file]
"""
import json
import random
import sys
from pathlib import Path

from thefuzz import fuzz

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 400
TARGET = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent.parent / "env/fixtures/fuzzy-cases.json"
WORDS = """machine wash washable slim fit long lasting sleeve x-large xx-large 3x-large navy blue dark light red e-white a1-yellow 6.76 fl oz
(pack of 1) size: 9 10.5 wide color 100% cotton café noir naïve İstanbul ΑΣΣΟΣ Straße ½ ² Ⅷ １２ 购买 红色 購 🛒 👩‍👧 a_b __x__ it's it’s ﬁt
non-slip non slip bpa-free bpa free gluten 2"x4" 1/2 | & \u00a0 \u200b \u2028 \u0130 \u03a3 \U0001d400 \U00010400 \ud7a3 ''' '''' a aa aaa ab ba""".split(" ")
EDGES = ["", " ", "-", "é", "ÿ", "Ā", "a", "b", "a b", "a c", "b a", "a a", "aé", "éa", "²", "_", "\U00010400 \uffdc", "\uffdc \U00010400"]


def phrase(rng):
    words = [rng.choice(WORDS) for _ in range(rng.randint(1, rng.choice([2, 4, 9])))]
    return rng.choice([" ", " ", "-", ", ", "  "]).join(words)


def spoil(rng, text):
    letters = list(text)
    for _ in range(rng.randint(0, 4)):
        at = rng.randint(0, len(letters))
        if rng.random() < 0.5:
            letters.insert(at, rng.choice("abcdefgh xyz01-é\u4e00\U00010400"))
        elif letters:
            del letters[min(at, len(letters) - 1)]
    rng.random() < 0.2 and rng.shuffle(letters)
    return "".join(letters)


def pair(rng):
    a = phrase(rng)
    kind = rng.random()
    if kind < 0.3:
        return a, phrase(rng)
    if kind < 0.6:
        return a, spoil(rng, a)
    if kind < 0.75:
        return a, " ".join(rng.sample(a.split(" "), len(a.split(" ")))) + rng.choice(["", "s", " x"])
    if kind < 0.9:
        alphabet = rng.choice(["ab ", "abc ", "abcdefghij "])
        return tuple("".join(rng.choice(alphabet) for _ in range(rng.choice([3, 8, 31, 32, 33, 70]))) for _ in "ab")
    return rng.choice(EDGES), rng.choice(EDGES)


rng = random.Random(20)
pairs = [pair(rng) for _ in range(COUNT)]
TARGET.parent.mkdir(exist_ok=True)
rows = ",\n".join(json.dumps([a, b, fuzz.token_set_ratio(a, b)], ensure_ascii=True) for a, b in pairs)
TARGET.write_text(f"[\n{rows}\n]\n")
