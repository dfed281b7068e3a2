import { effect, signal } from '@preact/signals';
import { ratesOf, takeEvents, type Rates, type Report } from './report.ts';

export type FeedState = 'connecting' | 'live' | 'paused' | 'lost' | 'locked';
export type Order = 'buffered' | 'newest';

/** A field without which the server does nothing: no page of another origin can send it. */
const OWN_PAGE = { 'X-Tandem-Inspector': '1' };
const RETRY_MS = 1000;

const base = location.pathname.replace(/\/$/, '');

export const state = signal<FeedState>('connecting');
export const report = signal<Report | null>(null);
export const rates = signal<Rates | null>(null);
export const order = signal<Order>('buffered');
export const paused = signal(false);

const hidden = signal(document.hidden);
const attempt = signal(0);

/** Follows the feed while somebody looks: not while the page is paused or in the background. */
export function watch(): void {
  document.addEventListener('visibilitychange', () => { hidden.value = document.hidden; });
  effect(() => {
    void attempt.value;
    if (paused.value || hidden.value) {
      state.value = paused.value ? 'paused' : state.peek();
      return undefined;
    }
    const abort = new AbortController();
    void follow(order.value, abort.signal);
    return () => abort.abort();
  });
}

async function follow(by: Order, abort: AbortSignal): Promise<void> {
  if (state.peek() !== 'live') state.value = 'connecting';
  try {
    const response = await fetch(`${base}/feed?order=${by}`, { signal: abort, cache: 'no-store' });
    if (response.status === 403) {
      state.value = 'locked';
      return;
    }
    if (response.ok && response.body) await read(response.body, abort);
  } catch {
    // The server has gone, or nobody looks any more; what to do about it is the same.
  }
  if (abort.aborted) return;
  state.value = 'lost';
  setTimeout(() => { if (!abort.aborted) attempt.value++; }, RETRY_MS);
}

async function read(body: ReadableStream<Uint8Array<ArrayBuffer>>, abort: AbortSignal): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done || abort.aborted) return;
    const { events, rest } = takeEvents(text + value);
    text = rest;
    for (const event of events) show(JSON.parse(event) as Report);
  }
}

function show(next: Report): void {
  rates.value = ratesOf(report.peek(), next);
  report.value = next;
  state.value = 'live';
}

/** Asks the server to close a connection. False: it was not there any more. */
export async function closeConnection(id: number, code: number): Promise<boolean> {
  const response = await fetch(`${base}/close`, {
    method: 'POST', headers: { ...OWN_PAGE, 'Content-Type': 'application/json' }, body: JSON.stringify({ id, code }),
  });
  return response.ok;
}

/** Comes in with the token. False: it is not the right one. */
export async function enter(token: string): Promise<boolean> {
  const response = await fetch(`${base}/token`, { method: 'POST', headers: { ...OWN_PAGE, 'Content-Type': 'text/plain' }, body: token });
  if (response.ok) attempt.value++;
  return response.ok;
}
