import { delay, until, type CarrierName, type Link } from './carrier.ts';
import type { TakenFrame } from './client.ts';
import { encodeBody, type Bytes } from './codec.ts';
import { EventStreamReader } from './event-stream.ts';
import { FrameType } from './generated.ts';

export interface HttpCarrierOptions {
  /** Where the server has its sessions, without a slash at the end. */
  readonly base: string;
  readonly fetch: typeof fetch;
  /** Which ways down may be used, from the best to the worst. */
  readonly ways: readonly WayDown[];
  /** How long the answer to OPEN may take, in milliseconds. */
  readonly openTimeout: number;
  /** How long a stream or a poll may take to show that it works, in milliseconds. */
  readonly proofTimeout: number;
  /** How long to wait between polls, in milliseconds. */
  readonly pollInterval: () => number;
  /** Another way down is used now. */
  readonly changed: () => void;
}

export type WayDown = Exclude<CarrierName, 'websocket'>;

/** An answer that ends the carrier. */
export class HttpFailure extends Error {
  readonly status: number;
  /** How long the server wants to be left alone, in milliseconds. */
  readonly retryAfter: number;

  constructor(response: Response, what: string) {
    super(`The server answered ${what} with ${response.status}.`);
    this.status = response.status;
    this.retryAfter = Number(response.headers.get('Retry-After') ?? 0) * 1000 || 0;
  }
}

// How often a request is made again before the session is opened again instead.
const TRIES = 3;

// Between the tries, at most, in milliseconds.
const RETRY_DELAY = 500;

// A request with a body may be on a bad line, as the server allows.
const SEND_TIMEOUT = 30_000;

// How long a stream that the server has ended must have lived not to be asked for in haste again.
const LONG_STREAM = 5_000;

interface Request {
  readonly path: 'open' | 'send' | 'events' | 'poll';
  readonly body?: Bytes | null;
  /** How long the server may hold its answer, in milliseconds. */
  readonly wait?: number;
  readonly timeout: number;
  readonly stop?: AbortSignal;
}

/** An answer that was read. body: null where it has none of this protocol's. */
interface Answer {
  readonly response: Response;
  readonly body: Bytes | null;
}

/** The session over HTTP: requests up, and one of three ways down, which may change at any moment without the session's noticing. */
export class HttpCarrier {
  readonly #link: Link;
  readonly #options: HttpCarrierOptions;
  // One request with frames at a time.
  #sending: Promise<void> = Promise.resolve();
  #way: WayDown;
  #lastToken = '';
  // The way that has worked last: what is tried above it is given up sooner.
  #proven: WayDown | null = null;
  // Ends a long poll, or the wait for the next poll.
  #interrupt = new AbortController();

  constructor(link: Link, options: HttpCarrierOptions) {
    this.#link = link;
    this.#options = options;
    this.#way = options.ways[0]!;
  }

  /** The way down at present. */
  get way(): WayDown {
    return this.#way;
  }

  /** Sends OPEN. Rejects when there is no answer that says what became of it. */
  async open(): Promise<void> {
    const frame = this.#link.take();
    if (!frame) return;
    const answer = await this.#request({ path: 'open', body: encodeBody(0, [frame.bytes]), timeout: this.#options.openTimeout });
    // Refusals of the session have CLOSE in them, whatever their status.
    if (!answer.body) throw new HttpFailure(answer.response, 'open');
    this.#link.receiveBody(answer.body);
  }

  /** Moves frames until the carrier ends. */
  async run(): Promise<void> {
    const up = this.#runUp();
    const down = this.#runDown();
    try {
      await Promise.race([up, down]);
    } catch (error) {
      // What was under way when the carrier was told to end is no failure.
      if (!this.#link.ended.aborted) throw error;
    } finally {
      this.#link.end();
      await Promise.allSettled([up, down]);
    }
  }

  /** Tries the best way down again, from a worse one that works: one that is not known to is to be found out about first. */
  climb(): void {
    if (this.#way === this.#options.ways[0] || this.#proven !== this.#way) return;
    this.#way = this.#options.ways[0]!;
    this.#interrupt.abort();
  }

  async #runUp(): Promise<void> {
    while (!this.#link.ended.aborted) {
      if (this.#way !== 'polling') while (await this.#send());
      // Polls take frames with them, and one is made early where somebody waits.
      else if (this.#link.client.isUrgent) this.#interrupt.abort();
      await this.#link.woken();
    }
  }

  /** Sends what there is to send. False: there was nothing. */
  #send(): Promise<boolean> {
    return this.#alone(async () => {
      const gathered = this.#gather();
      if (!gathered) return false;
      const { response, body } = await this.#repeat({ path: 'send', body: gathered.bytes, timeout: SEND_TIMEOUT });
      if (body) this.#link.receiveBody(body);
      if (response.status === 409 && body) this.#link.client.rewind();
      else if (response.status !== 200) throw new HttpFailure(response, 'send');
      if (gathered.isLast) this.#link.end();
      return true;
    });
  }

