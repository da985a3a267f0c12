"""A Llama in plain PyTorch 2 with scaled_dot_product_attention, trained step by step on request.

Reads one JSON line with the shape and the batch, loads the same weights (Hugging Face names, safetensors), then answers each line
{"steps": n} with the milliseconds of each step and its loss. Started by test/bench/train.mjs.
"""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rotary(length, size, theta):
    inverse = 1.0 / theta ** (torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), inverse)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


class Llama:
    def __init__(self, config, weights):
        self.c = config
        self.w = {name: torch.nn.Parameter(value) for name, value in weights.items()}

    def loss(self, tokens, targets):
        c, w = self.c, self.w
        batch, length = tokens.shape
        size = c["hiddenSize"] // c["heads"]
        cos, sin = rotary(length, size, c["ropeTheta"])
        x = F.embedding(tokens, w["model.embed_tokens.weight"])
        for layer in range(c["layers"]):
            at = f"model.layers.{layer}."
            h = rms_norm(x, w[at + "input_layernorm.weight"], c["normEps"])

            def heads(name, count):
                return F.linear(h, w[at + f"self_attn.{name}.weight"]).view(batch, length, count, size).transpose(1, 2)

            q = rotate(heads("q_proj", c["heads"]), cos, sin)
            k = rotate(heads("k_proj", c["kvHeads"]), cos, sin)
            v = heads("v_proj", c["kvHeads"])
            o = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            x = x + F.linear(o.transpose(1, 2).reshape(batch, length, -1), w[at + "self_attn.o_proj.weight"])
            h = rms_norm(x, w[at + "post_attention_layernorm.weight"], c["normEps"])
            gated = F.silu(F.linear(h, w[at + "mlp.gate_proj.weight"])) * F.linear(h, w[at + "mlp.up_proj.weight"])
            x = x + F.linear(gated, w[at + "mlp.down_proj.weight"])
        x = rms_norm(x, w["model.norm.weight"], c["normEps"])
        return F.cross_entropy(F.linear(x, w["model.embed_tokens.weight"]).flatten(0, 1), targets.flatten())


def main():
    setup = json.loads(sys.stdin.readline())
    torch.set_num_threads(setup["threads"])
    model = Llama(setup["config"], load_file(setup["weights"]))
    matrices = [p for p in model.w.values() if p.dim() > 1]
    vectors = [p for p in model.w.values() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=setup["learningRate"], betas=(0.9, 0.98), eps=1e-8, fused=True)
    tokens = torch.tensor(setup["tokens"]).view(setup["B"], setup["T"])
    targets = torch.tensor(setup["targets"]).view(setup["B"], setup["T"])
    loss_of = torch.compile(model.loss) if setup["compile"] else model.loss

    def step():
        start = time.perf_counter()
        loss = loss_of(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.w.values(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return (time.perf_counter() - start) * 1000, loss.item()

    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        done = [step() for _ in range(json.loads(line)["steps"])]
        if any(not math.isfinite(loss) for _, loss in done):
            raise RuntimeError("the loss is not finite")
        print(json.dumps({"ms": [ms for ms, _ in done], "loss": [loss for _, loss in done]}), flush=True)


main()
