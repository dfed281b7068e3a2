import { encodeFrame, payloadOf } from './codec.ts';
import {
  FrameType, MessageFlags, SessionCode, SubscribeFlags, type EventFrame, type Frame, type GapFrame, type SubscribedFrame,
} from './generated.ts';
import type { Payload, SessionNotice } from './notices.ts';
import { Outbox, type OutboxFrame } from './outbox.ts';
import { SeenOrigins } from './seen-origins.ts';

/**
 * What becomes of a frame when the session is lost before it is answered or acknowledged: sent again with its number; made anew from what there is (a
 * subscription, a mailbox); answered as done; sent if it was not yet, otherwise counted; forgotten.
 */
type Kind = 'repeatable' | 'restored' | 'end' | 'message' | 'ofSession';

interface Outgoing {
  readonly kind: Kind;
  /** 0: no request. */
  readonly request: number;
  readonly frame: OutboxFrame;
  readonly subject?: Subscription | Mailbox;
  /** Whether the application knows nothing of this request. */
  readonly isRestored?: boolean;
}

class Subscription {
  readonly kind = 'topic';
  /** The topic's id in this session; 0: not granted yet. */
  id = 0;
  /** Whether there is a position to go on from, if only an empty one. */
  wasGranted = false;
  readonly seen = new SeenOrigins();
  readonly name: string;
  readonly presence: boolean;

  constructor(name: string, presence: boolean) {
    this.name = name;
    this.presence = presence;
  }
}

class Mailbox {
  readonly kind = 'mailbox';
  id = 0;
  readonly name: string;
  readonly prefetch: number;

  constructor(name: string, prefetch: number) {
    this.name = name;
    this.prefetch = prefetch;
  }
}

export interface LedgerEvents {
  /** The answer to a request. */
  replied(request: number, code: number): void;
  told(notice: SessionNotice): void;
}

/** What the application has asked for, what it is subscribed to, and what becomes of both when a session is lost. */
export class Ledger {
  readonly #events: LedgerEvents;
  // In the order in which it is to be sent: what a full server, or having no session, holds back.
  #toSend: Outgoing[] = [];
  #unanswered = new Map<number, Outgoing>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #mailboxes = new Map<string, Mailbox>();
  #topicsById = new Map<number, Subscription>();
  #mailboxesById = new Map<number, Mailbox>();
  #lastRequest = 0;

  constructor(events: LedgerEvents) {
    this.#events = events;
  }

  /** How many requests and messages wait to be sent, or for an answer. */
  get waiting(): number {
    return this.#toSend.length + this.#unanswered.size;
  }

  /** Whether the application waits for an answer. */
  get hasUnanswered(): boolean {
    return this.#unanswered.size > 0;
  }

  // The number of a request, or 0: there is nothing to ask.

