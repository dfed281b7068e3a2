/** A part of a text; address: what it leads to, null: nowhere. */
export interface Part {
  readonly text: string;
  readonly address: string | null;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'“”‘’「」『』《》（）【】，。；！？、]+/gi;

// What stands behind an address in a sentence is not a part of it.
const BEHIND = /[.,;:!?)\]}]+$/;

/** The web addresses in a text. What is shown is the address itself, so nothing can pass for another. */
export function findAddresses(text: string): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = found.replace(BEHIND, '');
    if (!isAddress(address)) continue;
    if (index > end) parts.push({ text: text.slice(end, index), address: null });
    parts.push({ text: address, address });
    end = index + address.length;
  }

  if (end < text.length) parts.push({ text: text.slice(end), address: null });
  return parts;
}

function isAddress(text: string): boolean {
  try {
    return new URL(text).host !== '';
  } catch {
    return false;
  }
}
