import type { CarrierName } from './carrier.ts';
import { SessionClient } from './client.ts';
import { checkName, checkText } from './codec.ts';
import { Connector, isFinal } from './connector.ts';
import { SessionEndedError } from './errors.ts';
import { MAX_KEY_BYTES, MAX_PREFETCH, SessionCode } from './generated.ts';
import type { SessionNotice } from './notices.ts';
import { checkOptions, defaults, type SessionOptions } from './options.ts';
import { Queue } from './queue.ts';

/**
 * A session over whatever carrier works: WebSocket, a stream with POST, long polling, polling. When a carrier is lost the next is opened, and what was asked for
 * and what is to come goes on there; from a worse one it climbs back to a better one.
 */
export class Session implements AsyncIterable<SessionNotice> {
  readonly #options: Required<SessionOptions>;
  readonly #client: SessionClient;
  readonly #notices = new Queue<SessionNotice>();
  readonly #requests = new Map<number, (code: number) => void>();
  readonly #connector: Connector;
  #rooms: (() => void)[] = [];
  #running: Promise<void> | null = null;
  #ended: SessionEndedError | null = null;
  #isClosed = false;

  /**
   * @param base Where the server has its sessions, such as `/session` or `https://example.org/session`. In a page it may be relative.
   */
  constructor(base: string | URL, options: SessionOptions = {}) {
    this.#options = { ...defaults(), ...options };
    checkOptions(this.#options);
    this.#client = new SessionClient(
      {
        ready: () => this.#connector.ready(),
        told: (notice) => this.#tell(notice),
        replied: (request, code) => {
          this.#requests.get(request)?.(code);
          this.#requests.delete(request);
          this.#signalRoom();
        },
        closed: (code, reason) => this.#connector.closed(code, reason),
      },
      () => performance.now(),
    );
    this.#connector = new Connector(this.#client, new URL(base, globalThis.location?.href), this.#options);
  }

