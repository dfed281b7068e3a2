import { fromHex, toHex } from '../shared/bytes.ts';
import { MessageType, TrustFlags, type Message, type TrustMessage } from './generated.ts';
import { createKeyPair, keyPairOf, checkPublicKey } from './p256.ts';
import type { LinkState, Peer } from './states.ts';
import { trustedEnd, type TrustedEnd, type TrustStore } from './trust.ts';

/** How far two ends are with trusting each other, as it is stored with their link. */
export type TrustRecord =
  | { readonly status: 'none' }
  | { readonly status: 'offered'; readonly secretKey: string }
  | { readonly status: 'asked'; readonly publicKey: string }
  | { readonly status: 'agreed'; readonly end: TrustedEnd };

export interface AgreementEvents {
  send(message: Message): void;
  /** The record is another: it is to be stored. */
  changed(): void;
  peer(): Peer;
  now(): number;
}

/** The agreement of both owners to link again without a code. */
export class TrustAgreement {
  readonly #events: AgreementEvents;
  #record: TrustRecord;
  #store: TrustStore | null;

  constructor(record: TrustRecord, store: TrustStore | null, events: AgreementEvents) {
    this.#record = record;
    this.#store = store;
    this.#events = events;
  }

  get record(): TrustRecord { return this.#record; }
  get status(): LinkState['trust'] { return this.#record.status; }

  /** This end's owner agrees: asks the other's, or answers it. */
  offer(store: TrustStore): void {
    this.#store = store;
    const record = this.#record;
    if (record.status === 'agreed' || record.status === 'offered') return;
    const local = createKeyPair();
    if (record.status === 'none') {
      this.#set({ status: 'offered', secretKey: toHex(local.secretKey) });
      this.#tell(0, local.publicKey);
    } else {
      this.#agree(trustedEnd(local, fromHex(record.publicKey)!, this.#events.peer(), this.#events.now()));
      this.#tell(TrustFlags.Agreed, local.publicKey);
    }
  }

  /** This end's owner does not agree, or no longer. */
  revoke(): void {
    if (this.#record.status === 'none') return;
    this.#forget();
    this.#events.send({ type: MessageType.TrustRevoked });
  }

  /** Throws LinkError where the key is none. */
  told({ flags, publicKey }: TrustMessage): void {
    const bytes = Uint8Array.from(publicKey);
    checkPublicKey(bytes);
    const record = this.#record;
    if (record.status === 'offered') {
      // Both have asked, or this is the answer: either way both owners agree.
      this.#agree(trustedEnd(keyPairOf(fromHex(record.secretKey)!), bytes, this.#events.peer(), this.#events.now()));
    } else if (record.status === 'agreed' && record.end.publicKey === toHex(bytes)) {
      // It has not heard the answer.
      if ((flags & TrustFlags.Agreed) === 0) this.#tell(TrustFlags.Agreed, keyPairOf(fromHex(record.end.secretKey)!).publicKey);
    } else {
      this.#set({ status: 'asked', publicKey: toHex(bytes) });
    }
  }

  revoked(): void {
    this.#forget();
  }

  /** The other end may have missed what was said. */
  sync(): void {
    if (this.#record.status === 'offered') this.#tell(0, keyPairOf(fromHex(this.#record.secretKey)!).publicKey);
  }

  #agree(end: TrustedEnd): void {
    this.#store?.add(end);
    this.#set({ status: 'agreed', end });
  }

  #forget(): void {
    if (this.#record.status === 'agreed') this.#store?.revoke(this.#record.end.id);
    this.#set({ status: 'none' });
  }

  #set(record: TrustRecord): void {
    this.#record = record;
    this.#events.changed();
  }

  #tell(flags: number, publicKey: Uint8Array): void {
    this.#events.send({ type: MessageType.Trust, flags, publicKey });
  }
}
