import { carriers, type CarrierName } from './carrier.ts';

/** How a session connects, how patient it is, and how much it keeps. Times are in milliseconds. */
export interface SessionOptions {
  /** Which carriers may be used; the order is always the same. Default: WebSocket, streaming, long polling, polling. */
  readonly carriers?: readonly CarrierName[];
  /** The WebSocket to use; null: there is none. Default: that of the page or of Node (from 22 on). */
  readonly WebSocket?: typeof WebSocket | null;
  /** The fetch to use. Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Fetches a connect ticket, for servers that demand one; called before each try to begin a session, not before one that resumes. See fetchTicket. Default: none. */
  readonly getTicket?: (signal: AbortSignal) => Promise<string>;
  /** Told of each change of the carrier; null: nothing moves the session at the moment. */
  readonly onCarrier?: (carrier: CarrierName | null) => void;
  /** How long a WebSocket may take to open, and the server to answer OPEN, on whatever carrier. Default 10 s. */
  readonly openTimeout?: number;
  /** How long a stream or a poll may take to bring what is known to be on its way; then the next way down is used. Default 5 s. */
  readonly proofTimeout?: number;
  /** The wait before the second try, at most; it doubles with every failed one. The wait is chosen at random between nothing and that. Default 500 ms. */
  readonly firstDelay?: number;
  /** The most that it doubles to. Default 30 s. */
  readonly maxDelay?: number;
  /** When a better carrier is tried first; it doubles with every failed try. The wait is chosen at random between half of that and that. Default 30 s. */
  readonly probeDelay?: number;
  /** The most that it doubles to. Default 5 min. */
  readonly maxProbeDelay?: number;
  /** Between polls where nothing better works; at most the server's heartbeat. Default 2 s. */
  readonly pollInterval?: number;
  /** Most requests and messages that wait to be sent or for an answer; further ones wait their turn. Default 1024. */
  readonly maxWaiting?: number;
  /**
   * Notices that wait to be read, above which nothing more is acknowledged: the server sends on to the end of its window (by default 256 frames or 1 MiB) and then
   * applies the policies of its topics. Default 1024.
   */
  readonly maxUnread?: number;
  /** How long close waits until the server was told. Default 5 s. */
  readonly closeTimeout?: number;
}

export function defaults(): Required<SessionOptions> {
  return {
    carriers,
    WebSocket: globalThis.WebSocket ?? null,
    // Called as a function of nobody's, which is what browsers want.
    fetch: (...request) => globalThis.fetch(...request),
    getTicket: () => Promise.resolve(''),
    onCarrier: () => {},
    openTimeout: 10_000,
    proofTimeout: 5_000,
    firstDelay: 500,
    maxDelay: 30_000,
    probeDelay: 30_000,
    maxProbeDelay: 300_000,
    pollInterval: 2_000,
    maxWaiting: 1024,
    maxUnread: 1024,
    closeTimeout: 5_000,
  };
}

export function checkOptions(options: Required<SessionOptions>): void {
  for (const [name, value] of Object.entries(options)) {
    // What setTimeout takes, and more than any of them needs.
    if (typeof value === 'number' && !(value > 0 && value <= 86_400_000)) throw new RangeError(`${name} is a number above 0, and a time at most a day.`);
  }

  if (options.firstDelay > options.maxDelay) throw new RangeError('firstDelay is at most maxDelay.');
  if (options.probeDelay > options.maxProbeDelay) throw new RangeError('probeDelay is at most maxProbeDelay.');
  if (options.carriers.length === 0 || options.carriers.some((name) => !carriers.includes(name))) throw new RangeError(`carriers are some of ${carriers.join(', ')}.`);
}

/**
 * Fetches a connect ticket as the server of the sessions hands them out, with the visitor's cookies, to other origins too.
 * @param base Where the server has its sessions, as for Session.
 * @param init What else the request needs, such as the signal, or headers that authenticate.
 */
export async function fetchTicket(base: string | URL, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${String(base).replace(/\/$/, '')}/ticket`, { credentials: 'include', ...init, method: 'POST' });
  if (!response.ok) throw new Error(`The server answered ticket with ${response.status}.`);
  return response.text();
}