  /** The session's id, for logs; empty: there was none yet. */
  get id(): string { return this.#client.id; }

  /** What moves the session at the moment; null: nothing does. */
  get carrier(): CarrierName | null { return this.#connector.carrier; }

  /** How long to wait between polls, in milliseconds. */
  get pollInterval(): number { return this.#connector.pollInterval; }
  set pollInterval(value: number) {
    checkOptions({ ...this.#options, pollInterval: value });
    this.#connector.pollInterval = value;
  }

  /**
   * Opens the session. From then on it connects again by itself. A first try that fails on all carriers rejects, and may be repeated.
   * @param options.signal Gives up.
   */
  async connect({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#throwIfEnded();
    if (this.#running) throw new Error('The session was connected before.');
    signal?.throwIfAborted();
    const abort = () => this.#connector.giveUp();
    signal?.addEventListener('abort', abort);
    try {
      await new Promise<void>((resolve, reject) => {
        let isConnected = false;
        const connected = () => {
          isConnected = true;
          resolve();
        };
        this.#running = this.#connector.run(connected).then(
          (why) => { if (why) this.#end(why, why); },
          (error: unknown) => {
            this.#running = null;
            if (error instanceof SessionEndedError && isFinal(error.code)) this.#end(error, error);
            // Once there was a session nothing is to end it but the server or its owner: a fault of ours must not do so in silence.
            else if (isConnected) this.#fail(String(error));
            reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends the session, here and on the server. What came and was not read can still be read. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connector.dispose();
    await this.#running;
    this.#end(new SessionEndedError(SessionCode.Ok, 'it was closed'), null);
  }

  [Symbol.asyncIterator](): AsyncGenerator<SessionNotice, void, undefined> {
    return this.read();
  }

  /**
   * Reads what the session tells, from the first to the last, by one reader at a time. One that reads too slowly does not fill memory: above `maxUnread`
   * nothing is acknowledged, the server stops at the end of its window, and the policy of the topic decides.
   * @param options.signal Stops reading; what was not read waits for the next reader.
   * @returns Ends when the session is closed; throws SessionEndedError when the server has ended it for good.
   */
  async *read({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<SessionNotice, void, undefined> {
    for await (const notice of this.#notices.read(signal)) {
      // Released at half, so that it is not one acknowledgement for each that is read.
      if (this.#client.isHolding && this.#notices.length <= this.#options.maxUnread / 2) {
        this.#client.isHolding = false;
        this.#connector.changed();
      }

      yield notice;
    }
  }

  /** Subscribes to a topic, for this session and those that follow it. Resolves to Ok, or why not (SessionCode). */
  subscribe(topic: string, { presence = false, signal }: { presence?: boolean; signal?: AbortSignal } = {}): Promise<number> {
    checkName(topic);
    return this.#request(() => this.#client.ledger.subscribe(topic, presence), SessionCode.AlreadySubscribed, signal);
  }

  /** Ends a subscription. Resolves to Ok or NotFound. */
  unsubscribe(topic: string, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#request(() => this.#client.ledger.unsubscribe(topic), SessionCode.NotFound, signal);
  }

  /**
   * Publishes an event: once, whatever happens to carriers and sessions until it is answered. Resolves to Ok, or why not.
   * @param options.key What it is the latest state of.
   * @param options.signal Stops waiting for the answer; the event is published all the same, unless it had to wait for room.
   */
  publish(topic: string, data: string | Uint8Array, { key, signal }: { key?: string; signal?: AbortSignal } = {}): Promise<number> {
    checkName(topic);
    if (key !== undefined) checkText(key, MAX_KEY_BYTES, 'A key');
    return this.#request(() => this.#client.ledger.publish(topic, data, key), SessionCode.InternalError, signal);
  }

  /** Puts a message into a mailbox: once. Resolves to Ok when it is stored, or why not. */
  sendToMailbox(mailbox: string, data: string | Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
    checkName(mailbox);
    return this.#request(() => this.#client.ledger.sendToMailbox(mailbox, data), SessionCode.InternalError, signal);
  }

  /**
   * Becomes the consumer of a mailbox, in this session and those that follow it, until another takes it over.
   * @param options.prefetch Most deliveries without settlement, 1 to 256. Default 32.
   */
  openMailbox(mailbox: string, { prefetch = 32, signal }: { prefetch?: number; signal?: AbortSignal } = {}): Promise<number> {
    checkName(mailbox);
    if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > MAX_PREFETCH) throw new RangeError(`prefetch is 1 to ${MAX_PREFETCH}.`);
    return this.#request(() => this.#client.ledger.openMailbox(mailbox, prefetch), SessionCode.AlreadySubscribed, signal);
  }

  /** Gives a mailbox up. What is not settled goes back. */
  closeMailbox(mailbox: string, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#request(() => this.#client.ledger.closeMailbox(mailbox), SessionCode.NotFound, signal);
  }

  /** Settles a delivery: it does not come again. False: the mailbox is not open any more; the message comes again to whoever opens it. */
  settle({ mailbox, delivery }: { readonly mailbox: string; readonly delivery: number }): boolean {
    const isOpen = this.#client.ledger.settle(mailbox, delivery);
    this.#client.move();
    return isOpen;
  }

  /**
   * Sends a message to the application on the server: once, unless the session is lost before it is acknowledged (see the notice `lost`). Resolves when it is on
   * its way: at once, unless too much waits.
   */
  async send(data: string | Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#room(() => this.#client.ledger.waiting + this.#client.unacknowledged, signal);
    this.#client.ledger.send(data);
    this.#client.move();
  }

  // ---- What the application asks for

  async #request(ask: () => number, refused: number, signal: AbortSignal | undefined): Promise<number> {
    await this.#room(() => this.#client.ledger.waiting, signal);
    const request = ask();
    if (request === 0) return refused;
    const answer = new Promise<number>((resolve) => this.#requests.set(request, resolve));
    this.#client.move();
    const code = await (signal ? orAborted(answer, signal) : answer);
    if (code === GONE) this.#throwIfEnded();
    return code;
  }

  /** Waits until there is room for one more. */
  async #room(waiting: () => number, signal: AbortSignal | undefined): Promise<void> {
    this.#throwIfEnded();
    signal?.throwIfAborted();
    while (waiting() >= this.#options.maxWaiting) {
      const room = new Promise<void>((resolve) => this.#rooms.push(resolve));
      await (signal ? orAborted(room, signal) : room);
      this.#throwIfEnded();
    }
  }

  #signalRoom(): void {
    for (const resolve of this.#rooms.splice(0)) resolve();
  }

  #throwIfEnded(): void {
    if (this.#ended) throw new SessionEndedError(this.#ended.code, this.#ended.reason);
  }

  #tell(notice: SessionNotice): void {
    if (notice.type === 'opened') this.#connector.opened();
    this.#notices.push(notice);
    if (this.#notices.length > this.#options.maxUnread) this.#client.isHolding = true;
  }

  #fail(reason: string): void {
    const why = new SessionEndedError(SessionCode.InternalError, reason);
    this.#end(why, why);
  }

  /** There will be no session any more. */
  #end(why: SessionEndedError, told: SessionEndedError | null): void {
    if (this.#ended) return;
    this.#ended = why;
    this.#notices.end(told);
    for (const resolve of this.#requests.values()) resolve(GONE);
    this.#requests.clear();
    this.#signalRoom();
  }
}

// What no code is: the request was never answered.
const GONE = -1;

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
