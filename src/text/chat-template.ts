/** The chat templates that come with the program. A model folder may bring its own. */

/** The special tokens of {@link embeddedTemplate}, in the order of their ids. */
export const embeddedSpecials: readonly string[] = ['<|bos|>', '<|obs|>', '<|act|>'];

/**
 * The layout of the small models: `<|bos|> <|obs|> observation <|act|> action <|obs|> observation …`.
 * `<|obs|>` ends the agent's turn and opens the next observation, so a turn costs two tokens beside its words.
 */
export const embeddedTemplate: string = [
  '<|bos|>{% for message in messages %}',
  "{% if message['role'] == 'assistant' %}{{ '<|act|>' + message['content'] + '<|obs|>' }}",
  "{% elif loop.first or messages[loop.index0 - 1]['role'] != 'assistant' %}{{ '<|obs|>' + message['content'] }}",
  "{% else %}{{ message['content'] }}{% endif %}",
  "{% endfor %}{% if add_generation_prompt %}{{ '<|act|>' }}{% endif %}",
].join('');

/**
 * The Llama 3 dialogue format without the dated system message that later Llama templates insert.
 * Source: meta-llama/llama-models models/llama3/api/chat_format.py, encode_dialog_prompt.
 */
export const llama3Template: string = [
  '{{ bos_token }}{% for message in messages %}',
  "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}",
  "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
].join('');
