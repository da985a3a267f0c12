/**
 * The byte-level alphabet of GPT-2: every byte has one printable character, so a vocabulary that holds all 256 can spell any text.
 * Source: openai/gpt-2 src/encoder.py, bytes_to_unicode (the same table is in Hugging Face tokenizers, pre_tokenizers/byte_level.rs).
 */

/** The character that stands for each byte, shape [256]. Printable Latin-1 stands for itself, the rest follows from U+0100 on. */
export const byteAlphabet: readonly string[] = makeAlphabet();

const encoder = new TextEncoder();

/** Writes text in the byte-level alphabet, one character per UTF-8 byte: ` go` becomes `Ġgo`. */
export function toByteLevel(text: string): string {
  let written = '';
  for (const byte of encoder.encode(text)) written += byteAlphabet[byte];
  return written;
}

function makeAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
}
