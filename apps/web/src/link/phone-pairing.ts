import { SessionCode } from '../session/index.ts';
import type { Bytes } from '../session/codec.ts';
import { concat, isEqual, randomBytes } from './bytes.ts';
import { Channel, inboxOf, prologueOf, ticketOf } from './channel.ts';
import { decodePayload, encodePayload, fit, LinkError } from './codec.ts';
import {
  AnswerFlags, EndCode, faults, KEY_BYTES, MailType, MAX_NAME_BYTES, MessageType, PAIRING_SECONDS, payloads, type AnswerPayload, type Message,
} from './generated.ts';
import { KeptMailbox } from './kept-mailbox.ts';
import { Link, type LinkOptions } from './link.ts';
import { Handshake, HandshakeError, patterns } from './noise.ts';
import { choicesWith, commitmentTo, pairingNumber } from './number.ts';
import { Observable } from './observable.ts';
import type { Post, Settle } from './post.ts';
import { derive, parseSecret } from './secret.ts';
import { isAlarm, whyOf, type Asker, type PhoneState, type Why } from './states.ts';
import { sessionLinkStore, type LinkStore } from './store.ts';
import { browserTime, type Time } from './time.ts';
import type { TrustRecord } from './trust-agreement.ts';
import { keysOf, type TrustedEnd, type TrustStore } from './trust.ts';

export interface PhoneOptions {
  /** What this end is called; at most 64 bytes of UTF-8, more is cut. */
  readonly name: string;
  /** What it runs on; at most 64 bytes. */
  readonly platform: string;
  /** Where the link is kept over a reload. Default sessionLinkStore('phone'). */
  readonly store?: LinkStore;
  /** Where a computer that is trusted is kept. Default: where Link.offerTrust says. */
  readonly trust?: TrustStore | null;
  readonly time?: Time;
}

/** One try, from CLAIM on. */
interface Try {
  readonly handshake: Handshake;
  readonly claim: Bytes;
  readonly ticket: string;
  readonly mailbox: KeptMailbox;
  /** A computer that is trusted, and asked without a code. */
  readonly trusted: TrustedEnd | null;
  readonly nonce: Bytes;
  readonly timer: unknown;
  readonly deadline: number;
  /** Once there was an ANSWER. */
  channel: Channel | null;
  commitment: Uint8Array | null;
  hash: Bytes | null;
  number: string | null;
}

const RETRY_DELAY = 1_000;

// What may pass, whether it was stored or not: the nodes do not reach each other.
const PASSING: readonly number[] = [SessionCode.Unavailable, SessionCode.InternalError];

// Nobody has the ticket open, or as many claims wait there as may: either way this code leads nowhere.
const NO_TICKET: readonly number[] = [SessionCode.NotFound, SessionCode.Full];

/** Pairing as the phone sees it: the state table of docs/link-protocol.md. */
export class PhonePairing extends Observable<PhoneState> {
  readonly #post: Post;
  readonly #options: PhoneOptions;
  readonly #time: Time;
  readonly #linkOptions: LinkOptions;
  #try: Try | null = null;
  #link: Link | null = null;

  constructor(post: Post, options: PhoneOptions) {
    super({ step: 'idle' });
    this.#post = post;
    this.#options = options;
    this.#time = options.time ?? browserTime;
    const { name, platform, store = sessionLinkStore('phone'), trust = null } = options;
    this.#linkOptions = { self: { name, platform }, store, trust, time: this.#time };
  }

