/**
 * Colours as the reward compares them: a value that contains a colour's name counts as that colour.
 * Source: princeton-nlp/WebShop@64fa2a5 (MIT) web_agent_site/engine/normalize.py#L4-L21 (the names, in order) and #L62-L68.
 */

/** Names in the order they are looked for; alphabetical, so that `dark` is found before `red`. */
const names = `alabaster apricot aqua ash asphalt azure banana beige black blue blush bordeaux bronze brown burgundy camel camo caramel
champagne charcoal cheetah chestnut chocolate christmas coffee cognac copper coral cranberry cream crystal dark denim eggplant elephant
espresso fuchsia gold granite grape graphite grass gray green grey heather indigo ivory ivy khaki lavender lemon leopard light lilac lime
magenta maroon mauve merlot midnight mint mocha multicolor mushroom mustard natural navy nude olive orange peach pewter pink plum purple
rainbow red rose royal rust sand sapphire seashell silver skull slate steel stone stonewash sunflower tan taupe teal tiger turquoise violet
walnut wheat white wine yellow`;

/** Colours in the order they are looked for. */
export const colours: readonly string[] = names.split(/\s+/);

/** Returns the first colour whose name occurs anywhere in the text, `constant` -> `tan`; otherwise the text as it is. */
export function normaliseColour(text: string): string {
  return colours.find((colour) => text.includes(colour)) ?? text;
}