  subscribe(topic: string, presence: boolean): number {
    if (this.#subscriptions.has(topic)) return 0;
    const subscription = new Subscription(topic, presence);
    this.#subscriptions.set(topic, subscription);
    return this.#ask(this.#subscribeRequest(subscription, ++this.#lastRequest, false));
  }

  unsubscribe(topic: string): number {
    const subscription = this.#subscriptions.get(topic);
    if (!subscription?.id) return 0;
    this.#subscriptions.delete(topic);
    const request = ++this.#lastRequest;
    return this.#ask(outgoing('end', request, { type: FrameType.Unsubscribe, request, topicId: subscription.id }));
  }

  publish(topic: string, data: string | Uint8Array, key: string | undefined): number {
    const request = ++this.#lastRequest;
    const flags = textFlag(data) | (key ? MessageFlags.Key : 0);
    return this.#ask(outgoing('repeatable', request, { type: FrameType.Publish, request, flags, topic, key, payload: payloadOf(data) }));
  }

  sendToMailbox(mailbox: string, data: string | Uint8Array): number {
    const request = ++this.#lastRequest;
    return this.#ask(outgoing('repeatable', request, { type: FrameType.MailboxSend, request, flags: textFlag(data), mailbox, payload: payloadOf(data) }));
  }

  openMailbox(name: string, prefetch: number): number {
    if (this.#mailboxes.has(name)) return 0;
    const mailbox = new Mailbox(name, prefetch);
    this.#mailboxes.set(name, mailbox);
    return this.#ask(mailboxRequest(mailbox, ++this.#lastRequest, false));
  }

  closeMailbox(name: string): number {
    const mailbox = this.#mailboxes.get(name);
    if (!mailbox?.id) return 0;
    this.#mailboxes.delete(name);
    const request = ++this.#lastRequest;
    return this.#ask(outgoing('end', request, { type: FrameType.MailboxClose, request, mailboxId: mailbox.id }));
  }

  /** False: the mailbox is not open; its message comes again. */
  settle(name: string, delivery: number): boolean {
    const mailbox = this.#mailboxes.get(name);
    if (!mailbox?.id) return false;
    // Bounded by the prefetch, so not by what may wait.
    this.#ask(outgoing('ofSession', 0, { type: FrameType.MailboxSettle, mailboxId: mailbox.id, delivery }));
    return true;
  }

  send(data: string | Uint8Array): void {
    this.#ask(outgoing('message', 0, { type: FrameType.ClientMessage, flags: textFlag(data), payload: payloadOf(data) }));
  }

  /** Moves on what the session has room for. */
  move(outbox: Outbox, maxRequests: number): void {
    let count = 0;
    for (const next of this.#toSend) {
      if (next.request > 0) {
        if (this.#unanswered.size >= maxRequests) break;
        this.#unanswered.set(next.request, next);
      }

      outbox.add(next.frame);
      count++;
    }

    this.#toSend.splice(0, count);
  }

  /** A new session takes the place of the one that is lost. */
  restore(): void {
    const pending = [...[...this.#unanswered.values()].sort((one, other) => one.request - other.request), ...this.#toSend];
    this.#unanswered.clear();
    this.#toSend = [];
    this.#topicsById.clear();
    this.#mailboxesById.clear();

    // First what is heard, so that nothing published below is missed.
    for (const subject of [...this.#subscriptions.values(), ...this.#mailboxes.values()]) {
      subject.id = 0;
      const asked = pending.find((other) => other.subject === subject);
      const request = asked?.request ?? ++this.#lastRequest;
      const isRestored = asked?.isRestored ?? true;
      this.#toSend.push(subject.kind === 'topic' ? this.#subscribeRequest(subject, request, isRestored) : mailboxRequest(subject, request, isRestored));
    }

    this.#toSend.push(...pending.filter(({ kind }) => kind === 'repeatable' || kind === 'message'));
    // What was to end has ended with the session.
    for (const { kind, request } of pending) if (kind === 'end') this.#events.replied(request, SessionCode.Ok);
  }

  /** Takes in a reliable frame. */
  carry(frame: Frame): void {
    switch (frame.type) {
      case FrameType.Reply: return this.#replied(frame.request, frame.status);
      case FrameType.Subscribed: return this.#subscribed(frame);
      case FrameType.Event: return this.#event(frame);
      case FrameType.Gap: return this.#gap(frame);
      case FrameType.Presence: {
        const topic = this.#find(frame.topicId)?.name;
        if (topic !== undefined) this.#events.told({ type: 'presence', topic, count: frame.count });
        return;
      }
      case FrameType.MailboxOpened: {
        const answered = this.#takeAnswered(frame.request);
        if (answered?.subject?.kind !== 'mailbox') return;
        answered.subject.id = frame.mailboxId;
        this.#mailboxesById.set(frame.mailboxId, answered.subject);
        if (!answered.isRestored) this.#events.replied(frame.request, SessionCode.Ok);
        return;
      }
      case FrameType.Delivery: {
        const mailbox = this.#mailboxesById.get(frame.mailboxId);
        // One that was given up, whose closing is under way.
        if (!mailbox || this.#mailboxes.get(mailbox.name) !== mailbox) return;
        const redelivered = (frame.flags & MessageFlags.Redelivered) !== 0;
        this.#events.told({ type: 'delivery', mailbox: mailbox.name, delivery: frame.delivery, redelivered, data: dataOf(frame) });
        return;
      }
      case FrameType.MailboxClosed: {
        const mailbox = this.#mailboxesById.get(frame.mailboxId);
        this.#mailboxesById.delete(frame.mailboxId);
        if (mailbox && this.#forget(mailbox)) this.#events.told({ type: 'mailboxClosed', mailbox: mailbox.name, code: frame.code });
        return;
      }
      case FrameType.ServerMessage: return this.#events.told({ type: 'message', data: dataOf(frame) });
    }
  }

  #ask(request: Outgoing): number {
    this.#toSend.push(request);
    return request.request;
  }

  #find(topicId: number): Subscription | undefined {
    const found = this.#topicsById.get(topicId);
    return found && this.#subscriptions.get(found.name) === found ? found : undefined;
  }

  #forget(subject: Subscription | Mailbox): boolean {
    const map: Map<string, Subscription | Mailbox> = subject.kind === 'topic' ? this.#subscriptions : this.#mailboxes;
    return map.get(subject.name) === subject && map.delete(subject.name);
  }

  #takeAnswered(request: number): Outgoing | undefined {
    const answered = this.#unanswered.get(request);
    this.#unanswered.delete(request);
    return answered;
  }

  #replied(request: number, code: number): void {
    const answered = this.#takeAnswered(request);
    if (!answered) return;
    const { subject, isRestored } = answered;
    if (subject) this.#forget(subject);
    if (!isRestored) this.#events.replied(request, code);
    else if (subject?.kind === 'topic') this.#events.told({ type: 'unsubscribed', topic: subject.name, code });
    else if (subject) this.#events.told({ type: 'mailboxClosed', mailbox: subject.name, code });
  }

  #subscribed(frame: SubscribedFrame): void {
    const answered = this.#takeAnswered(frame.request);
    if (answered?.subject?.kind !== 'topic') return;
    const subscription = answered.subject;
    subscription.id = frame.topicId;
    subscription.wasGranted = true;
    subscription.seen.begin(frame.position);
    this.#topicsById.set(frame.topicId, subscription);
    if (!answered.isRestored) this.#events.replied(frame.request, SessionCode.Ok);
    if (subscription.presence && frame.presence > 0) this.#events.told({ type: 'presence', topic: subscription.name, count: frame.presence });
  }

  #event(frame: EventFrame): void {
    const subscription = this.#find(frame.topicId);
    // What is in the position already was seen: a server that repeats it is forgiven.
    if (!subscription || !subscription.seen.advance(frame.origin, frame.offset)) return;
    this.#events.told({ type: 'event', topic: subscription.name, key: frame.key, data: dataOf(frame) });
  }

  #gap(frame: GapFrame): void {
    const subscription = this.#find(frame.topicId);
    if (!subscription) return;
    for (const [origin, offset] of frame.position) subscription.seen.advance(origin, offset);
    this.#events.told({ type: 'gap', topic: subscription.name, missed: frame.missed });
  }

