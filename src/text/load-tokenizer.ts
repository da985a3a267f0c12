/**
 * Makes a {@link Tokenizer} of a Hugging Face `tokenizer.json` through @huggingface/tokenizers, with a memory of recent texts.
 */
import * as huggingFace from '@huggingface/tokenizers';
import { remember } from './remember.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerJson } from './train-tokenizer.ts';

/** The part of the library's tokenizer used here; its own declarations do not resolve under `nodenext`. */
interface Backend {
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
  decode(
    ids: readonly number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
}
type BackendConstructor = new (json: unknown, config: Record<string, unknown>) => Backend;

/**
 * Loads a tokenizer.
 * @param json The parsed `tokenizer.json`, or its text.
 * @throws {SyntaxError} If it is not the content of a `tokenizer.json`.
 */
export function loadTokenizer(json: TokenizerJson | string): Tokenizer {
  const parsed = typeof json === 'string' ? (JSON.parse(json) as TokenizerJson) : json; // checked on the next line
  if (typeof parsed?.model?.vocab !== 'object' || !Array.isArray(parsed.added_tokens)) {
    throw new SyntaxError('Cannot load a tokenizer: model.vocab or added_tokens is absent, expected a tokenizer.json');
  }
  const Constructor = (huggingFace as unknown as { Tokenizer: BackendConstructor }).Tokenizer; // see Backend
  const backend = new Constructor(parsed, {});
  const specialIds = new Set(parsed.added_tokens.filter((token) => token.special).map((token) => token.id));
  const encode = remember((text) => backend.encode(text, { add_special_tokens: false }).ids);
  return {
    vocabSize: vocabSizeOf(parsed),
    encode: (text) => encode(text).slice(),
    decode: (ids) => {
      const plain = ids.filter((id) => !specialIds.has(id));
      if (plain.length === 0) return '';
      return backend.decode(plain, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    },
    idOf: (token) => backend.token_to_id(token),
  };
}

/** Counts the rows an embedding needs: the highest id and one. */
function vocabSizeOf(json: TokenizerJson): number {
  let highest = -1;
  for (const id of Object.values(json.model.vocab)) highest = Math.max(highest, id);
  for (const { id } of json.added_tokens) highest = Math.max(highest, id);
  return highest + 1;
}
