import { SHARED_CACHE, SHARED_PATH } from './share.ts';

// What is used of a worker's world: TypeScript's library for workers cannot be together with that for pages.
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

interface Worker {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
}

const worker = self as unknown as Worker;

// Written by build.mjs: what the page is made of, and a name for exactly that.
declare const SHELL: readonly string[];
declare const SHELL_VERSION: string;

const PREFIX = 'tandem-phone-shell-';
const CACHE = PREFIX + SHELL_VERSION;

// The shell and nothing else: what the ends say to each other passes by here untouched.

worker.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(SHELL.map((path) => new Request(path, { cache: 'reload' })));
    await worker.skipWaiting();
  })());
});

worker.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }

    await worker.clients.claim();
  })());
});

worker.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin) return;
  if (event.request.method === 'POST' && url.pathname === '/phone/share') event.respondWith(takeShare(event.request));
  else if (event.request.method === 'GET' && SHELL.includes(url.pathname)) event.respondWith(answer(event.request, url.pathname));
});

/** From the server, so that the page is what the server speaks with; from the cache where there is no server. */
async function answer(request: Request, path: string): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(path);
    if (kept) return kept;
    throw error;
  }
}

async function takeShare(request: Request): Promise<Response> {
  const form = await request.formData();
  const cache = await caches.open(SHARED_CACHE);
  let count = 0;
  const put = (body: BodyInit, headers: HeadersInit) => cache.put(`${SHARED_PATH}${Date.now()}-${count++}`, new Response(body, { headers }));
  const texts = ['title', 'text', 'url'].map((name) => form.get(name)).filter((value): value is string => typeof value === 'string' && value !== '');
  if (texts.length > 0) await put([...new Set(texts)].join('\n'), { 'Content-Type': 'text/plain' });
  for (const file of form.getAll('files')) {
    if (file instanceof File) await put(file, { 'Content-Type': file.type || 'application/octet-stream', 'X-File-Name': encodeURIComponent(file.name) });
  }

  return Response.redirect('/phone?shared', 303);
}
