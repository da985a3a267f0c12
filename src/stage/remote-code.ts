/**
 * What transformers needs to open a model with `previousTokenEmbedding`: its own name for the kind of model, so that nothing takes it for a
 * plain Llama, and the class that goes with it.
 */
import type { JsonObject } from '../base/json.ts';
import { ownModelType } from '../nn/model-config.ts';

/** Name of the file that holds {@link modelingCode}. */
export const modelingFile = 'modeling_spa.py';

/** Members of config.json that lead transformers to {@link modelingCode}. */
export const modelingConfig: JsonObject = {
  model_type: ownModelType,
  architectures: ['SpaForCausalLM'],
  auto_map: { AutoConfig: 'modeling_spa.SpaConfig', AutoModelForCausalLM: 'modeling_spa.SpaForCausalLM' },
};

/** Python source of the model. */
export const modelingCode: string = `"""A Llama whose input is x_t = E[token_t] + P[token_{t-1}] (nothing is added at t = 0). Load it with trust_remote_code=True."""
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM


class SpaConfig(LlamaConfig):
    model_type = "${ownModelType}"


class SpaForCausalLM(LlamaForCausalLM):
    config_class = SpaConfig

    def __init__(self, config):
        super().__init__(config)
        self.model.embed_previous_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, inputs_embeds=None, past_key_values=None, use_cache=None, **rest):
        if past_key_values is not None:
            raise ValueError("This model has no cache: pass use_cache=False")  # a cache does not hold the token before
        if inputs_embeds is None:
            earlier = self.model.embed_previous_tokens(input_ids[:, :-1])
            if attention_mask is not None and attention_mask.dim() == 2:
                earlier = earlier * attention_mask[:, :-1, None].to(earlier.dtype)  # padding says nothing
            first = torch.zeros_like(self.model.embed_tokens(input_ids[:, :1]))
            inputs_embeds = self.model.embed_tokens(input_ids) + torch.cat([first, earlier], dim=1)
        return super().forward(attention_mask=attention_mask, inputs_embeds=inputs_embeds, use_cache=False, **rest)
`;
