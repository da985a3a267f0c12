/**
 * What the generated shop sells: departments and their product families, with words, prices and brands of our own. In small shops a
 * family is its noun in one of several kinds with one of several traits; details are what only a features page tells.
 */

/** How rich products and pages are: `small` for tiny models, `full` about as on a real shop's pages. */
export type ShopSize = 'small' | 'full';

/** A part of the shop; its families share kinds, traits, details and options. */
export interface Department {
  /** WebShop's `category`. */
  readonly category: string;
  /** First element of `product_category`. */
  readonly path: string;
  /** One word each; every noun is one family. */
  readonly nouns: readonly string[];
  /** Materials and makes, one word each, named in titles. */
  readonly kinds: readonly string[];
  /** Attributes named in titles. */
  readonly traits: readonly string[];
  /** Attributes that only the features page names. */
  readonly details: readonly string[];
  /** Names of the options its products may have. */
  readonly options: readonly OptionName[];
  /** Lowest and highest price, in dollars. */
  readonly prices: readonly [number, number];
}

/** Name of an option. */
export type OptionName = 'color' | 'size' | 'bed' | 'scent' | 'flavor' | 'pack' | 'style';

/** Values of each option; no two of one list match each other in the reward's fuzzy comparison. */
export const optionValues: Readonly<Record<OptionName, readonly string[]>> = {
  color: ['navy', 'red', 'green', 'black', 'white', 'purple', 'yellow', 'pink'],
  size: ['small', 'medium', 'large', 'tall'],
  bed: ['twin', 'queen', 'king', 'crib'],
  scent: ['rose', 'citrus', 'mint', 'vanilla', 'cedar', 'jasmine'],
  flavor: ['honey', 'cherry', 'lemon', 'cocoa', 'ginger', 'maple'],
  pack: ['single', 'double', 'triple', 'family'],
  style: ['classic', 'modern', 'retro', 'sport', 'travel'],
};

const words = (text: string): readonly string[] => text.split(' ');

/** All departments. Nouns, kinds, traits, details and values are distinct phrases that no page text contains otherwise. */
export const departments: readonly Department[] = [
  {
    category: 'fashion',
    path: 'Clothing',
    nouns: words('shirt hoodie jacket sweater pants skirt scarf'),
    kinds: words('cotton linen denim wool'),
    traits: ['machine wash', 'quick dry', 'slim fit', 'relaxed fit'],
    details: ['button closure', 'moisture wicking', 'soft lining'],
    options: ['color', 'size'],
    prices: [12, 78],
  },
  {
    category: 'shoes',
    path: 'Shoes',
    nouns: words('sneakers boots sandals slippers loafers heels clogs'),
    kinds: words('leather canvas suede mesh'),
    traits: ['non slip', 'memory foam', 'light weight', 'wide toe'],
    details: ['arch support', 'rubber sole', 'padded collar'],
    options: ['color', 'size'],
    prices: [22, 98],
  },
  {
    category: 'beauty',
    path: 'Beauty',
    nouns: words('shampoo lotion serum soap lipstick mascara sunscreen'),
    kinds: words('argan coconut aloe almond'),
    traits: ['cruelty free', 'paraben free', 'long lasting', 'oil free'],
    details: ['dermatologist tested', 'refillable bottle', 'sensitive skin'],
    options: ['scent', 'pack'],
    prices: [12, 68],
  },
  {
    category: 'grocery',
    path: 'Grocery',
    nouns: words('cookies crackers granola tea coffee popcorn jam'),
    kinds: words('oat rice corn quinoa'),
    traits: ['gluten free', 'sugar free', 'low sodium', 'dairy free'],
    details: ['kosher certified', 'resealable bag', 'natural colors'],
    options: ['flavor', 'pack'],
    prices: [12, 58],
  },
  {
    category: 'electronics',
    path: 'Electronics',
    nouns: words('headphones speaker charger keyboard camera tablet projector'),
    kinds: words('wireless wired foldable portable'),
    traits: ['noise cancelling', 'fast charging', 'water proof', 'high resolution'],
    details: ['carrying case', 'usb port', 'voice control'],
    options: ['color', 'style'],
    prices: [22, 98],
  },
  {
    category: 'home',
    path: 'Home',
    nouns: words('blanket quilt pillow mattress canopy headboard bedspread'),
    kinds: words('velvet bamboo fleece satin'),
    traits: ['easy care', 'stain resistant', 'double stitched', 'extra thick'],
    details: ['hidden zipper', 'dust cover', 'anti static'],
    options: ['color', 'bed'],
    prices: [22, 98],
  },
  {
    category: 'kitchen',
    path: 'Kitchen',
    nouns: words('pan kettle mug bowl teapot pitcher tray'),
    kinds: words('steel glass copper ceramic'),
    traits: ['dishwasher safe', 'bpa free', 'heat resistant', 'rust proof'],
    details: ['cool grip', 'pouring spout', 'flat base'],
    options: ['color', 'size'],
    prices: [12, 68],
  },
  {
    category: 'garden',
    path: 'Garden',
    nouns: words('lantern planter bench hammock parasol trellis fountain'),
    kinds: words('solar wicker teak iron'),
    traits: ['weather resistant', 'easy assemble', 'eco friendly', 'heavy duty'],
    details: ['wall mount', 'spare parts', 'motion sensor'],
    options: ['color', 'style'],
    prices: [12, 88],
  },
];

/** Brands, all of our own invention; no word of another list. */
export const brands: readonly string[] = words(
  'norvane ulvida brenko sattela quorim dellaro fjordix ambrella kestwin orlani tavimo zephrin luxenda mirkova palvoro rindale',
);

/** A line of products that share a noun. */
export interface Family {
  readonly noun: string;
  readonly department: Department;
}

/** Lists all families, department by department. */
export function listFamilies(): readonly Family[] {
  return departments.flatMap((department) => department.nouns.map((noun) => ({ noun, department })));
}
