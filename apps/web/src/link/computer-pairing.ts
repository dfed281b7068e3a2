import { SessionCode } from '../session/index.ts';
import type { Bytes } from '../session/codec.ts';
import { isEqual, randomBytes } from './bytes.ts';
import { ticketOf } from './channel.ts';
import { LinkError } from './codec.ts';
import { CODE_SECONDS, EndCode, KEY_BYTES, MessageType, TICKET_SECONDS, type Message } from './generated.ts';
import { Link, type LinkOptions } from './link.ts';
import { pairingNumber } from './number.ts';
import { Observable } from './observable.ts';
import type { Post, Settle } from './post.ts';
import { readClaim, Responder } from './responder.ts';
import { codeUrl, createSecret, derive, type Derived } from './secret.ts';
import { isAlarm, type Asker, type ComputerState, type Why } from './states.ts';
import { sessionLinkStore, type LinkStore } from './store.ts';
import { browserTime, type Time } from './time.ts';
import type { TrustRecord } from './trust-agreement.ts';
import { TrustedTickets } from './trusted-tickets.ts';
import type { TrustStore } from './trust.ts';

export interface ComputerOptions {
  /** Where the phone is to open the page, for the code, and for ANSWER. */
  readonly origin: string;
  /** What asks, in words, such as "Firefox on Linux". At most 128 bytes; more is cut. */
  readonly browser: string;
  /** What this end is called, for HELLO; at most 64 bytes. */
  readonly name: string;
  /** What it runs on; at most 64 bytes. */
  readonly platform: string;
  /** What the server sees of its address (fetchAddress). Default: not known. */
  readonly address?: string;
  /** What the server gave this browser, where it asks who holds the phone. Nothing of such a link is stored. */
  readonly loginId?: string;
  /** Where the link is kept over a reload. Default sessionLinkStore('computer'). */
  readonly store?: LinkStore;
  /** The phones that link again without a code. Default none. */
  readonly trust?: TrustStore | null;
  readonly time?: Time;
}

/** A code that was shown, while it can be claimed. */
interface Ticket {
  readonly secret: string;
  readonly derived: Derived;
  readonly mailbox: string;
}

const FIRST_DELAY = 1_000;
const MOST_DELAY = 30_000;

/** Pairing as the computer sees it: the state table of docs/link-protocol.md. */
export class ComputerPairing extends Observable<ComputerState> {
  readonly #post: Post;
  readonly #options: ComputerOptions;
  readonly #time: Time;
  readonly #linkOptions: LinkOptions;
  readonly #trusted: TrustedTickets;
  // The newest last: two at most.
  #tickets: Ticket[] = [];
  #timer: unknown = null;
  #failures = 0;
  #failedClaims = 0;
  #responder: Responder | null = null;
  #claimed: Ticket | null = null;
  #link: Link | null = null;
  /** The trusted end whose ticket alone is open; null: none; undefined: those of all. */
  #kept: string | null | undefined;
  #isStopped = false;

  constructor(post: Post, options: ComputerOptions) {
    super({ step: 'starting' });
    this.#post = post;
    this.#options = options;
    this.#time = options.time ?? browserTime;
    const { name, platform, loginId, store = sessionLinkStore('computer'), trust = null } = options;
    const isLogin = loginId !== undefined;
    this.#linkOptions = { self: { name, platform }, store: isLogin ? null : store, trust: isLogin ? null : trust, time: this.#time };
    this.#trusted = new TrustedTickets(post, this.#time, this.#asker, (responder, end) => this.#begin(responder, { status: 'agreed', end }));
  }

