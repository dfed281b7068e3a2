/** What the page computes from what it has measured. */

/** Bytes and requests of one carrier, as the server has counted them up to a moment. */
export interface Count {
  readonly requests: number;
  readonly up: number;
  readonly down: number;
}

export interface Sample {
  /** The server's clock, in milliseconds. */
  readonly time: number;
  readonly count: Count;
  /** Messages that the page has received. */
  readonly messages: number;
}

export interface Cost {
  readonly bytesPerMessage: number | null;
  readonly upPerMessage: number | null;
  readonly requestsPerMinute: number | null;
}

/** What it has cost between two samples. */
export function costBetween(first: Sample, last: Sample): Cost {
  const messages = last.messages - first.messages;
  const minutes = (last.time - first.time) / 60_000;
  const up = last.count.up - first.count.up;
  const bytes = up + last.count.down - first.count.down;
  return {
    bytesPerMessage: messages > 0 ? bytes / messages : null,
    upPerMessage: messages > 0 ? up / messages : null,
    requestsPerMinute: minutes > 0 ? (last.count.requests - first.count.requests) / minutes : null,
  };
}

/** The value below which so much of them lies; null: there is none. They are sorted. */
export function quantile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null;
}

/** How many in a hundred are at most as large as each of the bounds. Both are sorted. */
export function distribution(sorted: readonly number[], bounds: readonly number[]): (number | null)[] {
  let index = 0;
  return bounds.map((bound) => {
    while (index < sorted.length && sorted[index]! <= bound) index++;
    return sorted.length > 0 ? (100 * index) / sorted.length : null;
  });
}

/** From 1 ms to 30 s, ten to a power of ten. */
export const latencyBounds: readonly number[] = Array.from({ length: 46 }, (_, i) => 10 ** (i / 10));

/** Up to so many latest values, and sorted when they are asked for. */
export class Recent {
  readonly #most: number;
  #values: number[] = [];
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(value: number): void {
    this.#values[this.#next++ % this.#most] = value;
  }

  clear(): void {
    this.#values = [];
    this.#next = 0;
  }

  sorted(): number[] {
    return [...this.#values].sort((one, other) => one - other);
  }
}
