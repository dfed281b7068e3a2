import type { Bytes } from '../session/codec.ts';
import { Channel, type ChannelRecord } from './channel.ts';
import { decodeMessage, encodeMessage, fit, LinkError, unpad } from './codec.ts';
import type { Opened } from './envelope.ts';
import {
  EndCode, HelloFlags, MAX_CHUNK_BYTES, MAX_INTEGER, MAX_NAME_BYTES, MAX_REASON_BYTES, MessageType, type HelloMessage, type Message,
} from './generated.ts';
import { KeptMailbox } from './kept-mailbox.ts';
import { Observable } from './observable.ts';
import type { Post, Settle } from './post.ts';
import { Pulse } from './pulse.ts';
import { whyOf, type End, type LinkState, type Peer } from './states.ts';
import type { LinkStore } from './store.ts';
import type { Time } from './time.ts';
import { TrustAgreement, type TrustRecord } from './trust-agreement.ts';
import type { TrustedEnd, TrustStore } from './trust.ts';

export interface LinkOptions {
  /** This end, as HELLO says. */
  readonly self: Peer;
  /** null: a reload ends the link. */
  readonly store: LinkStore | null;
  readonly trust: TrustStore | null;
  readonly time: Time;
}

/** A link as it is stored: it holds keys. */
interface LinkRecord extends ChannelRecord {
  readonly version: typeof RECORD_VERSION;
  readonly peer: Peer;
  readonly trust: TrustRecord;
}

const RECORD_VERSION = 1;

/** Above so much that is not stored `ready` waits. */
const ENOUGH_WAITING = 256 * 1024;

/** Above so much nothing is taken: whoever sends that much has not waited for `ready`. */
const MOST_WAITING = 4 * 1024 * 1024;

/** So often at most the other end is asked for what was lost. */
const RESYNC_INTERVAL = 5_000;

/**
 * A link that is confirmed: messages go to the other end and come from there, each once and in order, whatever happens to sessions and pages, except that a page that starts again may
 * have lost some. Then onSync is told, and both bring each other up to date.
 */
export class Link extends Observable<LinkState> {
  readonly #post: Post;
  readonly #channel: Channel;
  readonly #options: LinkOptions;
  readonly #mailbox: KeptMailbox;
  readonly #pulse: Pulse;
  readonly #agreement: TrustAgreement;
  readonly #instance = randomInteger();
  readonly #messageListeners = new Set<(message: Message) => void>();
  readonly #syncListeners = new Set<(sync: { readonly restarted: boolean }) => void>();
  #unfollow: () => void = () => {};
  #store: LinkStore | null;
  // Until start: what has come, and what is to go behind HELLO.
  #early: { readonly envelope: Bytes; readonly settle: Settle }[] | null = [];
  #unsent: Message[] = [];
  #isOver = false;
  #peerInstance: number | null = null;
  #resyncedAt = -Infinity;
  #resync: unknown = null;
  #whenReady: (() => void)[] = [];

