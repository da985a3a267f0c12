/** The chat templates that come with the program, with their special tokens. A model folder brings its own. */

/** What a template needs beside the messages. */
export interface ChatTemplate {
  /** Jinja source, as `chat_template` in Hugging Face files. */
  readonly template: string;
  /** Text of the token that opens a conversation, `bos_token` in the template. */
  readonly bosToken: string;
  /** Tokens that end an agent turn, the one the template writes first. */
  readonly stopTokens: readonly string[];
  /** Every special token the template writes, for training a tokenizer. */
  readonly specials: readonly string[];
}

/**
 * The layout of the small models: `<bos> <|obs|> observation <|act|> action <|obs|> observation …`.
 * `<|obs|>` ends the agent's turn and opens the next observation, so a turn costs one token beside its words.
 */
export const smallChatTemplate: ChatTemplate = {
  template: [
    '{{ bos_token }}{% for message in messages %}',
    "{% if message['role'] == 'assistant' %}{{ '<|act|>' + message['content'] + '<|obs|>' }}",
    "{% elif loop.first or messages[loop.index0 - 1]['role'] != 'assistant' %}{{ '<|obs|>' + message['content'] }}",
    "{% else %}{{ message['content'] }}{% endif %}",
    "{% endfor %}{% if add_generation_prompt %}{{ '<|act|>' }}{% endif %}",
  ].join(''),
  bosToken: '<|bos|>',
  stopTokens: ['<|obs|>'],
  specials: ['<|bos|>', '<|obs|>', '<|act|>'],
};

/**
 * The Llama 3 dialogue format without the dated system message that later Llama templates insert.
 * Source: meta-llama/llama-models models/llama3/api/chat_format.py, encode_dialog_prompt.
 */
export const llama3ChatTemplate: ChatTemplate = {
  template: [
    '{{ bos_token }}{% for message in messages %}',
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}",
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
  ].join(''),
  bosToken: '<|begin_of_text|>',
  stopTokens: ['<|eot_id|>', '<|end_of_text|>', '<|eom_id|>'],
  specials: [
    '<|begin_of_text|>',
    '<|end_of_text|>',
    '<|start_header_id|>',
    '<|end_header_id|>',
    '<|eot_id|>',
    '<|eom_id|>',
  ],
};
