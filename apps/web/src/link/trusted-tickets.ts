import type { Bytes } from '../session/codec.ts';
import { isEqual } from './bytes.ts';
import { ticketOf } from './channel.ts';
import { LinkError } from './codec.ts';
import { MessageType } from './generated.ts';
import { KeptMailbox } from './kept-mailbox.ts';
import type { Post, Settle } from './post.ts';
import { readClaim, Responder } from './responder.ts';
import type { Asker } from './states.ts';
import type { Time } from './time.ts';
import { keysOf, type TrustedEnd, type TrustStore } from './trust.ts';

interface TrustedTicket {
  readonly mailbox: KeptMailbox;
  responder: Responder | null;
}

/**
 * The tickets of the phones that are trusted. What happens there is not shown until such a phone has confirmed: a claim alone proves nothing, since the server may deliver
 * an old one again.
 */
export class TrustedTickets {
  readonly #post: Post;
  readonly #time: Time;
  readonly #asker: Asker;
  readonly #confirmed: (responder: Responder, end: TrustedEnd) => void;
  readonly #tickets = new Map<string, TrustedTicket>();
  #unfollow: (() => void) | null = null;

  constructor(post: Post, time: Time, asker: Asker, confirmed: (responder: Responder, end: TrustedEnd) => void) {
    this.#post = post;
    this.#time = time;
    this.#asker = asker;
    this.#confirmed = confirmed;
  }

  /**
   * Keeps them open, as the list of trusted ends changes.
   * @param only The one to keep open; by default all.
   */
  open(store: TrustStore, only?: string): void {
    this.#unfollow?.();
    this.#unfollow = store.subscribe((all) => {
      const ends = only === undefined ? all : all.filter(({ id }) => id === only);
      for (const id of [...this.#tickets.keys()]) if (!ends.some((end) => end.id === id)) this.#remove(id);
      for (const end of ends) if (!this.#tickets.has(end.id)) this.#add(end);
    });
  }

  close(): void {
    this.#unfollow?.();
    this.#unfollow = null;
    for (const id of [...this.#tickets.keys()]) this.#remove(id);
  }

  #add(end: TrustedEnd): void {
    const mailbox = new KeptMailbox(this.#post, ticketOf(keysOf(end).routingId), this.#time, {
      delivered: (claim, settle) => this.#claim(end, claim, settle),
      // Another page of this browser waits for the same phone.
      takenOver: () => {},
    });
    this.#tickets.set(end.id, { mailbox, responder: null });
  }

  #remove(id: string): void {
    const ticket = this.#tickets.get(id);
    this.#tickets.delete(id);
    ticket?.mailbox.close();
    ticket?.responder?.abandon();
  }

  #claim(end: TrustedEnd, bytes: Bytes, settle: Settle): void {
    settle();
    const ticket = this.#tickets.get(end.id);
    if (!ticket || (ticket.responder && isEqual(bytes, ticket.responder.claim.bytes))) return;
    const { routingId, local, remote } = keysOf(end);
    const claim = readClaim(bytes, 'KK', routingId, { local, remote });
    if (!claim) return;
    ticket.responder?.abandon();
    const responder: Responder = new Responder(this.#post, this.#time, claim, this.#asker, null, {
      message: ({ type }) => {
        if (type !== MessageType.Confirmed) throw new LinkError('OutOfTurn');
        ticket.responder = null;
        this.#confirmed(responder, end);
      },
      ended: () => { if (ticket.responder === responder) ticket.responder = null; },
    });
    ticket.responder = responder;
  }
}
