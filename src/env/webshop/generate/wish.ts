/** Draws wishes: what a shopper says about one product and the options to choose. The limit of the price is added where goals are made. */
import type { Rng } from '../../../base/rng.ts';
import type { HumanInstruction } from '../goal.ts';
import type { Draft } from './draw.ts';
import type { OptionName, ShopSize } from './lexicon.ts';

const templates: Readonly<Record<ShopSize, readonly ((what: string, asked: string) => string)[]>> = {
  small: [
    (what, asked) => `i want ${what}, ${asked}`,
    (what, asked) => `find me ${what}, ${asked}`,
    (what, asked) => `i need ${what}, ${asked}`,
    (what, asked) => `looking for ${what}, ${asked}`,
  ],
  full: [
    (what, asked) => `i am looking for ${what}, and please make it ${asked}`,
    (what, asked) => `i would like to buy ${what}, in ${asked}`,
    (what, asked) => `my sister wants ${what}. she asked for ${asked}`,
    (what, asked) => `can you find me ${what}? i want ${asked}`,
    (what, asked) => `i need ${what} for my house, ${asked}`,
    (what, asked) => `please show me ${what} with ${asked}`,
    (what, asked) => `get me ${what}, preferably ${asked}`,
    (what, asked) => `find ${what} that comes in ${asked}`,
  ],
};

/** Draws a wish that its product fulfils: a record of `items_human_ins.json`. */
export function drawWish(draft: Draft, options: { readonly rng: Rng; readonly size: ShopSize }): HumanInstruction {
  const { rng, size } = options;
  const [kind, ...traits] = draft.named;
  const detail = rng.int(2) === 0 ? [rng.pick(draft.hidden)] : [];
  const choices = draft.options.map(({ name, values }) => ({ name, value: rng.pick(values) }));
  const asked = rng.uniform() < 0.7 ? choices : [rng.pick(choices)];
  const { noun } = draft.family;
  const article = noun.endsWith('s') ? '' : /^[aeiou]/.test(kind!) ? 'an ' : 'a ';
  const what = `${article}${kind} ${noun} with ${[...traits, ...detail].join(' and ')}`;
  return {
    instruction: rng.pick(templates[size])(what, asked.map(phrase).join(' and ')),
    instruction_attributes: [kind!, ...traits, ...detail],
    instruction_options: asked.map(({ value }) => value),
  };
}

function phrase({ name, value }: { readonly name: OptionName; readonly value: string }): string {
  return `${name} ${value}`;
}
