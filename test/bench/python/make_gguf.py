"""Writes a Hugging Face Llama folder with a tokenizer of ours as a GGUF file for llama.cpp, float32.

Usage: make_gguf.py <folder> <file>. Needs gguf, numpy and safetensors. Token ids are kept, their texts are not: the benchmark that uses
this gives llama.cpp ids.
"""
import json
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def interleaved(weight, heads):
    """Orders the rows of a query or key matrix as llama.cpp rotates them: pairs beside each other, not half a head apart."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def name_of(hf_name):
    stem = hf_name.removesuffix(".weight")
    if stem in TOP:
        return f"{TOP[stem]}.weight"
    _, _, layer, rest = stem.split(".", 3)
    return f"blk.{layer}.{LAYER[rest]}.weight"


def write_vocabulary(writer, folder, size):
    """Names the tokens by their numbers, specials by what they are: llama.cpp insists on a vocabulary and is never asked to read a text."""
    specials = {token["id"]: token["content"] for token in json.loads((folder / "tokenizer.json").read_text())["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([specials.get(id) or f"w{id}" for id in range(size)])
    writer.add_token_types([gguf.TokenType.CONTROL if id in specials else gguf.TokenType.NORMAL for id in range(size)])
    writer.add_token_merges(["w 0"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)


def main():
    folder, target = Path(sys.argv[1]), sys.argv[2]
    config = json.loads((folder / "config.json").read_text())
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_rope_freq_base(config.get("rope_theta") or config["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    write_vocabulary(writer, folder, config["vocab_size"])
    for name, weight in load_file(folder / "model.safetensors").items():
        if "q_proj" in name:
            weight = interleaved(weight, heads)
        if "k_proj" in name:
            weight = interleaved(weight, kv_heads)
        writer.add_tensor(name_of(name), np.ascontiguousarray(weight, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
