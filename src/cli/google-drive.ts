/**
 * Finds the file behind Google Drive's "cannot scan this file for viruses" page: its form `download-form` names an address and hidden
 * fields (id, export, confirm, uuid), which together are the request the button makes.
 */

/** Returns the address the page's button leads to, or undefined if the page is another one (sign in, quota exceeded). */
export function driveForm(page: string, address: string): string | undefined {
  if (!/(^|\.)google\.com$/.test(new URL(address).hostname)) return undefined;
  const form = /<form\b[^>]*\bid="download-form"[^>]*>[\s\S]*?<\/form>/i.exec(page)?.[0];
  const action = form === undefined ? undefined : attribute(form, 'action');
  if (form === undefined || action === undefined) return undefined;
  const target = new URL(action, address);
  if (target.protocol !== 'https:' || !/(^|\.)google(usercontent)?\.com$/.test(target.hostname)) return undefined;
  for (const [input] of form.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(input, 'name');
    if (name !== undefined && attribute(input, 'type') === 'hidden') {
      target.searchParams.set(name, attribute(input, 'value') ?? '');
    }
  }
  return target.href;
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1]?.replaceAll('&amp;', '&');
}
