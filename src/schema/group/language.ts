/** Prompt, tokenizer and model: fields of the manifest. */
import { choice, count, flag, group, natural, optionalText, positive, real } from '../field.ts';
import { semantic } from '../role.ts';

/** Group `prompt` of the manifest. */
export const prompt = group('How a turn is written.', {
  format: semantic(
    choice(
      '`react`: "Thought: … Action: …" as the paper; `action-only`: the bare command, for models too small to think.',
      ['react', 'action-only'],
    ),
  ),
  instruction: semantic(
    flag('Begin each conversation with the instruction of the world and an "OK" turn, as the paper does.', true),
  ),
});

/** Group `tokenizer` of the manifest. */
export const tokenizer = group('How text becomes tokens; ignored when `model.base` brings its own tokenizer.', {
  kind: semantic(choice('`word`: whole words, bytes for the rest; `bpe`: byte-level BPE.', ['word', 'bpe'])),
  vocabSize: semantic(
    count('Most tokens a trained vocabulary may have, special tokens included.', 1024, { minimum: 300 }),
  ),
  phrases: semantic(count('Multi-word pieces to learn, e.g. ", you see a". 0 = none.', 0, natural)),
});

/** Group `model` of the manifest. */
export const model = group('The language model.', {
  base: semantic(
    optionalText(
      'Folder of a Hugging Face Llama checkpoint to start from, relative to the manifest; null = random weights of the shape below. Its content is in the key.',
    ),
  ),
  layers: semantic(count('Transformer blocks.', 3)),
  hiddenSize: semantic(count('Model width D.', 128)),
  heads: semantic(count('Query heads.', 4)),
  kvHeads: semantic(count('Key/value heads; `heads` must be a multiple of it.', 2)),
  intermediateSize: semantic(count('Width of the feed-forward layer.', 352)),
  maxLength: semantic(count('Longest conversation in tokens; a longer one ends as `limit`.', 1024, { minimum: 32 })),
  ropeTheta: semantic(real('Base of the rotary position frequencies. Source: Llama, 10000.', 10000, positive)),
  tieEmbeddings: semantic(flag('Use the embedding matrix as output layer.', true)),
  previousTokenEmbedding: semantic(
    flag(
      'Add an embedding of the previous token to the input. Not Llama: lets a three-layer model copy names early.',
      false,
    ),
  ),
});