  /** Resumes the link that is stored. False: there is none. */
  resume(): boolean {
    const link = Link.resume(this.#post, 'phone', this.#linkOptions);
    if (link) this.#linked(link, null, true);
    return link !== null;
  }

  /** Claims what was scanned, typed or pasted. False: it is no code, or something is under way. */
  claim(code: string): boolean {
    const secret = parseSecret(code);
    if (secret === null || this.#isBusy) return false;
    const { routingId, psk } = derive(secret);
    this.#begin(new Handshake(patterns.NNpsk0, true, prologueOf(routingId), { psk }), ticketOf(routingId), null);
    return true;
  }

  /** Links with a computer that is trusted: no code, no number. */
  relink(trusted: TrustedEnd): void {
    if (this.#isBusy) return;
    const { routingId, local, remote } = keysOf(trusted);
    this.#begin(new Handshake(patterns.KK, true, prologueOf(routingId), { local, remote }), ticketOf(routingId), trusted);
  }

  /** Its owner sees this number on the computer. */
  choose(number: string): void {
    const { state } = this;
    if (state.step !== 'choosing') return;
    if (number === this.#try!.number) this.#confirm(state.computer);
    else this.#end(EndCode.WrongNumber, '');
  }

  /** Its owner sees another number on the computer. */
  noneOfThese(): void {
    if (this.state.step === 'choosing') this.#end(EndCode.NoneOfThese, '');
  }

  /** Its owner does not want the link. */
  refuse(): void {
    if (this.#try) this.#end(EndCode.Refused, '');
  }

  /** For another code. */
  reset(): void {
    if (!this.#isBusy && this.state.step !== 'idle') this.set({ step: 'idle' });
  }

  /** Leaves. A link stays stored. */
  stop(): void {
    if (this.#try) this.#end(EndCode.Refused, '');
    this.#link?.stop();
  }

  get #isBusy(): boolean {
    return this.#try !== null || (this.state.step === 'linked' && this.#link?.state.status !== 'ended');
  }

  // ---- CLAIM and ANSWER

  #begin(handshake: Handshake, ticket: string, trusted: TrustedEnd | null): void {
    const name = fit(this.#options.name, MAX_NAME_BYTES);
    const platform = fit(this.#options.platform, MAX_NAME_BYTES);
    const claim = concat(Uint8Array.of(MailType.Claim), handshake.write(encodePayload(payloads.ClaimPayload, { name, platform })));
    // The inbox is opened before the claim is made: the answer needs a place.
    const mailbox = new KeptMailbox(this.#post, inboxOf(handshake.ephemeral.publicKey), this.#time, {
      delivered: (message, settle) => this.#delivered(own, message, settle),
      takenOver: () => { if (this.#try === own) this.#fall('takenOver', ''); },
    }, () => void this.#claim(own));
    const deadline = this.#time.now() + PAIRING_SECONDS * 1000;
    const timer = this.#time.setTimeout(() => this.#overdue(), PAIRING_SECONDS * 1000);
    const own: Try = {
      handshake, claim, ticket, mailbox, trusted, nonce: randomBytes(KEY_BYTES), timer, deadline, channel: null, commitment: null, hash: null, number: null,
    };
    this.#try = own;
    this.set({ step: 'claiming', deadline });
  }

  async #claim(own: Try): Promise<void> {
    if (this.#try !== own) return;
    const code = await this.#post.send(own.ticket, own.claim);
    if (this.#try !== own || own.channel || code === SessionCode.Ok) return;
    // The same bytes again, which are no second claim.
    if (PASSING.includes(code)) this.#time.setTimeout(() => void this.#claim(own), RETRY_DELAY);
    else this.#fall(NO_TICKET.includes(code) ? 'noSuchCode' : 'tooManyTries', '');
  }

  #delivered(own: Try, message: Bytes, settle: Settle): void {
    settle();
    if (this.#try !== own) return;
    try {
      if (!own.channel) return this.#answered(own, message);
      const opened = own.channel.open(message);
      if (opened) this.#take(own, opened);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.#end(EndCode.ProtocolError, error.message);
    }
  }

  #answered(own: Try, message: Bytes): void {
    if (message[0] !== MailType.Answer) return;
    let payload: Bytes;
    try {
      payload = own.handshake.read(message.slice(1));
    } catch (error) {
      // Whoever knows the name of the inbox can put anything in there.
      if (error instanceof HandshakeError) return;
      throw error;
    }

    own.channel = Channel.after(own.handshake, 'phone', this.#post, this.#time);
    own.hash = own.handshake.split().hash;
    const answer = decodePayload<AnswerPayload>(payloads.AnswerPayload, payload);
    const { origin, browser, address } = answer;
    own.commitment = answer.commitment;
    const computer: Asker = { origin, browser, address, loginId: (answer.flags & AnswerFlags.Login) === 0 ? null : answer.loginId };
    // Its key says who it is: no number is compared.
    if (own.trusted) return this.#confirm(computer);
    own.channel.send({ type: MessageType.Nonce, nonce: own.nonce });
    this.set({ step: 'asked', computer, deadline: own.deadline });
  }

  // ---- The number

  #take(own: Try, message: Message): void {
    const { state } = this;
    if (message.type === MessageType.End) return this.#fall(whyOf(message.code, 'computer'), message.reason);
    if (state.step !== 'asked' || message.type !== MessageType.Reveal) throw new LinkError('OutOfTurn');
    if (!isEqual(commitmentTo(message.nonce), own.commitment!)) {
      own.channel!.farewell({ type: MessageType.End, code: EndCode.ProtocolError, reason: faults.WrongCommitment });
      return this.#fall('forged', faults.WrongCommitment);
    }

    own.number = pairingNumber(own.hash!, own.nonce, message.nonce);
    this.set({ step: 'choosing', computer: state.computer, numbers: choicesWith(own.number), deadline: own.deadline });
  }

  #confirm(computer: Asker): void {
    const own = this.#try!;
    this.#finish();
    const channel = own.channel!;
    const isLogin = computer.loginId !== null;
    const { name, platform } = own.trusted ?? { name: computer.browser, platform: '' };
    const trust: TrustRecord = own.trusted ? { status: 'agreed', end: own.trusted } : { status: 'none' };
    const options = isLogin ? { ...this.#linkOptions, store: null } : this.#linkOptions;
    // Stored before the computer hears of it.
    const link = Link.begin(this.#post, channel, { name, platform }, trust, options, own.mailbox);
    channel.send({ type: MessageType.Confirmed });
    this.#linked(link, computer, false);
  }

  #linked(link: Link, computer: Asker | null, resumed: boolean): void {
    this.#link = link;
    this.set({ step: 'linked', computer, link, resumed });
    link.subscribe(({ status, end }) => {
      if (status !== 'ended' || this.#link !== link || !end) return;
      this.#link = null;
      this.set({ step: 'dead', why: end.why, alarm: isAlarm(end.why), computer, reason: end.reason });
    });
  }

  #overdue(): void {
    if (this.#try?.channel) this.#end(EndCode.TooSlow, '');
    else this.#fall('noAnswer', '');
  }

  /** Ends the try, and tells the computer where it can be told. */
  #end(code: number, reason: string): void {
    this.#try?.channel?.farewell({ type: MessageType.End, code, reason });
    this.#fall(whyOf(code, 'phone'), reason);
  }

  #fall(why: Why, reason: string): void {
    const own = this.#try;
    if (!own) return;
    this.#finish();
    own.channel?.courier.close();
    own.mailbox.close();
    const { state } = this;
    const computer = state.step === 'asked' || state.step === 'choosing' ? state.computer : null;
    this.set({ step: 'dead', why, alarm: isAlarm(why), computer, reason });
  }

  #finish(): void {
    if (this.#try) this.#time.clearTimeout(this.#try.timer);
    this.#try = null;
  }
}