  async #runDown(): Promise<void> {
    while (!this.#link.ended.aborted) {
      const way = this.#way;
      this.#options.changed();
      const works = way === 'streaming' ? await this.#stream() : await this.#poll(way);
      if (!works && this.#way === way) this.#fall();
    }
  }

  #fall(): void {
    const { ways } = this.#options;
    const next = ways[ways.indexOf(this.#way) + 1];
    if (!next) throw new Error('The server cannot be reached.');
    this.#way = next;
    this.#link.wake();
  }

  #isOn(way: WayDown): boolean {
    return this.#way === way && !this.#link.ended.aborted;
  }

  #isAboveProven(way: WayDown): boolean {
    const { ways } = this.#options;
    return this.#proven !== null && ways.indexOf(way) < ways.indexOf(this.#proven);
  }

  /** Streams until something else is to be done, or streaming does not work: false. */
  async #stream(): Promise<boolean> {
    while (this.#isOn('streaming')) {
      const began = performance.now();
      if (!await this.#streamOnce()) return this.#link.ended.aborted;
      this.#proven = 'streaming';
      // The server, or a proxy, ends streams now and then.
      if (performance.now() - began < LONG_STREAM) await delay(Math.random() * RETRY_DELAY, this.#link.ended);
    }

    return true;
  }

  /** One stream, to its end. False: nothing comes. */
  async #streamOnce(): Promise<boolean> {
    const { client } = this.#link;
    const silence = new AbortController();
    let watch: ReturnType<typeof setTimeout> | undefined;
    let isProven = false;
    // Proxies may hold a stream back, from its beginning or suddenly. A PING on the way up is answered on the way down.
    const prove = () => {
      client.ping();
      clearTimeout(watch);
      watch = setTimeout(() => {
        isProven = false;
        silence.abort();
      }, this.#options.proofTimeout);
    };
    prove();
    try {
      await until([this.#link.ended, silence.signal], Infinity, async (stop) => {
        const response = await this.#fetch({ path: 'events', timeout: Infinity }, stop);
        if (response.status === 409 || response.status === 410) throw new HttpFailure(response, 'events');
        if (response.status !== 200 || !response.headers.get('Content-Type')?.startsWith('text/event-stream') || !response.body) return;
        // Again, since the answer to the first may have gone to a request before this one.
        prove();
        const events = new EventStreamReader((bytes, number) => this.#link.receive(bytes, number));
        const reader = response.body.getReader();
        for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
          events.take(value!);
          isProven = true;
          clearTimeout(watch);
          // The server is never silent for longer than a heartbeat.
          watch = setTimeout(prove, client.heartbeat * 1.25);
        }
      });
    } catch (error) {
      if (error instanceof HttpFailure) throw error;
      // Cut, or told to stop, or no such stream at all: what came before says whether it works.
    } finally {
      clearTimeout(watch);
    }

    return isProven;
  }

  /** Polls until something else is to be done, or it does not work: false. */
  async #poll(way: WayDown): Promise<boolean> {
    const { client } = this.#link;
    const isLong = way === 'longPolling';
    const most = this.#isAboveProven(way) ? 1 : TRIES;
    let failed = 0;
    let isProven = false;
    while (this.#isOn(way)) {
      const began = performance.now();
      // The first is not to be waited for: PING is answered on it.
      if (isLong && !isProven) client.ping();
      if (isLong ? await this.#pollLong(isProven) : await this.#pollWithFrames()) {
        failed = 0;
        isProven = true;
        this.#proven = way;
      } else if (!this.#isOn(way)) {
        break;
      } else {
        if (++failed === most) return false;
        await delay(Math.random() * RETRY_DELAY, this.#link.ended);
      }

      // Who does not read what came acknowledges no more of it, unless he waits for an answer.
      while (client.isHolding && !client.ledger.hasUnanswered && this.#isOn(way)) await delay(RETRY_DELAY, this.#link.ended);
      if (!isLong) await this.#untilNextPoll(began);
    }

    return true;
  }

  async #untilNextPoll(began: number): Promise<void> {
    this.#interrupt = new AbortController();
    if (!this.#isOn('polling') || this.#link.client.isUrgent) return;
    const wait = Math.max(0, began + this.#options.pollInterval() - performance.now());
    await until([this.#interrupt.signal, this.#link.ended], Infinity, (stop) => delay(wait, stop));
  }

  #pollLong(isProven: boolean): Promise<boolean> {
    const { proofTimeout } = this.#options;
    const wait = this.#link.client.heartbeat;
    this.#interrupt = new AbortController();
    return this.#pollOnce({ path: 'poll', wait, timeout: isProven ? wait + proofTimeout : proofTimeout, stop: this.#interrupt.signal });
  }

  #pollWithFrames(): Promise<boolean> {
    return this.#alone(async () => {
      // The request's own header acknowledges.
      this.#link.client.requested();
      const gathered = this.#gather();
      const isDone = await this.#pollOnce({ path: 'poll', body: gathered?.bytes ?? null, timeout: this.#options.proofTimeout });
      if (!isDone) this.#link.client.rewind();
      if (gathered?.isLast) this.#link.end();
      return isDone;
    });
  }

  /** One poll. False: it was not answered as it should be. Rejects when the carrier is at its end. */
  async #pollOnce(request: Request): Promise<boolean> {
    this.#link.client.requested();
    let answer: Answer;
    try {
      answer = await this.#request(request);
    } catch {
      return false;
    }

    const { response, body } = answer;
    // What a poll that was stopped has brought comes again.
    if (body && !request.stop?.aborted) this.#link.receiveBody(body);
    if (response.status === 200 && body) return true;
    if (response.status >= 500 || (response.status === 409 && body)) return false;
    throw new HttpFailure(response, 'poll');
  }

  /** Makes a request with frames until it is answered, so many times; a repetition does no harm. */
  async #repeat(request: Request): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await this.#request(request);
        if (answer.response.status < 500 || tries === TRIES) return answer;
      } catch (error) {
        if (tries === TRIES || this.#link.ended.aborted) throw error;
      }

      await delay(Math.random() * RETRY_DELAY * tries, this.#link.ended);
    }
  }

  /** The frames that wait, in one body. */
  #gather(): { bytes: Bytes; isLast: boolean } | null {
    const { client } = this.#link;
    const frames: TakenFrame[] = [];
    let length = 0;
    // A body has at most four times the bound on frames: one more frame does not exceed that.
    while (length < 2 * client.maxFrame) {
      const frame = this.#link.take();
      if (!frame) break;
      frames.push(frame);
      length += frame.bytes.length;
      if (frame.type === FrameType.Close) break;
    }

    const last = frames.at(-1);
    if (!last) return null;
    const first = frames.find((frame) => frame.number > 0)?.number ?? 0;
    return { bytes: encodeBody(first, frames.map((frame) => frame.bytes)), isLast: last.type === FrameType.Close };
  }

  async #alone<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#sending;
    let done!: () => void;
    this.#sending = new Promise((resolve) => { done = resolve; });
    try {
      await before;
      return await act();
    } finally {
      done();
    }
  }

  // CLOSE takes the client's token away, and is sent with it.
  #token(): string {
    if (this.#link.client.token) this.#lastToken = this.#link.client.token;
    return this.#lastToken;
  }

  #request(request: Request): Promise<Answer> {
    const stops = request.stop ? [this.#link.ended, request.stop] : [this.#link.ended];
    return until(stops, request.timeout, async (stop) => {
      const response = await this.#fetch(request, stop);
      const isBody = response.headers.get('Content-Type')?.startsWith('application/octet-stream') ?? false;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { response, body: isBody ? bytes : null };
    });
  }

  #fetch({ path, body = null, wait = 0 }: Request, signal: AbortSignal): Promise<Response> {
    const { client } = this.#link;
    const headers: Record<string, string> = {};
    if (body) headers['Content-Type'] = 'application/octet-stream';
    if (path !== 'open') headers['Tandem-Session'] = this.#token();
    if (path === 'events' || path === 'poll') headers['Tandem-Received'] = String(client.received);
    if (wait > 0) headers['Tandem-Wait'] = String(Math.floor(wait / 1000));
    return this.#options.fetch(`${this.#options.base}/${path}`, {
      method: path === 'events' ? 'GET' : 'POST',
      headers,
      body,
      cache: 'no-store',
      // Cookies only go where they would go anyway: pages of other origins have tickets.
      credentials: 'same-origin',
      signal,
    });
  }
}
