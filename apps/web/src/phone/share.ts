/** Where the service worker leaves what was shared, until the page takes it. */
export const SHARED_CACHE = 'tandem-phone-shared';

/** Where the cache has how many there are, and each of them behind it. */
export const SHARED_PATH = '/phone/shared/';

/** Takes what other applications have shared with this one: texts, and files. */
export async function takeShared(): Promise<readonly (File | string)[]> {
  if (!new URLSearchParams(location.search).has('shared') || !('caches' in globalThis)) return [];
  history.replaceState(history.state, '', location.pathname);
  const items: (File | string)[] = [];
  try {
    const cache = await caches.open(SHARED_CACHE);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      const name = response?.headers.get('X-File-Name') ?? null;
      if (!response) continue;
      if (name === null) items.push(await response.text());
      else items.push(new File([await response.blob()], decodeURIComponent(name), { type: response.headers.get('Content-Type') ?? '' }));
    }

    await caches.delete(SHARED_CACHE);
  } catch {
    // Storage is forbidden or full: there is nothing to take.
  }

  return items;
}
