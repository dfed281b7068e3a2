import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from '../shared/bytes.ts';
import type { Bytes } from '../session/codec.ts';
import { concat, toBase64Url } from './bytes.ts';
import { decodeMessage, encodeMessage, unpad, type End } from './codec.ts';
import { Courier } from './courier.ts';
import { EnvelopeReceiver, EnvelopeSender, type ChainRecord, type ReceiverRecord } from './envelope.ts';
import { ROUTING_ID_BYTES, type Message } from './generated.ts';
import type { Handshake } from './noise.ts';
import type { Post } from './post.ts';
import type { Time } from './time.ts';

export function ticketOf(routingId: Bytes): string {
  return `ticket/${toBase64Url(routingId)}`;
}

/** The mailbox of an end, by its ephemeral key. */
export function inboxOf(ephemeral: Bytes): string {
  return `link/${toBase64Url(sha256(concat(utf8('tandem-link-1 inbox'), ephemeral)).slice(0, ROUTING_ID_BYTES))}`;
}

export function prologueOf(routingId: Bytes): Bytes {
  return concat(utf8('tandem-link-1'), new Uint8Array(1), routingId);
}

export interface ChannelRecord {
  readonly role: End;
  readonly inbox: string;
  readonly peerInbox: string;
  readonly sender: ChainRecord;
  readonly receiver: ReceiverRecord;
}

/** Both directions between two ends that have shaken hands. */
export class Channel {
  readonly role: End;
  readonly inbox: string;
  readonly peerInbox: string;
  readonly sender: EnvelopeSender;
  readonly receiver: EnvelopeReceiver;
  readonly courier: Courier;

  constructor(post: Post, time: Time, { role, inbox, peerInbox, sender, receiver }: Omit<ChannelRecord, 'sender' | 'receiver'> & {
    readonly sender: ChainRecord | Bytes;
    readonly receiver: ReceiverRecord | Bytes;
  }) {
    this.role = role;
    this.inbox = inbox;
    this.peerInbox = peerInbox;
    this.sender = new EnvelopeSender(sender, () => time.now());
    this.receiver = new EnvelopeReceiver(receiver);
    this.courier = new Courier(post, peerInbox, time);
  }

  /** What a handshake that is through leads to. */
  static after(handshake: Handshake, role: End, post: Post, time: Time): Channel {
    const { initiatorKey, responderKey } = handshake.split();
    const [sender, receiver] = role === 'phone' ? [initiatorKey, responderKey] : [responderKey, initiatorKey];
    return new Channel(post, time, { role, inbox: inboxOf(handshake.ephemeral.publicKey), peerInbox: inboxOf(handshake.remoteEphemeral), sender, receiver });
  }

  get peerRole(): End {
    return this.role === 'phone' ? 'computer' : 'phone';
  }

  get record(): ChannelRecord {
    const { role, inbox, peerInbox } = this;
    return { role, inbox, peerInbox, sender: this.sender.record, receiver: this.receiver.record };
  }

  send(message: Message): void {
    const bytes = encodeMessage(message);
    this.courier.send(() => this.sender.seal(bytes), bytes.length);
  }

  /** The message in an envelope; null: it does not open, was there before, or is of a later version. Throws LinkError where it breaks a rule. */
  open(envelope: Bytes): Message | null {
    const opened = this.receiver.open(envelope);
    return opened.result === 'opened' ? decodeMessage(unpad(opened.plaintext), this.peerRole) : null;
  }

  /** The last message; of what waits nothing is sent any more. */
  farewell(message: Message): void {
    this.courier.farewell(this.sender.seal(encodeMessage(message)));
  }
}
