"""Writes test/text/fixtures/chats.json: 200 conversations and digests of what transformers makes of them with Llama 3.2's template and tokenizer.

Needs transformers and ../shared/data/llama/llama3-tokenizer, whose licence keeps it out of this repository: hence digests.
Run:  python test/interop/make_chat_fixture.py
"""
import gzip, hashlib, json, random, tempfile
from pathlib import Path

import transformers
from transformers import PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent.parent / "shared" / "data" / "llama" / "llama3-tokenizer"
PIECES = [
    "You are in the middle of a room.", " Looking quickly around you, you see a cabinet 12, a desk 1 and a shelf 3.", "\n", "\n\n", "  ", "\t", "",
    "Your task is to: put a clean mug in cabinet.", "Thought: I should look first.\nAction: look", "Action: go to cabinet 12", "Nothing happens.",
    "take mug 1 from desk 1", "On the desk 1, you see a pen 2, a cd 3, and a book 1.", "12345678 and 3.14159, -7", "don't I'll we've THEY'RE it's",
    "caf\u00e9 na\u00efve \u00fcber", "\u4f60\u597d\uff0c\u4e16\u754c", "\u043f\u0440\u0438\u0432\u0435\u0442", "\u0645\u0631\u062d\u0628\u0627", "\U0001f469\u200d\U0001f52c\U0001f680",
    "<think>\nfirst\n</think>", "{\"a\": [1, 2.5, null]}", "def f(x):\n    return x  # done", "<|not_special|> {{ x }} {% y %}", " leading and trailing ",
    "https://example.org/a?b=c&d=%20", "A\u0301 combining", "word" * 9, "!!!???...", "ends with space ", "\r\nwindows\r\n", "1. one\n2. two\n3. three", "...\u2026\u2014\u2013",
]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def main():
    rng = random.Random(2505)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_bytes(gzip.decompress((DATA / "derived" / "tokenizer.json.gz").read_bytes()))
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path), bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")
    tokenizer.chat_template = (DATA / "meta-llama-Llama-3.2-3B-Instruct.jinja").read_text()
    rows = []
    for i in range(200):
        say = lambda: [rng.randrange(len(PIECES)) for _ in range(rng.randint(1, 5))]
        messages = [["system", say()]] if i % 3 == 0 else []
        for turn in range(rng.randint(1, 5)):
            messages += [["user", say()], ["assistant", say()]]
        prompt = i % 2 == 0
        if prompt:
            messages.append(["user", say()])
        chat = [{"role": role, "content": "".join(PIECES[p] for p in parts)} for role, parts in messages]
        # transformers would write today's date
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=prompt, date_string="26 Jul 2024")
        ids = tokenizer.apply_chat_template(chat, add_generation_prompt=prompt, date_string="26 Jul 2024", return_dict=False)
        rows.append({"messages": messages, "prompt": prompt, "text": digest(text), "ids": digest(",".join(map(str, ids))), "tokens": len(ids)})
    result = {"made_by": "test/interop/make_chat_fixture.py", "versions": {"transformers": transformers.__version__}, "pieces": PIECES, "conversations": rows}
    (ROOT / "text" / "fixtures" / "chats.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
