import type { SessionClient, TakenFrame } from './client.ts';
import type { Bytes } from './codec.ts';

/** What moves the frames, from the best to the worst. */
export const carriers = ['websocket', 'streaming', 'longPolling', 'polling'] as const;

export type CarrierName = (typeof carriers)[number];

/** A carrier's hold on the session: of one that was given up, or whose session is elsewhere by now, nothing is taken, and nothing is given to it. */
export class Link {
  readonly client: SessionClient;
  readonly #ended = new AbortController();
  readonly #told: () => void;
  #wake: (() => void) | null = null;
  #isAwake = false;

  /** @param told Called when frames were taken in or given: the clock may be due at another time now. */
  constructor(client: SessionClient, told: () => void) {
    this.client = client;
    this.#told = told;
  }

  /** Aborted when the carrier is to end. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  end(): void {
    this.#ended.abort();
    this.wake();
  }

  take(): TakenFrame | null {
    if (this.ended.aborted) return null;
    const frame = this.client.take();
    if (frame) this.#told();
    return frame;
  }

  receive(bytes: Bytes, number = 0): void {
    if (this.ended.aborted) return;
    this.client.receive(bytes, number);
    this.#told();
  }

  receiveBody(body: Bytes): void {
    if (this.ended.aborted) return;
    this.client.receiveBody(body);
    this.#told();
  }

  /** There is something to take. */
  wake(): void {
    this.#isAwake = true;
    this.#wake?.();
  }

  /** Waits until there is something to take, or the end. By one waiter at a time. */
  async woken(): Promise<void> {
    if (!this.#isAwake && !this.ended.aborted) await new Promise<void>((resolve) => { this.#wake = resolve; });
    this.#wake = null;
    this.#isAwake = false;
  }
}

/** Waits so many milliseconds, or until it is told to stop, which is no error. */
export function delay(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    stop.addEventListener('abort', done);
  });
}

/** Does something that stops when one of the signals says so, or when it takes longer than so many milliseconds. */
export async function until<T>(stops: readonly AbortSignal[], timeout: number, act: (stop: AbortSignal) => Promise<T>): Promise<T> {
  // AbortSignal.any is younger than the browsers that this is for.
  const stop = new AbortController();
  const abort = () => stop.abort();
  const timer = timeout < Infinity ? setTimeout(abort, timeout) : undefined;
  for (const signal of stops) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  }

  try {
    return await act(stop.signal);
  } finally {
    clearTimeout(timer);
    for (const signal of stops) signal.removeEventListener('abort', abort);
  }
}
