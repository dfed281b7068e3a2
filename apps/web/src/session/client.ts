import { decodeBody, decodeFrame, encodeFrame, isReliable, judge, ProtocolError, type Bytes } from './codec.ts';
import {
  ACK_BYTES, ACK_FRAMES, ACK_MILLISECONDS, FrameType, MAX_TEXT_BYTES, MIN_FRAME_BYTES, OpenedFlags, SessionCode, VERSION, type Frame, type OpenedFrame,
} from './generated.ts';
import { Ledger, type LedgerEvents } from './ledger.ts';
import { Outbox } from './outbox.ts';

export interface ClientEvents extends LedgerEvents {
  /** There is something to take. */
  ready(): void;
  /** The server, or a broken rule, has ended the session. Attaching another carrier begins a new one that restores what there was. */
  closed(code: number, reason: string): void;
}

/** A frame on its way to the server. number: that of a reliable frame, 0 for a link frame. */
export interface TakenFrame {
  readonly type: number;
  readonly bytes: Bytes;
  readonly number: number;
}

type State = 'detached' | 'opening' | 'open';

// No frame is larger, whatever a server states.
const MOST_FRAME_BYTES = 16 * 1024 * 1024;

// Of the 200 ms that an ACK may wait, some are the timer's and the network's. The later, the more it covers: over HTTP each is a request.
const ACK_WAIT = ACK_MILLISECONDS - 25;

/**
 * The client's end of a session, without I/O: what it was asked for goes into frames that a carrier takes, and outlives the carrier and, as far as that is
 * possible, the session. The twin of SessionClient in C#.
 */
export class SessionClient {
  readonly ledger: Ledger;
  readonly #events: ClientEvents;
  readonly #now: () => number;
  readonly #publisher: bigint;
  #state: State = 'detached';
  #outbox = new Outbox();
  #id = '';
  #token = '';
  #received = 0;
  #heartbeat = 0;
  #maxFrame = MIN_FRAME_BYTES;
  #maxRequests = 1;
  #isHolding = false;
  #owedFrames = 0;
  #owedBytes = 0;
  #owedSince = 0;
  #isAckDue = false;
  #hasTaken = false;
  #open: Bytes | null = null;
  #close: Bytes | null = null;
  #pong: number | null = null;
  #pingDue = false;
  #lastSent = 0;
  #lastHeard = 0;

  /** @param now A clock that does not go back, in milliseconds. */
  constructor(events: ClientEvents, now: () => number) {
    this.#events = events;
    this.#now = now;
    this.ledger = new Ledger(events);
    const random = crypto.getRandomValues(new BigUint64Array(1));
    this.#publisher = random[0] || 1n;
  }