  /** Resumes the link that is stored, or shows a code. */
  start(): void {
    const link = Link.resume(this.#post, 'computer', this.#linkOptions);
    if (link) this.#linked(link, true);
    else this.#show();
  }

  /** Another code. A phone that has claimed this one is refused; a link that is up stays. */
  newCode(): void {
    if (this.#isStopped || this.state.step === 'starting') return;
    if (this.state.step === 'linked') {
      if (this.#link?.state.status === 'open' || this.#link?.state.status === 'asleep') return;
      this.#linkOptions.store?.erase();
    }

    this.#cancel();
    this.#show();
  }

  /** Leaves. A link stays stored. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
    this.#closeTickets();
    this.#trusted.close();
    this.#link?.stop();
  }

  get #asker(): Asker {
    const { origin, browser, address = '', loginId = null } = this.#options;
    return { origin, browser, address, loginId };
  }

  // ---- The code

  #show(): void {
    if (this.#isStopped) return;
    this.#link = null;
    this.#failedClaims = 0;
    this.#kept = undefined;
    if (this.#linkOptions.trust) this.#trusted.open(this.#linkOptions.trust);
    this.#closeTickets();
    this.set({ step: 'starting' });
    void this.#nextCode();
  }

  async #nextCode(): Promise<void> {
    this.#clearTimer();
    const secret = createSecret();
    const derived = derive(secret);
    const ticket: Ticket = { secret, derived, mailbox: ticketOf(derived.routingId) };
    this.#tickets.push(ticket);
    const code = await this.#post.open(ticket.mailbox, {
      delivered: (claim, settle) => this.#claim(ticket, claim, settle),
      closed: () => this.#drop(ticket),
    });
    if (!this.#tickets.includes(ticket)) return;
    // Claimed meanwhile with the one before: codes are no longer changed.
    if (this.#responder) return this.#remove(ticket);
    if (code !== SessionCode.Ok) return this.#failed(ticket);
    this.#failures = 0;
    for (const old of this.#tickets.slice(0, -2)) this.#remove(old);
    const changesAt = this.#time.now() + CODE_SECONDS * 1000;
    this.#timer = this.#time.setTimeout(() => void this.#nextCode(), CODE_SECONDS * 1000);
    this.set({ step: 'showing', secret, url: codeUrl(this.#options.origin, secret), changesAt, failedClaims: this.#failedClaims });
  }

  /** The server does not open it. The one before is shown as long as it is good. */
  #failed(ticket: Ticket): void {
    this.#tickets = this.#tickets.filter((other) => other !== ticket);
    const { state } = this;
    if (state.step === 'showing' && this.#time.now() >= state.changesAt + (TICKET_SECONDS - CODE_SECONDS) * 1000) this.set({ step: 'starting' });
    if (this.#post.state.ended || this.#isStopped) return;
    this.#clearTimer();
    this.#timer = this.#time.setTimeout(() => void this.#nextCode(), Math.min(MOST_DELAY, FIRST_DELAY * 2 ** this.#failures++));
  }

  /** Its time is over, or the server has lost it. */
  #drop(ticket: Ticket): void {
    const isShown = this.#tickets.at(-1) === ticket;
    this.#tickets = this.#tickets.filter((other) => other !== ticket);
    if (isShown && this.state.step === 'showing') void this.#nextCode();
  }

  #remove(ticket: Ticket): void {
    this.#tickets = this.#tickets.filter((other) => other !== ticket);
    this.#post.close(ticket.mailbox);
  }

  #closeTickets(): void {
    this.#clearTimer();
    for (const ticket of [...this.#tickets]) this.#remove(ticket);
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#time.clearTimeout(this.#timer);
    this.#timer = null;
  }

  // ---- The claim

  #claim(ticket: Ticket, bytes: Bytes, settle: Settle): void {
    settle();
    if (this.#responder) return this.#claimAgain(ticket, bytes, this.#responder);
    if (this.state.step !== 'showing' && this.state.step !== 'starting') return;
    const claim = readClaim(bytes, 'NNpsk0', ticket.derived.routingId, { psk: ticket.derived.psk });
    if (!claim) {
      this.#failedClaims++;
      if (this.state.step === 'showing') this.set({ ...this.state, failedClaims: this.#failedClaims });
      return;
    }

    this.#clearTimer();
    this.#claimed = ticket;
    const nonce = randomBytes(KEY_BYTES);
    const responder: Responder = new Responder(this.#post, this.#time, claim, this.#asker, nonce, {
      message: (message) => this.#take(responder, nonce, message),
      ended: (why, reason) => this.#dead(responder, why, reason),
    });
    this.#responder = responder;
    this.set({ step: 'claimed', phone: claim.phone, deadline: responder.deadline });
  }

  /** The same bytes are a repetition, which a mailbox may deliver. Others that open are somebody else's who has the code. */
  #claimAgain(ticket: Ticket, bytes: Bytes, responder: Responder): void {
    if (ticket !== this.#claimed || isEqual(bytes, responder.claim.bytes)) return;
    if (readClaim(bytes, 'NNpsk0', ticket.derived.routingId, { psk: ticket.derived.psk })) responder.end(EndCode.SecondClaim, '');
  }

  #take(responder: Responder, nonce: Bytes, message: Message): void {
    const { state } = this;
    if (state.step === 'claimed' && message.type === MessageType.Nonce) {
      responder.channel.send({ type: MessageType.Reveal, nonce });
      const number = pairingNumber(responder.hash, message.nonce, nonce);
      this.set({ step: 'numbered', phone: state.phone, number, deadline: state.deadline });
    } else if (state.step === 'numbered' && message.type === MessageType.Confirmed) {
      this.#begin(responder, { status: 'none' });
    } else {
      throw new LinkError('OutOfTurn');
    }
  }

  #dead(responder: Responder, why: Why, reason: string): void {
    if (this.#responder !== responder) return;
    this.#responder = null;
    this.#claimed = null;
    this.#closeTickets();
    this.set({ step: 'dead', why, alarm: isAlarm(why), phone: responder.claim.phone, reason });
  }

  #cancel(): void {
    const responder = this.#responder;
    this.#responder = null;
    this.#claimed = null;
    responder?.end(EndCode.Refused, '');
  }

  // ---- The link

  #begin(responder: Responder, trust: TrustRecord): void {
    responder.release();
    if (this.#responder === responder) this.#responder = null;
    // A phone that is trusted was faster than the one that has the code.
    this.#cancel();
    // Or it has lost the link that there is, with its page: only its own ticket is open then. What is stored of that link goes before the new one is.
    const before = this.#link;
    this.#link = null;
    before?.replace();
    this.#linked(Link.begin(this.#post, responder.channel, responder.claim.phone, trust, this.#linkOptions, responder.mailbox), false, before !== null);
  }

  #linked(link: Link, resumed: boolean, replaced = false): void {
    this.#link = link;
    this.#closeTickets();
    this.#keepTicket(link);
    this.set({ step: 'linked', phone: link.state.peer, link, resumed, replaced });
    link.subscribe(({ status }) => {
      if (this.#link !== link) return;
      if (status === 'ended') this.#show();
      else this.#keepTicket(link);
    });
  }

  /** While it is linked with a phone that is trusted it waits for that one alone, which may have lost its page. */
  #keepTicket({ trusted, state: { status } }: Link): void {
    const waits = trusted !== null && (status === 'open' || status === 'asleep') && this.#linkOptions.trust !== null;
    const id = waits ? trusted.id : null;
    if (id === this.#kept) return;
    this.#kept = id;
    if (id === null) this.#trusted.close();
    else this.#trusted.open(this.#linkOptions.trust!, id);
  }
}
