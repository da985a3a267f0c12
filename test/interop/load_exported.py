"""Loads an exported folder with transformers, and adapters over it with PEFT; prints what test/interop/transformers.test.ts compares."""
import json, sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

request = json.loads(sys.argv[1])
own = request.get("own", False)  # the folder brings code of ours
model = AutoModelForCausalLM.from_pretrained(request["folder"], dtype=torch.float32, trust_remote_code=own)
if "adapter" in request:
    from peft import PeftModel

    model = PeftModel.from_pretrained(model, request["adapter"])
model.eval()
tokens = torch.tensor([request["tokens"]])
with torch.no_grad():
    logits = model(input_ids=tokens).logits[0]
tokenizer = AutoTokenizer.from_pretrained(request["folder"], trust_remote_code=own)
chat = tokenizer.apply_chat_template(request["chat"], add_generation_prompt=True, return_dict=False)
reply = model.generate(input_ids=torch.tensor([chat]), max_new_tokens=8, do_sample=False)[0][len(chat):]
print(json.dumps({
    "logits": logits.flatten().tolist(), "chat": chat, "reply": reply.tolist(), "kind": type(model).__name__,
    "stop": model.generation_config.eos_token_id, "dtype": str(AutoModelForCausalLM.from_pretrained(request["folder"], trust_remote_code=own).dtype),
}))
