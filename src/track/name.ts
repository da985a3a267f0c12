/** Names and lengths that every MLflow since 2.8 accepts. Source: mlflow/mlflow, mlflow/utils/validation.py. */

/** Longest value of a param; servers cut longer ones without a word. */
export const maxParamLength = 6000;
/** Longest value of a tag: 8000 in new versions, 5000 in older ones. */
export const maxTagLength = 5000;

/**
 * Returns a name of a metric, param, tag or artifact that MLflow accepts: `[A-Za-z0-9_./ -]`, at most 250 characters, a path that
 * stays below its folder. Other characters become `_`.
 */
export function sanitizeName(name: string): string {
  const parts = name.replaceAll(/[^A-Za-z0-9_./ -]/gu, '_').split('/');
  const safe = parts.filter((part) => part !== '' && part !== '.').map((part) => (part === '..' ? '__' : part));
  return safe.join('/').slice(0, 250).replace(/\/+$/, '') || '_';
}

/** Returns the beginning of a text, at most `length` UTF-16 units, without splitting a character. */
export function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length);
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}
