/** Puts drafts into words: records as in WebShop's own product files, with titles, bullet points and descriptions from small grammars. */
import { createRng, type Rng } from '../../../base/rng.ts';
import type { AttributesEntry, RawProduct } from '../catalogue/product.ts';
import type { Draft } from './draw.ts';
import type { ShopSize } from './lexicon.ts';

/** Writes a draft as a record of `items_shuffle.json`. */
export function writeProduct(draft: Draft, size: ShopSize): RawProduct {
  const { asin, family, prices } = draft;
  const { noun, department } = family;
  const rng = createRng(['webshop text', asin, draft.brand, size]);
  return {
    asin,
    ...(size === 'small' ? smallText(draft) : fullText(draft, rng)),
    category: department.category,
    query: noun,
    product_category: `${department.path} › ${capital(department.category)} Store › ${capital(noun)}`,
    pricing: prices.map((price) => `$${price.toFixed(2)}`).join(' - '),
    customization_options: Object.fromEntries(
      draft.options.map(({ name, values }) => [name, values.map((value) => ({ value }))]),
    ),
  };
}

/** Writes a draft's entry of `items_ins_v2.json`. */
export function writeAttributes({ named, hidden }: Draft): AttributesEntry {
  return { attributes: [...named, ...hidden] };
}

type Text = Pick<RawProduct, 'name' | 'full_description' | 'small_description'>;

/** Lower case throughout: a word is then the same token in wish, title and search. */
function smallText({ brand, family, named, hidden }: Draft): Text {
  const [kind, ...traits] = named;
  return {
    name: [brand, kind, family.noun, ...traits].join(' '),
    full_description: `made by ${brand}`,
    small_description: [traits.join(' '), ...hidden],
  };
}

const audiences = ['for Everyday Use', 'for Men and Women', 'for Gifts', 'for Families', 'for Beginners', 'for Guests'];
const praises = ['Premium', 'Upgraded', 'Original', 'Best Value', 'Signature', 'New Edition'];
const openings = [
  'Thoughtfully designed',
  'Made with care',
  'Tested by hand',
  'Chosen by our customers',
  'Built to please',
];
const promises = [
  'If anything is not right, write to us and we will answer within one day.',
  'Every order ships from our own warehouse in a recycled box.',
  'A small family company stands behind every order.',
  'Please allow for slight differences between screen and reality.',
];

function fullText({ brand, family, named, hidden }: Draft, rng: Rng): Text {
  const { noun } = family;
  const [kind, ...traits] = named;
  const inDescription = hidden.length > 1 ? hidden.slice(-1) : [];
  const inFeatures = hidden.slice(0, hidden.length - inDescription.length);
  const name = [
    `${brand} ${rng.pick(praises)} ${kind} ${noun}`,
    `${traits.join(' ')} ${noun} ${rng.pick(audiences)}`,
    `${brand} ${noun} Series ${1 + rng.int(9)}`,
  ].join(', ');
  const sentences = [
    `${rng.pick(openings)}, our ${kind} ${noun} from ${capital(brand)}: ${traits.join(' and ')}.`,
    ...inDescription.map((detail) => `Our customers like it most for one thing: ${detail}.`),
    ...rng.shuffle(promises).slice(0, 2 + rng.int(2)),
  ];
  const bullets = [
    `${traits.map((trait) => trait.toUpperCase()).join(', ')}: what you expect from our ${noun}.`,
    `${kind!.toUpperCase()}: the make of the whole ${noun}, inside and outside.`,
    ...inFeatures.map((detail) => `${detail.toUpperCase()}: one of the reasons to choose ${capital(brand)}.`),
    `SERVICE: ${rng.pick(promises)}`,
  ];
  return { name: capital(name), full_description: sentences.join(' '), small_description: bullets };
}

/** Writes each word with a capital. */
function capital(text: string): string {
  return text.replace(/(^|\s)\p{L}/gu, (letter) => letter.toUpperCase());
}
