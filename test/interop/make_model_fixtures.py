"""Writes test/nn/fixtures: what transformers and PEFT compute with tiny models, for test/nn/transformers.test.ts.

Needs torch, transformers, peft (CPU). Run:  python test/interop/make_model_fixtures.py
Weights are a hash of name and index (see weights_of here and in the test), so only logits are kept; two folders hold files as transformers
and PEFT write them, with random numbers of their own.
"""
import base64, json, shutil, sys, zlib
from pathlib import Path

import numpy as np
import peft, torch, transformers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "nn" / "fixtures"
LORA = {"r": 3, "lora_alpha": 6}
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
BASE = dict(vocab_size=97, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            intermediate_size=56, max_position_embeddings=256, rms_norm_eps=1e-5, attention_dropout=0.0)
SCALED = dict(rope_type="llama3", rope_theta=5000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
PLAIN = dict(rope_type="default", rope_theta=10000.0)


def weights_of(name, shape):
    """Numbers from a 32-bit hash (murmur3's finaliser) of name and index: centred, matrices with variance 1 / columns."""
    count = int(np.prod(shape))
    seed = zlib.crc32(name.encode())
    x = (seed + np.arange(count, dtype=np.uint64) * 0x9E3779B9) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    x = (x * 0xC2B2AE35) & 0xFFFFFFFF
    x ^= x >> 16
    u = x.astype(np.float64) / 2**32 - 0.5
    if "norm" in name:
        values = 1 + 0.5 * u
    elif len(shape) == 1:
        values = 0.5 * u
    else:
        values = u * np.sqrt(12 / shape[-1])
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill(model):
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            tensor.copy_(weights_of(name.replace(".default", "").replace(".base_layer", "").replace("base_model.model.", ""), tuple(tensor.shape)))
    return model.eval()


def floats(tensor):
    return base64.b64encode(tensor.detach().float().contiguous().numpy().tobytes()).decode()


def sequence(length, seed):
    return [(seed * 31 + 7 * t + t * t * 3) % 97 for t in range(length)]


def logits_of(model, tokens):
    with torch.no_grad():
        return model(input_ids=torch.tensor([tokens])).logits[0]


def padded(model, rows, side):
    """One padded batch; returns the logits of the real tokens of each row, joined."""
    longest = max(map(len, rows))
    ids, mask = [], []
    for row in rows:
        gap = longest - len(row)
        ids.append([0] * gap + row if side == "left" else row + [0] * gap)
        mask.append([0] * gap + [1] * len(row) if side == "left" else [1] * len(row) + [0] * gap)
    mask = torch.tensor(mask)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor(ids), attention_mask=mask, position_ids=positions).logits
    return torch.cat([logits[b][mask[b].bool()] for b in range(len(rows))])


def case(name, model, tokens, at=None):
    logits = logits_of(model, tokens)
    at = list(range(len(tokens))) if at is None else at
    config = json.loads(model.config.to_json_string(use_diff=False))
    return {"name": name, "config": config, "tokens": tokens, "at": at, "logits": floats(logits[at])}


def adapted(make, targets):
    model = peft.get_peft_model(make(), peft.LoraConfig(**LORA, target_modules=targets, task_type="CAUSAL_LM"))
    return fill(model)


def main():
    make = {
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**BASE, tie_word_embeddings=True, rope_parameters=PLAIN)),
        "wide": lambda: LlamaForCausalLM(LlamaConfig(**BASE, head_dim=16, tie_word_embeddings=False, rope_parameters=PLAIN)),
        "scaled": lambda: LlamaForCausalLM(LlamaConfig(**BASE, tie_word_embeddings=False, rope_parameters=SCALED)),
        "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**BASE, tie_word_embeddings=True, rope_parameters=PLAIN)),
        "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**BASE, head_dim=12, tie_word_embeddings=False, rope_parameters=PLAIN)),
    }
    model = {name: fill(build()) for name, build in make.items()}
    short = sequence(12, 1)
    cases = [
        case("Llama, grouped queries, tied embeddings", model["llama"], short),
        case("Llama, heads wider than hidden / heads, untied", model["wide"], short),
        case("Llama 3 rope scaling, far beyond the first length", model["scaled"], sequence(200, 2), [0, 1, 15, 31, 32, 63, 127, 199]),
        case("Qwen 2, biases of q, k and v", model["qwen2"], short),
        case("Qwen 3, norms of q and k heads", model["qwen3"], short),
    ]
    rows = [sequence(9, 3), sequence(4, 4), sequence(1, 5)]
    padding = {"rows": rows, "config": cases[0]["config"],
               "left": floats(padded(model["llama"], rows, "left")), "right": floats(padded(model["llama"], rows, "right"))}
    lora = []
    for base, targets in [("llama", ALL), ("wide", ["q_proj", "v_proj"]), ("qwen2", ["v_proj", "o_proj", "gate_proj"]), ("qwen3", ALL)]:
        tuned = adapted(make[base], targets)
        beside = logits_of(tuned, short)
        merged = logits_of(tuned.merge_and_unload(), short)
        config = json.loads(model[base].config.to_json_string(use_diff=False))
        lora.append({"base": base, "config": config, "targets": targets, "rank": LORA["r"], "alpha": LORA["lora_alpha"],
                     "tokens": short, "beside": floats(beside), "merged": floats(merged)})

    torch.manual_seed(1)
    folder = OUT / "bf16-shards"
    shutil.rmtree(folder, ignore_errors=True)
    half = LlamaForCausalLM(LlamaConfig(**BASE, tie_word_embeddings=False, initializer_range=0.2, rope_parameters=PLAIN)).to(torch.bfloat16)
    half.save_pretrained(folder, max_shard_size="20KB")
    wide = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    bf16 = {"tokens": short, "logits": floats(logits_of(wide, short))}

    folder = OUT / "peft-adapter"
    shutil.rmtree(folder, ignore_errors=True)
    saved = peft.get_peft_model(make["llama"](), peft.LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "v_proj"],
                                                                lora_dropout=0.1, task_type="CAUSAL_LM"))
    fill(saved.base_model.model)  # names of the base alone count, adapters are drawn anew below
    with torch.no_grad():
        for name, tensor in saved.named_parameters():
            if "lora_" in name:
                tensor.normal_(0, 0.3)
    saved.eval().save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    adapter = {"config": cases[0]["config"], "tokens": short, "logits": floats(logits_of(saved, short))}

    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
    result = {"made_by": "test/interop/make_model_fixtures.py", "versions": versions, "cases": cases, "padding": padding,
              "lora": lora, "bf16": bf16, "adapter": adapter}
    (OUT / "transformers.json").write_text(json.dumps(result) + "\n")
    print(sum(f.stat().st_size for f in OUT.rglob("*") if f.is_file()), "bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
