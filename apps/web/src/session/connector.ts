import { carriers, delay, Link, until, type CarrierName } from './carrier.ts';
import type { SessionClient } from './client.ts';
import { SessionEndedError } from './errors.ts';
import { SessionCode } from './generated.ts';
import { HttpCarrier, HttpFailure, type WayDown } from './http-carrier.ts';
import type { SessionOptions } from './options.ts';
import { openWebSocket, runWebSocket } from './websocket-carrier.ts';

/** A carrier that lived so long was a good one, in milliseconds. */
const GOOD_LIFE = 10_000;

/** After so many short lives in a row WebSockets are taken for blocked, as by a proxy that lets the handshake through and nothing else. */
const MOST_SHORT_LIVES = 3;

const FINAL: readonly number[] = [
  SessionCode.Ok, SessionCode.ProtocolError, SessionCode.UnsupportedVersion, SessionCode.FrameTooLarge, SessionCode.NotAuthenticated, SessionCode.Forbidden,
];

/** Whether there is no use in another try. */
export function isFinal(code: number): boolean {
  return FINAL.includes(code);
}

/** The carriers of a session, one after the other: which is next, when it is tried, and when a better one is. */
export class Connector {
  /** How long to wait between polls, in milliseconds. */
  pollInterval: number;
  readonly #options: Required<SessionOptions>;
  readonly #base: URL;
  readonly #client: SessionClient;
  readonly #disposed = new AbortController();
  #link: Link | null = null;
  #carrier: CarrierName | null = null;
  #closed: SessionEndedError | null = null;
  #shortLives = 0;
  #probeDelay: number;
  #clock: ReturnType<typeof setTimeout> | undefined;
  #clockAt = Infinity;
  #hurry = new AbortController();
  // Given up is what is being opened; what is open is closed.
  #giveUp = new AbortController();
  #opened: () => void = () => {};

  constructor(client: SessionClient, base: URL, options: Required<SessionOptions>) {
    this.#client = client;
    this.#base = base;
    this.#options = options;
    this.#probeDelay = options.probeDelay;
    this.pollInterval = options.pollInterval;
  }

