"""Plays written conversations with transformers' `generate`, greedily. Started by test/bench/play.mjs.

Reads one JSON line {"folder", "threads", "tokens", "stop"}, answers {"version"}, then answers each line {"keep", "conversations"} with what
was generated and how long it took. A conversation is a list of turns, each the ids that the world adds. `tokens` ids are generated per
turn and the last is replaced by `stop`. All conversations form one batch, padded on the left. keep false: each turn feeds the whole
conversation anew, as most code does; keep true: the key/value cache is handed from turn to turn and only new tokens are fed.
"""
import json
import resource
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM


def padded(rows, pad):
    """Pads on the left: ids and mask, shape [B, T]."""
    longest = max(map(len, rows))
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


class Player:
    def __init__(self, setup):
        torch.set_num_threads(setup["threads"])
        self.tokens, self.stop = setup["tokens"], setup["stop"]
        self.model = AutoModelForCausalLM.from_pretrained(setup["folder"], dtype=torch.float32).eval()
        self.model.generation_config.pad_token_id = self.stop

    def generate(self, ids, mask, cache=None):
        count = self.tokens
        kept = {} if cache is None else {"past_key_values": cache}
        out = self.model.generate(
            ids,
            attention_mask=mask,
            do_sample=False,
            use_cache=True,
            min_new_tokens=count,
            max_new_tokens=count,
            return_dict_in_generate=True,
            **kept,
        )
        fresh = out.sequences[:, -count:].clone()
        fresh[:, -1] = self.stop
        return fresh, out.past_key_values

    def anew(self, conversations):
        histories = [[] for _ in conversations]
        replies = [[] for _ in conversations]
        for turn in range(len(conversations[0])):
            for history, conversation in zip(histories, conversations):
                history.extend(conversation[turn])
            fresh, _ = self.generate(*padded(histories, self.stop))
            for history, reply, ids in zip(histories, replies, fresh.tolist()):
                history.extend(ids)
                reply.append(ids)
        return replies

    def kept(self, conversations):
        """Pads stay in the middle of the rows, masked; `generate` counts positions by the mask."""
        replies = [[] for _ in conversations]
        ids = mask = torch.zeros((len(conversations), 0), dtype=torch.long)
        cache = None
        for turn in range(len(conversations[0])):
            new, seen = padded([conversation[turn] for conversation in conversations], self.stop)
            ids, mask = torch.cat((ids, new), 1), torch.cat((mask, seen), 1)
            fresh, cache = self.generate(ids, mask, cache)
            ids, mask = torch.cat((ids, fresh), 1), torch.cat((mask, torch.ones_like(fresh)), 1)
            for reply, row in zip(replies, fresh.tolist()):
                reply.append(row)
        return replies


def main():
    setup = json.loads(sys.stdin.readline())
    player = Player(setup)
    print(json.dumps({"version": transformers.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        start, cpu = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            replies = (player.kept if asked["keep"] else player.anew)(asked["conversations"])
        wall, used = time.perf_counter() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"replies": replies, "seconds": wall, "cpu": used, "peak": peak}), flush=True)


main()
