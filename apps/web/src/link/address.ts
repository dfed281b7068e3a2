/**
 * What the server sees of this end's address, which the other end is shown; empty: it is not to be had.
 * @param base Where the server has what belongs to links, such as `/link`.
 */
export async function fetchAddress(base: string | URL, signal?: AbortSignal): Promise<string> {
  try {
    const response = await fetch(`${String(base).replace(/\/$/, '')}/address`, signal ? { signal } : {});
    const answer: unknown = response.ok ? await response.json() : null;
    const address = (answer as { readonly address?: unknown } | null)?.address;
    return typeof address === 'string' ? address : '';
  } catch {
    return '';
  }
}