  get carrier(): CarrierName | null { return this.#carrier; }

  // What the client tells.

  ready(): void { this.#link?.wake(); }

  opened(): void { this.#opened(); }

  closed(code: number, reason: string): void {
    this.#closed = new SessionEndedError(code, reason);
    // Where a rule was broken CLOSE is still to be sent.
    if (!this.#client.isClosing) this.#link?.end();
  }

  /** The client owes something that it did not owe: the clock may be due earlier. */
  changed(): void { this.#setClock(); }

  /**
   * Connects again and again until it is disposed.
   * @returns Why there will be no session any more; null: it was disposed. Rejects when the first try fails.
   */
  async run(connected: () => void): Promise<SessionEndedError | null> {
    this.#giveUp = new AbortController();
    const online = () => this.#hurry.abort();
    // A page that was asleep: its wait may be long over, and its carrier dead without anybody's having said so.
    const page = globalThis.document;
    const shown = () => {
      if (page.visibilityState !== 'visible') return;
      this.#hurry.abort();
      this.#client.ping();
    };
    globalThis.addEventListener?.('online', online);
    page?.addEventListener('visibilitychange', shown);
    try {
      return await this.#connectAgainAndAgain(connected);
    } finally {
      globalThis.removeEventListener?.('online', online);
      page?.removeEventListener('visibilitychange', shown);
      this.#leave();
    }
  }

  /** Ends the carrier, once CLOSE was sent on one that works, or so much time is over. */
  dispose(): void {
    this.#disposed.abort();
    const link = this.#client.isOpen ? this.#link : null;
    this.#client.close();
    if (!link) this.giveUp();
    else void delay(this.#options.closeTimeout, link.ended).then(() => link.end());
  }

  /** Gives up what is being opened. */
  giveUp(): void {
    this.#giveUp.abort();
    this.#link?.end();
  }

  async #connectAgainAndAgain(connected: () => void): Promise<SessionEndedError | null> {
    let isFirst = true;
    let probed: WebSocket | null = null;
    for (let failed = 0; ; failed++) {
      const began = performance.now();
      const { isOpened, problem, next } = await this.#connectOnce(probed, () => {
        isFirst = false;
        connected();
      });
      probed = next;
      const closed = this.#closed;
      if (closed && isFinal(closed.code)) {
        if (isFirst) throw closed;
        return closed;
      }

      if (this.#isOver) probed?.close();
      if (this.#isOver && isFirst) throw new SessionEndedError(SessionCode.Ok, 'it was closed');
      if (this.#isOver) return null;
      if (isFirst) throw closed ?? problem ?? new Error('The carrier has ended before the session was open.');
      if (probed) continue;
      this.#leave();
      if (isOpened && performance.now() - began >= GOOD_LIFE) failed = 0;
      await this.#backOff(failed, problem);
    }
  }

  /** One carrier, to its end: a WebSocket, or where there is none HTTP. next: one that was opened meanwhile. */
  async #connectOnce(probed: WebSocket | null, connected: () => void): Promise<{ isOpened: boolean; problem: unknown; next: WebSocket | null }> {
    const began = performance.now();
    let isOpened = false;
    let problem: unknown = null;
    let next: WebSocket | null = null;
    const opened = () => {
      isOpened = true;
      connected();
    };
    this.#closed = null;
    const triesSocket = probed !== null || this.#maySocket;
    if (triesSocket) {
      await this.#overWebSocket(probed, opened).catch((error: unknown) => { problem = error; });
      if (isOpened) this.#shortLives = performance.now() - began < GOOD_LIFE ? this.#shortLives + 1 : 0;
    }

    if (!isOpened && !this.#closed && !this.#isOver && !this.#giveUp.signal.aborted && this.#ways.length > 0) {
      problem = null;
      await this.#overHttp(opened).then((found) => { next = found; }, (error: unknown) => { problem = error; });
      if (isOpened && triesSocket) this.#shortLives++;
    }

    return { isOpened, problem, next };
  }

  get #isOver(): boolean {
    return this.#disposed.signal.aborted;
  }

  get #maySocket(): boolean {
    const { carriers: allowed, WebSocket: Implementation } = this.#options;
    return allowed.includes('websocket') && Implementation !== null && (this.#shortLives < MOST_SHORT_LIVES || this.#ways.length === 0);
  }

  get #ways(): WayDown[] {
    return carriers.filter((name): name is WayDown => name !== 'websocket' && this.#options.carriers.includes(name));
  }

  /** Waits at random, so that the clients of a server that was away do not come back all at once. */
  async #backOff(failed: number, problem: unknown): Promise<void> {
    const { firstDelay, maxDelay } = this.#options;
    const most = Math.min(maxDelay, firstDelay * 2 ** Math.min(failed, 30));
    const least = problem instanceof HttpFailure ? Math.min(problem.retryAfter, maxDelay) : 0;
    this.#hurry = new AbortController();
    const stop = () => this.#hurry.abort();
    this.#disposed.signal.addEventListener('abort', stop);
    await delay(least + Math.random() * most, this.#hurry.signal);
    this.#disposed.signal.removeEventListener('abort', stop);
  }

  async #overWebSocket(probed: WebSocket | null, opened: () => void): Promise<void> {
    const { WebSocket: Implementation, openTimeout } = this.#options;
    const giveUp = this.#giveUp.signal;
    const socket = probed ?? await openWebSocket(Implementation!, this.#socketUrl, openTimeout, giveUp);
    const link = await this.#attach().catch((error: unknown) => {
      socket.close();
      throw error;
    });
    const running = runWebSocket(socket, link);
    const isOpen = await this.#untilOpened(link);
    if (isOpen) {
      this.#setCarrier('websocket');
      const good = setTimeout(() => { this.#probeDelay = this.#options.probeDelay; }, GOOD_LIFE);
      link.ended.addEventListener('abort', () => clearTimeout(good));
      opened();
    } else {
      link.end();
    }

    await running;
    if (!isOpen) throw new Error('The server did not answer OPEN in time.');
  }

  /** Runs until it ends, or a WebSocket could be opened beside it: then that is the next carrier. */
  async #overHttp(opened: () => void): Promise<WebSocket | null> {
    const { openTimeout, proofTimeout, fetch } = this.#options;
    const link = await this.#attach();
    const carrier: HttpCarrier = new HttpCarrier(link, {
      base: this.#base.href.replace(/\/$/, ''), fetch, ways: this.#ways, openTimeout, proofTimeout,
      pollInterval: () => Math.min(this.pollInterval, this.#client.heartbeat), changed: () => this.#setCarrier(carrier.way),
    });
    let socket: WebSocket | null = null;
    try {
      await carrier.open();
      if (!this.#client.isOpen) return null;
      opened();
      const climbing = this.#climb(carrier, link).then((found) => {
        // Found too late: the carrier has failed meanwhile.
        if (link.ended.aborted) found?.close();
        else socket = found;
        if (found) link.end();
      });
      await carrier.run();
      await climbing;
    } finally {
      link.end();
    }

    return socket;
  }

  /** Tries better carriers now and then, beside the one that works. */
  async #climb(carrier: HttpCarrier, link: Link): Promise<WebSocket | null> {
    const { WebSocket: Implementation, openTimeout, carriers: allowed, maxProbeDelay } = this.#options;
    while (!link.ended.aborted) {
      // Between half of it and all of it, so that clients do not try in step.
      await delay(this.#probeDelay * (0.5 + Math.random() / 2), link.ended);
      this.#probeDelay = Math.min(maxProbeDelay, 2 * this.#probeDelay);
      if (link.ended.aborted) break;
      if (Implementation && allowed.includes('websocket')) {
        const socket = await openWebSocket(Implementation, this.#socketUrl, openTimeout, link.ended).catch(() => null);
        if (socket) return socket;
      }

      carrier.climb();
    }

    return null;
  }

  async #untilOpened(link: Link): Promise<boolean> {
    await until([link.ended], this.#options.openTimeout, (stop) => new Promise<void>((resolve) => {
      this.#opened = resolve;
      if (this.#client.isOpen || stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve());
    }));
    return this.#client.isOpen && !link.ended.aborted;
  }

  async #attach(): Promise<Link> {
    const ticket = this.#client.token ? '' : await this.#options.getTicket(this.#giveUp.signal);
    if (this.#giveUp.signal.aborted || this.#isOver) throw new Error('It was given up.');
    this.#detach();
    this.#link = new Link(this.#client, () => this.#setClock());
    this.#client.attach(ticket);
    return this.#link;
  }

  #leave(): void {
    this.#detach();
    this.#setCarrier(null);
  }

  #detach(): void {
    this.#link?.end();
    this.#link = null;
    this.#client.detach();
    clearTimeout(this.#clock);
    this.#clockAt = Infinity;
  }

  #setCarrier(carrier: CarrierName | null): void {
    if (this.#carrier === carrier) return;
    this.#carrier = carrier;
    // Not from here: what the application throws is no failure of a carrier.
    queueMicrotask(() => this.#options.onCarrier(carrier));
  }

  get #socketUrl(): string {
    const url = new URL(this.#base);
    url.protocol = url.protocol.replace('http', 'ws');
    url.pathname = `${url.pathname.replace(/\/$/, '')}/websocket`;
    return url.href;
  }

  /** Acknowledgements and the heartbeat. */
  #setClock(): void {
    const link = this.#link;
    const wait = this.#client.nextTick;
    const at = performance.now() + wait;
    // A timer that is early finds out by itself when to come again.
    if (!link || wait === Infinity || this.#clockAt <= at) return;
    clearTimeout(this.#clock);
    this.#clockAt = at;
    this.#clock = setTimeout(() => {
      this.#clockAt = Infinity;
      if (this.#link !== link) return;
      if (this.#client.tick()) this.#setClock();
      else link.end();
    }, wait);
  }
}