  #subscribeRequest(subscription: Subscription, request: number, isRestored: boolean): Outgoing {
    const flags = (subscription.wasGranted ? SubscribeFlags.Recover : 0) | (subscription.presence ? SubscribeFlags.Presence : 0);
    const frame: Frame = { type: FrameType.Subscribe, request, flags, topic: subscription.name, position: subscription.seen.position };
    return { ...outgoing('restored', request, frame), subject: subscription, isRestored };
  }
}

function mailboxRequest(mailbox: Mailbox, request: number, isRestored: boolean): Outgoing {
  const frame: Frame = { type: FrameType.MailboxOpen, request, prefetch: mailbox.prefetch, mailbox: mailbox.name };
  return { ...outgoing('restored', request, frame), subject: mailbox, isRestored };
}

function outgoing(kind: Kind, request: number, frame: Frame): Outgoing {
  return { kind, request, frame: { type: frame.type, bytes: encodeFrame(frame) } };
}

function textFlag(data: string | Uint8Array): number {
  return typeof data === 'string' ? MessageFlags.Text : 0;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function dataOf({ flags, payload }: { readonly flags: number; readonly payload: Uint8Array }): Payload {
  return flags & MessageFlags.Text ? decoder.decode(payload) : (payload as Uint8Array<ArrayBuffer>);
}
