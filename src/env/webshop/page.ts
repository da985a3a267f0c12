/**
 * Pages as the agent reads them: the text nodes of the original's HTML in order, joined by ` [SEP] `.
 * Source: princeton-nlp/WebShop@64fa2a5 web_agent_site/templates/*.html, envs/web_agent_text_env.py `convert_html_to_text`.
 */
import type { Product } from './catalogue/product.ts';
import { floatRepr, stripLikePython } from './catalogue/python-text.ts';
import type { SubPage } from './state.ts';

const separator = ' [SEP] ';

/** The search page. */
export function searchPage(instruction: string): string {
  return joinNodes(['WebShop', 'Instruction:', instruction, 'Search']);
}

/** Puts the instruction over the body of any other page but the last. */
export function withInstruction(instruction: string, body: string): string {
  return `Instruction:${separator}${instruction}${separator}${body}`;
}

/** Body of a page of results. @param listings Texts of {@link listing}. @param total Number of results on all pages. */
export function resultsBody(listings: readonly string[], pageNumber: number, total: number): string {
  const previous = pageNumber > 1 ? ['< Prev'] : [];
  return ['Back to Search', `Page ${pageNumber} (Total results: ${total})`, ...previous, 'Next >', ...listings].join(
    separator,
  );
}

/** A product among the results. */
export function listing({ asin, title, priceTag }: Product): string {
  return joinNodes([asin, title, priceTag]);
}

/** Body of an item's page; the chosen options cannot be seen on it. */
export function itemBody(product: Product): string {
  const options = product.options.flatMap(({ name, values }) => [name, ...values]);
  const facts = [product.title, `Price: ${product.priceTag}`, 'Rating: N.A.'];
  return joinNodes(['Back to Search', '< Prev', ...options, ...facts, 'Description', 'Features', 'Reviews', 'Buy Now']);
}

/** Body of a page behind one of an item's buttons. No reviews are known. */
export function subPageBody(product: Product, subPage: SubPage): string {
  const nodes = ['Back to Search', '< Prev'];
  switch (subPage) {
    case 'description':
      return joinNodes([...nodes, product.description]);
    case 'features':
      return joinNodes([...nodes, ...product.bullets.map((bullet) => ` ${bullet}`)]);
    case 'reviews':
      return joinNodes(nodes);
    default:
      return subPage satisfies never;
  }
}

/** The page after a purchase; it names the reward. */
export function donePage(purchase: {
  readonly asin: string;
  readonly options: Readonly<Record<string, string>>;
  readonly reward: number;
}): string {
  const none = ['attrs', 'category', 'query', 'product category'].flatMap((name) => [name, 'None']);
  const target = [
    'asin',
    'options',
    'attrs',
    'price upper',
    'instuction text',
    'category',
    'product category',
    'query',
  ];
  return [
    ...['Thank you for shopping with us!', 'Your code:', 'None', '(Paste it in your MTurk interface.)'],
    ...['Purchased', 'asin', purchase.asin, 'options', optionsJson(purchase.options), ...none],
    ...['Target', ...target, 'Goal', 'None'],
    ...['Reward', 'Your score (min 0.0, max 1.0)', floatRepr(purchase.reward), 'Reward Details', 'None'],
  ].join(separator);
}

/** Joins text nodes as BeautifulSoup hands them out: empty ones do not exist, blank ones with a line end are dropped, all are trimmed. */
function joinNodes(nodes: readonly string[]): string {
  const kept = nodes.filter((node) => node !== '' && !(/^[ \t\n\f\r]*$/.test(node) && node.includes('\n')));
  return kept.map(stripLikePython).join(separator);
}

/** JSON as Flask's `tojson` writes it: names sorted, ASCII only, `<`, `>`, `&` and `'` escaped. */
function optionsJson(options: Readonly<Record<string, string>>): string {
  const names = Object.keys(options).sort();
  const text = names.map((name) => `${JSON.stringify(name)}: ${JSON.stringify(options[name])}`).join(', ');
  return `{${text.replace(/[<>&'\u007f-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)}}`;
}
