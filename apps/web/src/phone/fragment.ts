import { parseSecret } from '../link/index.ts';

/** What the address said behind #, which it does not say any more: neither the address bar nor the history keeps a secret. */
export function takeCode(): string | null {
  const code = parseSecret(decodeURIComponentOr(location.hash.slice(1)));
  if (code !== null) history.replaceState(history.state, '', location.pathname + location.search);
  return code;
}

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