  /** @param mailbox The inbox, where it is open already. */
  constructor(post: Post, channel: Channel, peer: Peer, trust: TrustRecord, options: LinkOptions, mailbox: KeptMailbox | null) {
    super({
      status: 'open', greeted: false, peer, maxChunk: MAX_CHUNK_BYTES, carrier: post.state.carrier, roundTrip: null, waiting: 0, problem: 0, dropped: 0,
      trust: trust.status, end: null,
    });
    this.#post = post;
    this.#channel = channel;
    this.#options = options;
    this.#store = options.store;
    this.#pulse = new Pulse(options.time, {
      ping: (opaque) => channel.send({ type: MessageType.Ping, opaque }),
      isConnected: () => post.state.carrier !== null,
      changed: () => this.#change(),
    });
    this.#agreement = new TrustAgreement(trust, options.trust, {
      send: (message) => this.send(message),
      changed: () => {
        this.#save();
        this.#change();
      },
      peer: () => this.state.peer,
      now: () => options.time.now(),
    });
    channel.sender.takeEpoch = (epoch) => this.#takeEpoch(epoch);
    channel.sender.store = () => this.#save();
    channel.courier.onChange(() => this.#moved());
    const reader = { delivered: (envelope: Bytes, settle: Settle) => this.#delivered(envelope, settle), takenOver: () => this.#leave('takenOver') };
    mailbox?.handTo(reader);
    this.#mailbox = mailbox ?? new KeptMailbox(post, channel.inbox, options.time, reader);
    this.#unfollow = post.subscribe(({ ended }) => {
      if (ended) this.#leave('lost');
      else this.#change();
    });
    if (this.#isOver) this.#unfollow();
  }

  /** A link that begins here. It is stored before anybody is told of it, and its first epoch is taken. */
  static begin(post: Post, channel: Channel, peer: Peer, trust: TrustRecord, options: LinkOptions, mailbox: KeptMailbox): Link {
    const link = new Link(post, channel, peer, trust, options, mailbox);
    link.#takeEpoch(channel.sender.record.epoch - 1);
    link.#save();
    return link;
  }

  /** The link that is stored; null: there is none. */
  static resume(post: Post, role: ChannelRecord['role'], options: LinkOptions): Link | null {
    const text = load(options.store);
    if (text === null) return null;
    try {
      const record = JSON.parse(text) as LinkRecord;
      if (record.version !== RECORD_VERSION || record.role !== role) throw new TypeError('What is stored is of another version.');
      if (!options.store?.isKnown(record.inbox)) throw new TypeError('The link is over: what is stored is a copy.');
      return new Link(post, new Channel(post, options.time, record), record.peer, record.trust, options, null);
    } catch {
      options.store?.erase();
      return null;
    }
  }

  /** What has come is told from now on, and HELLO is sent. To be called once the listeners are there. */
  start(): void {
    const early = this.#early;
    if (!early || this.#isOver) return;
    this.#early = null;
    this.#hello(0);
    for (const message of this.#unsent.splice(0)) this.#channel.send(message);
    this.#pulse.start();
    for (const { envelope, settle } of early) this.#delivered(envelope, settle);
    this.#change();
  }

  /** Sends a message, in its turn. Throws RangeError where it is larger than messages are, or more waits than may. What is sent after the end is nobody's. */
  send(message: Message): void {
    if (this.#isOver) return;
    if (this.state.waiting > MOST_WAITING) throw new RangeError('Too much waits to be sent: wait for ready() first.');
    if (!this.#early) {
      this.#channel.send(message);
    } else {
      encodeMessage(message);
      this.#unsent.push(message);
    }

    this.#moved();
  }

  /** Messages of the other end, in their order; those that keep the link going are not told. Returns what ends that. */
  onMessage(listener: (message: Message) => void): () => void {
    this.#messageListeners.add(listener);
    return () => { this.#messageListeners.delete(listener); };
  }

  /** The other end is to be brought up to date. restarted: it has forgotten what was not stored. Returns what ends that. */
  onSync(listener: (sync: { readonly restarted: boolean }) => void): () => void {
    this.#syncListeners.add(listener);
    return () => { this.#syncListeners.delete(listener); };
  }

  /** Resolves when there is room for more: at once where less than 256 KiB wait. Also when the link is over. */
  async ready(): Promise<void> {
    while (!this.#isOver && this.#channel.courier.waiting >= ENOUGH_WAITING) await new Promise<void>((resolve) => this.#whenReady.push(resolve));
  }

  /** A message broke a rule: the link ends. */
  fail(reason: string): void {
    this.#end(EndCode.ProtocolError, reason);
  }

  /** Its owner ends the link. */
  unlink(): void {
    this.#end(EndCode.Unlinked, '');
  }

  /** The phone has linked again: who still has the old link is told. */
  replace(): void {
    this.#end(EndCode.Replaced, '');
  }

  /** The other end, where both have agreed to link again without a code. */
  get trusted(): TrustedEnd | null {
    const { record } = this.#agreement;
    return record.status === 'agreed' ? record.end : null;
  }

  /** Leaves the link as it is stored. */
  stop(): void {
    this.#leave(this.state.status);
  }

  /** This end's owner wants to link again without a code, or agrees to that. */
  offerTrust(store: TrustStore): void {
    if (!this.#isOver) this.#agreement.offer(store);
  }

  refuseTrust(): void {
    if (!this.#isOver) this.#agreement.revoke();
  }

  revokeTrust(): void {
    if (!this.#isOver) this.#agreement.revoke();
  }

  // ---- What comes

  #delivered(envelope: Bytes, settle: Settle): void {
    if (this.#isOver) return;
    if (this.#early) return void this.#early.push({ envelope, settle });
    let opened: Opened;
    try {
      opened = this.#channel.receiver.open(envelope);
      // Stored before it is settled, and before anybody acts on it.
      if (opened.result === 'opened') this.#save();
    } finally {
      settle();
    }

    if (opened.result === 'unopened') this.set({ ...this.state, dropped: this.state.dropped + 1 });
    if (opened.result !== 'opened') return;
    this.#pulse.heard();
    if (opened.hasHole) this.#wantResync();
    this.#judged(() => {
      const message = decodeMessage(unpad(opened.plaintext), this.#channel.peerRole);
      if (message) this.#take(message);
    });
  }

  /** Acts on what the other end has sent; where that breaks a rule the link ends. */
  #judged(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.fail(error.message);
    }
  }

  #take(message: Message): void {
    switch (message.type) {
      case MessageType.Hello: return this.#greeted(message);
      case MessageType.Ping: return this.#channel.send({ type: MessageType.Pong, opaque: message.opaque });
      case MessageType.Pong: return this.#pulse.answered(message.opaque);
      case MessageType.Trust: return this.#agreement.told(message);
      case MessageType.TrustRevoked: return this.#agreement.revoked();
      case MessageType.End: return this.#ended({ why: whyOf(message.code, this.#channel.peerRole), reason: message.reason, byUs: false });
      case MessageType.Nonce:
      case MessageType.Reveal:
      case MessageType.Confirmed: throw new LinkError('OutOfTurn');
      default: for (const listener of [...this.#messageListeners]) listener(message);
    }
  }

  #greeted({ flags, instance, largestChunk, name, platform }: HelloMessage): void {
    const restarted = instance !== this.#peerInstance;
    this.#peerInstance = instance;
    if ((flags & HelloFlags.Answer) === 0) this.#hello(HelloFlags.Answer | (this.#resync === null ? 0 : HelloFlags.Resync));
    // Either way both bring each other up to date now.
    this.#clearResync();
    this.set({ ...this.state, greeted: true, peer: { name, platform }, maxChunk: Math.min(largestChunk, MAX_CHUNK_BYTES) });
    this.#save();
    // A PING that was lost would be waited for for ever.
    this.#pulse.start();
    this.#agreement.sync();
    for (const listener of [...this.#syncListeners]) listener({ restarted });
  }

  #hello(flags: number): void {
    const { name, platform } = this.#options.self;
    this.#channel.send({
      type: MessageType.Hello, flags, instance: this.#instance, largestChunk: MAX_CHUNK_BYTES, name: fit(name, MAX_NAME_BYTES), platform: fit(platform, MAX_NAME_BYTES),
    });
  }

  /** Something is missing. What has come with it may be the HELLO that sees to that: so not at once, and not again and again. */
  #wantResync(): void {
    if (this.#resync !== null) return;
    const now = this.#options.time.now();
    this.#resync = this.#options.time.setTimeout(() => {
      this.#clearResync();
      this.#resyncedAt = this.#options.time.now();
      this.#hello(HelloFlags.Resync);
    }, Math.max(0, this.#resyncedAt + RESYNC_INTERVAL - now));
  }

  #clearResync(): void {
    if (this.#resync !== null) this.#options.time.clearTimeout(this.#resync);
    this.#resync = null;
  }

  // ---- What is stored

  #save(): void {
    if (!this.#store) return;
    const record: LinkRecord = { version: RECORD_VERSION, ...this.#channel.record, peer: this.state.peer, trust: this.#agreement.record };
    this.#keep(() => this.#store?.save(JSON.stringify(record)));
  }

  #takeEpoch(epoch: number): number {
    let taken = epoch;
    this.#keep(() => { taken = this.#store?.takeEpoch(this.#channel.inbox, epoch) ?? epoch; });
    return taken;
  }

  /** What cannot be stored any more is not kept at all: an older state would lead to nonces that were used. */
  #keep(store: () => void): void {
    try {
      store();
    } catch {
      this.#store?.erase();
      this.#store = null;
    }
  }

  /** What cannot be forgotten is of no use without the record. */
  #forget(): void {
    try {
      this.#store?.forget(this.#channel.inbox);
    } catch {
      this.#store?.erase();
    }
  }

  // ---- What becomes of it

  #moved(): void {
    const { waiting } = this.#channel.courier;
    if (waiting < ENOUGH_WAITING) for (const resolve of this.#whenReady.splice(0)) resolve();
    this.#change();
  }

  #change(): void {
    if (this.#isOver) return;
    const before = this.state;
    const { waiting, problem } = this.#channel.courier;
    const { roundTrip, isAsleep } = this.#pulse;
    const after: LinkState = {
      ...before, status: isAsleep ? 'asleep' : 'open', carrier: this.#post.state.carrier, roundTrip, waiting, problem, trust: this.#agreement.status,
    };
    if ((Object.keys(after) as (keyof LinkState)[]).some((name) => after[name] !== before[name])) this.set(after);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#channel.farewell({ type: MessageType.End, code, reason: fit(reason, MAX_REASON_BYTES) });
    this.#ended({ why: whyOf(code, this.#channel.role), reason, byUs: true });
  }

  #ended(end: End): void {
    if (this.#isOver) return;
    this.#channel.courier.close();
    this.#forget();
    this.#release();
    this.set({ ...this.state, status: 'ended', waiting: 0, end });
  }

  /** The link goes on elsewhere, or later. */
  #leave(status: LinkState['status']): void {
    if (this.#isOver) return;
    this.#channel.courier.stop();
    this.#release();
    this.set({ ...this.state, status, carrier: this.#post.state.carrier });
  }

  #release(): void {
    this.#isOver = true;
    this.#store = null;
    this.#early = null;
    this.#unsent = [];
    this.#pulse.stop();
    this.#clearResync();
    this.#mailbox.close();
    this.#unfollow();
    for (const resolve of this.#whenReady.splice(0)) resolve();
  }
}

function load(store: LinkStore | null): string | null {
  try {
    return store?.load() ?? null;
  } catch {
    return null;
  }
}

function randomInteger(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number];
  return ((high & 0x1f_ffff) * 0x1_0000_0000 + low) % (MAX_INTEGER + 1);
}