  get id(): string { return this.#id; }
  get isOpen(): boolean { return this.#state === 'open'; }
  /** The present token, for HTTP carriers. A secret. */
  get token(): string { return this.#token; }
  /** How many reliable frames were received in this session, for HTTP carriers. */
  get received(): number { return this.#received; }
  /** The server's longest silence, in milliseconds. */
  get heartbeat(): number { return this.#heartbeat; }
  /** Most bytes of a frame. */
  get maxFrame(): number { return this.#maxFrame; }
  /** How many reliable frames are not acknowledged. */
  get unacknowledged(): number { return this.#outbox.count; }
  /** Whether CLOSE is to be sent. */
  get isClosing(): boolean { return this.#close !== null; }
  /** Whether there is more to take than link frames that may wait for the next request. */
  get isUrgent(): boolean { return this.#close !== null || (this.#state === 'open' && this.#outbox.hasNext); }

  /**
   * Whether acknowledgements are held back, because the application has more of what came than it wants to keep waiting. The server goes on to the end of
   * its window, and then applies the policies of its topics; answers come all the same, and so does the heartbeat.
   */
  get isHolding(): boolean { return this.#isHolding; }
  set isHolding(value: boolean) {
    this.#isHolding = value;
    if (value || this.#owedFrames === 0) return;
    this.#isAckDue = true;
    this.#signal();
  }

  /** A carrier is there: OPEN is the first that it takes. One that there was is forgotten. */
  attach(ticket = ''): void {
    this.detach();
    this.#state = 'opening';
    this.#open = encodeFrame({
      type: FrameType.Open, version: VERSION, flags: 0, publisher: this.#publisher, received: this.#token ? this.#received : 0, token: this.#token, ticket,
    });
    this.#lastSent = this.#lastHeard = this.#now();
    this.#signal();
  }

  /** The carrier is gone. */
  detach(): void {
    this.#state = 'detached';
    this.#open = this.#close = this.#pong = null;
    this.#pingDue = this.#hasTaken = false;
    // The next OPEN acknowledges.
    this.#forgetOwed();
    this.#outbox.rewind();
  }

  /** Takes the next frame that is to be sent. Null: nothing more; ready is called when there is. */
  take(): TakenFrame | null {
    const frame = this.#takeNext();
    this.#hasTaken = frame !== null;
    if (frame) this.#lastSent = this.#now();
    return frame;
  }

  /** What was sent and not acknowledged is sent again: another try of an HTTP request. */
  rewind(): void {
    this.#outbox.rewind();
    this.#signal();
  }

  /** A request that says how much was received is on its way: no ACK is owed, and the server hears of this side. */
  requested(): void {
    this.#lastSent = this.#now();
    this.#forgetOwed();
  }

  /** PING, please, whether or not the heartbeat asks for it. */
  ping(): void {
    this.#pingDue = true;
    this.#signal();
  }

  /** Sends what the application has asked for meanwhile, as far as there is room. */
  move(): void {
    if (this.#state !== 'open') return;
    this.ledger.move(this.#outbox, this.#maxRequests);
    this.#signal();
  }

  /**
   * Takes in a frame.
   * @param number That of a reliable frame where the carrier states it; 0: it is the next one.
   */
  receive(bytes: Bytes, number = 0): void {
    this.#guard(() => this.#receive(bytes, number));
  }

  /** Takes in the body of an answer: of its reliable frames those that are new. */
  receiveBody(body: Bytes): void {
    if (this.#state === 'detached' || this.#close) return;
    this.#lastHeard = this.#now();
    this.#guard(() => {
      const { first, frames } = decodeBody(body, MOST_FRAME_BYTES);
      let number = first;
      for (const frame of frames) {
        if (!isReliable(frame[0]!)) this.#receive(frame, 0);
        else if (number === 0) throw new ProtocolError('MissingBodyNumber');
        else this.#receive(frame, number++);
      }
    });
  }

  /**
   * To be called when nextTick is over: acknowledgements that have waited, and the heartbeat.
   * @returns False: the carrier is dead, to be given up and detached.
   */
  tick(): boolean {
    if (this.#state === 'detached') return true;
    const now = this.#now();
    if (this.#owedFrames > 0 && now - this.#owedSince >= ACK_WAIT) this.#isAckDue = true;
    if (this.#state === 'open' && now - this.#lastSent >= this.#heartbeat) this.#pingDue = true;
    this.#signal();
    return this.#state !== 'open' || now - this.#lastHeard < 2 * this.#heartbeat;
  }

  /** How long until tick has something to do, in milliseconds. */
  get nextTick(): number {
    if (this.#state !== 'open') return Infinity;
    const now = this.#now();
    // A little later than asked, or a timer that is early would find nothing to do and be set anew for no time at all.
    const ping = this.#lastSent + this.#heartbeat - now;
    const silent = this.#lastHeard + 2 * this.#heartbeat - now;
    const ack = this.#owedFrames > 0 && !this.#isAckDue && !this.#isHolding ? this.#owedSince + ACK_WAIT - now : Infinity;
    return Math.max(0, Math.min(this.#pingDue ? Infinity : ping, silent, ack)) + 1;
  }

  /** Ends the session. CLOSE is the last that the carrier takes; a client that is attached again begins a new session. */
  close(code: number = SessionCode.Ok, reason = ''): void {
    if (this.#state !== 'detached') this.#close = encodeFrame({ type: FrameType.Close, code, reason: reason.slice(0, MAX_TEXT_BYTES / 3) });
    this.#token = '';
    this.#signal();
  }

  #takeNext(): TakenFrame | null {
    if (this.#open) {
      const bytes = this.#open;
      this.#open = null;
      return { type: FrameType.Open, bytes, number: 0 };
    }

    if (this.#close) {
      const bytes = this.#close;
      this.detach();
      return { type: FrameType.Close, bytes, number: 0 };
    }

    if (this.#pong !== null) {
      const opaque = this.#pong;
      this.#pong = null;
      return link({ type: FrameType.Pong, opaque });
    }

    if (this.#state !== 'open') return null;
    if (this.#pingDue) {
      this.#pingDue = false;
      return link({ type: FrameType.Ping, opaque: 0 });
    }

    const reliable = this.#outbox.take();
    if (reliable) return reliable;
    if (!this.#owesAck || !(this.#isAckDue || this.#hasTaken)) return null;
    this.#forgetOwed();
    return link({ type: FrameType.Ack, received: this.#received });
  }

  #forgetOwed(): void {
    this.#owedFrames = this.#owedBytes = 0;
    this.#isAckDue = false;
  }

  get #owesAck(): boolean {
    return this.#owedFrames > 0 && !this.#isHolding;
  }

  #signal(): void {
    if (this.#hasNext) this.#events.ready();
  }

  get #hasNext(): boolean {
    if (this.#state === 'detached') return false;
    if (this.#open || this.#close || this.#pong !== null) return true;
    return this.#state === 'open' && (this.#pingDue || this.#outbox.hasNext || (this.#owesAck && this.#isAckDue));
  }

  #guard(take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (this.#state === 'detached') return;
      this.close(SessionCode.ProtocolError, error.message);
      this.#events.closed(SessionCode.ProtocolError, error.message);
    }
  }

  #receive(bytes: Bytes, number: number): void {
    // Behind CLOSE nothing is said, so nothing is heard either.
    if (this.#state === 'detached' || this.#close) return;
    this.#lastHeard = this.#now();
    const fault = judge(bytes[0]);
    if (fault) throw new ProtocolError(fault);
    if (!isReliable(bytes[0]!)) {
      this.#receiveLink(decodeFrame(bytes));
      this.#signal();
      return;
    }

    if (this.#state === 'opening') throw new ProtocolError('ExpectedOpen');
    if (number > 0 && number <= this.#received) return;
    if (number > this.#received + 1) throw new ProtocolError('BodyOutOfOrder');
    const frame = decodeFrame(bytes);
    this.#received++;
    if (this.#owedFrames++ === 0) this.#owedSince = this.#now();
    this.#owedBytes += bytes.length;
    if (this.#owedFrames >= ACK_FRAMES || this.#owedBytes >= ACK_BYTES) this.#isAckDue = true;
    this.ledger.carry(frame);
    // An answer makes room.
    this.ledger.move(this.#outbox, this.#maxRequests);
    this.#signal();
  }

  #receiveLink(frame: Frame): void {
    switch (frame.type) {
      case FrameType.Opened:
        if (this.#state !== 'opening' || this.#open) throw new ProtocolError('UnexpectedOpen');
        return this.#opened(frame);
      case FrameType.Ack:
        return this.#outbox.acknowledge(frame.received);
      case FrameType.Ping:
        this.#pong = frame.opaque;
        return;
      case FrameType.Close:
        this.detach();
        this.#token = '';
        return this.#events.closed(frame.code, frame.reason);
    }
  }

  #opened(frame: OpenedFrame): void {
    const resumed = (frame.flags & OpenedFlags.Resumed) !== 0;
    // The server cannot resume what it was not asked to resume.
    if (resumed && !this.#token) throw new ProtocolError('UnexpectedOpen');
    if (resumed) this.#outbox.acknowledge(frame.received, true);
    const hadSession = this.#id !== '';
    this.#id = frame.session;
    this.#token = frame.token;
    this.#heartbeat = Math.min(frame.heartbeat, 86_400) * 1000;
    this.#maxFrame = Math.min(frame.maxFrame, MOST_FRAME_BYTES);
    this.#maxRequests = frame.maxRequests;
    this.#state = 'open';
    if (!resumed) {
      const unconfirmedMessages = this.#outbox.countOf(FrameType.ClientMessage);
      this.#outbox = new Outbox();
      this.#received = 0;
      this.#forgetOwed();
      this.ledger.restore();
      if (hadSession) this.#events.told({ type: 'lost', unconfirmedMessages });
    }

    this.#events.told({ type: 'opened', resumed });
    this.ledger.move(this.#outbox, this.#maxRequests);
    // The first frame behind OPENED shows the server that its token has arrived.
    if (resumed && !this.#outbox.hasNext) {
      this.#owedFrames = Math.max(this.#owedFrames, 1);
      this.#isAckDue = true;
    }
  }
}

function link(frame: Frame): TakenFrame {
  return { type: frame.type, bytes: encodeFrame(frame), number: 0 };
}
