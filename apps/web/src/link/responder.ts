import type { Bytes } from '../session/codec.ts';
import { concat } from './bytes.ts';
import { Channel, prologueOf } from './channel.ts';
import { decodePayload, encodePayload, fit, LinkError } from './codec.ts';
import {
  AnswerFlags, EndCode, KEY_BYTES, MailType, MessageType, MAX_ADDRESS_BYTES, MAX_BROWSER_BYTES, MAX_LOGIN_ID_BYTES, MAX_ORIGIN_BYTES, PAIRING_SECONDS, payloads,
  type AnswerPayload, type ClaimPayload, type Message,
} from './generated.ts';
import { KeptMailbox } from './kept-mailbox.ts';
import { Handshake, HandshakeError, patterns, type HandshakeKeys } from './noise.ts';
import { commitmentTo } from './number.ts';
import type { Post } from './post.ts';
import { whyOf, type Asker, type Peer, type Why } from './states.ts';
import type { Time } from './time.ts';

/** A claim that opens. */
export interface Claim {
  readonly bytes: Bytes;
  readonly handshake: Handshake;
  readonly phone: Peer;
}

/** null: it is none, or was sealed with other keys. */
export function readClaim(bytes: Bytes, pattern: keyof typeof patterns, routingId: Bytes, keys: HandshakeKeys): Claim | null {
  if (bytes[0] !== MailType.Claim) return null;
  const handshake = new Handshake(patterns[pattern], false, prologueOf(routingId), keys);
  try {
    const { name, platform } = decodePayload<ClaimPayload>(payloads.ClaimPayload, handshake.read(bytes.slice(1)));
    return { bytes, handshake, phone: { name, platform } };
  } catch (error) {
    if (error instanceof HandshakeError || error instanceof LinkError) return null;
    throw error;
  }
}

export interface ResponderEvents {
  /** Throws LinkError where the message has no place here. END is none of these. */
  message(message: Message): void;
  ended(why: Why, reason: string): void;
}

/** The computer's end of one claim, from ANSWER until it is a link or dead. */
export class Responder {
  readonly claim: Claim;
  readonly channel: Channel;
  readonly mailbox: KeptMailbox;
  readonly hash: Bytes;
  readonly deadline: number;
  readonly #time: Time;
  readonly #events: ResponderEvents;
  readonly #timer: unknown;
  #isOver = false;

  /** @param nonce What it commits to; null: nothing, since no number is compared. */
  constructor(post: Post, time: Time, claim: Claim, asker: Asker, nonce: Bytes | null, events: ResponderEvents) {
    this.claim = claim;
    this.#time = time;
    this.#events = events;
    const payload: AnswerPayload = {
      flags: asker.loginId === null ? 0 : AnswerFlags.Login,
      commitment: nonce ? commitmentTo(nonce) : new Uint8Array(KEY_BYTES),
      origin: fit(asker.origin, MAX_ORIGIN_BYTES),
      browser: fit(asker.browser, MAX_BROWSER_BYTES),
      address: fit(asker.address, MAX_ADDRESS_BYTES),
      loginId: fit(asker.loginId ?? '', MAX_LOGIN_ID_BYTES),
    };
    const answer = concat(Uint8Array.of(MailType.Answer), claim.handshake.write(encodePayload(payloads.AnswerPayload, payload)));
    this.hash = claim.handshake.split().hash;
    this.channel = Channel.after(claim.handshake, 'computer', post, time);
    const reader = {
      delivered: (envelope: Bytes, settle: () => void) => {
        settle();
        this.#delivered(envelope);
      },
      takenOver: () => this.#fall('takenOver', ''),
    };
    // The phone answers at once: what it says needs a place.
    this.mailbox = new KeptMailbox(post, this.channel.inbox, time, reader, () => this.channel.courier.send(() => answer, answer.length));
    this.deadline = time.now() + PAIRING_SECONDS * 1000;
    // A claim that compares no number may be an old one, which the server has delivered again: nobody waits for a word.
    this.#timer = time.setTimeout(() => (nonce ? this.end(EndCode.TooSlow, '') : this.abandon()), PAIRING_SECONDS * 1000);
  }

  /** Tells the phone that it is over. */
  end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.channel.farewell({ type: MessageType.End, code, reason });
    this.#fall(whyOf(code, 'computer'), reason);
  }

  /** It is a link now, which has channel and mailbox. */
  release(): void {
    this.#isOver = true;
    this.#time.clearTimeout(this.#timer);
  }

  /** Leaves without a word. */
  abandon(): void {
    if (this.#isOver) return;
    this.release();
    this.channel.courier.stop();
    this.mailbox.close();
  }

  #delivered(envelope: Bytes): void {
    if (this.#isOver) return;
    try {
      const message = this.channel.open(envelope);
      if (message?.type === MessageType.End) this.#fall(whyOf(message.code, 'phone'), message.reason);
      else if (message) this.#events.message(message);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.end(EndCode.ProtocolError, error.message);
    }
  }

  #fall(why: Why, reason: string): void {
    if (this.#isOver) return;
    this.release();
    this.channel.courier.close();
    this.mailbox.close();
    this.#events.ended(why, reason);
  }
}
