import { expand } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex, utf8 } from '../shared/bytes.ts';
import type { Bytes } from '../session/codec.ts';
import { concat } from './bytes.ts';
import { pad } from './codec.ts';
import { ENVELOPE_HEADER_BYTES, EPOCH_ENVELOPES, EPOCH_SECONDS, KEY_BYTES, MailType, MAX_EPOCH_STEP, TAG_BYTES } from './generated.ts';
import { aesGcm } from './noise.ts';

const MAX_EPOCH = 0xffff_ffff;

/** A place in the chain of keys of a direction: c(epoch). */
class Chain {
  readonly epoch: number;
  readonly #link: Bytes;

  constructor(epoch: number, link: Bytes) {
    this.epoch = epoch;
    this.#link = link;
  }

  get key(): Bytes {
    return Uint8Array.from(expand(sha256, this.#link, utf8('key'), KEY_BYTES));
  }

  get next(): Chain {
    return new Chain(this.epoch + 1, Uint8Array.from(expand(sha256, this.#link, utf8('next'), KEY_BYTES)));
  }

  at(epoch: number): Chain {
    let chain: Chain = this;
    while (chain.epoch < epoch) chain = chain.next;
    return chain;
  }

  get record(): ChainRecord {
    return { epoch: this.epoch, chain: toHex(this.#link) };
  }

  static from({ epoch, chain }: ChainRecord): Chain {
    return new Chain(integer(epoch), key(chain));
  }
}

/** c(epoch), as it is stored. */
export interface ChainRecord {
  readonly epoch: number;
  readonly chain: string;
}

export interface ReceiverRecord {
  readonly epoch: number;
  /** The last that was opened in this epoch; -1: none. */
  readonly counter: number;
  readonly key: string;
  /** Of the next epoch. */
  readonly next: ChainRecord;
}

/**
 * Seals what this end sends. What is stored of it is the chain behind the epoch that it is in, so that whoever starts again from there cannot use a key that was used; and it is stored
 * before the first envelope of the epoch is sealed.
 */
export class EnvelopeSender {
  /** Takes an epoch, this one or a later one. */
  takeEpoch: (epoch: number) => number = (epoch) => epoch;
  /** Stores `record`. What throws here seals nothing. */
  store: () => void = () => {};
  readonly #now: () => number;
  #next: Chain;
  #epoch = -1;
  #key: Bytes | null = null;
  #counter = 0;
  #began = 0;

  /** @param now Milliseconds. */
  constructor(chain: Bytes | ChainRecord, now: () => number) {
    this.#next = chain instanceof Uint8Array ? new Chain(0, chain) : Chain.from(chain);
    this.#now = now;
  }

  /** What a sender that takes this one's place begins with. */
  get record(): ChainRecord {
    return this.#next.record;
  }

  seal(message: Bytes): Bytes {
    if (!this.#key || this.#counter >= EPOCH_ENVELOPES || this.#now() - this.#began >= EPOCH_SECONDS * 1000) this.#advance();
    const header = new Uint8Array(ENVELOPE_HEADER_BYTES);
    const view = new DataView(header.buffer);
    header[0] = MailType.Envelope;
    view.setUint32(1, this.#epoch);
    view.setBigUint64(5, BigInt(this.#counter));
    return concat(header, aesGcm(this.#key!, this.#counter++, header).encrypt(pad(message)));
  }

  #advance(): void {
    const epoch = this.takeEpoch(this.#next.epoch);
    if (epoch > MAX_EPOCH) throw new Error('The epochs are used up.');
    const chain = this.#next.at(epoch);
    this.#next = chain.next;
    this.#key = null;
    this.store();
    this.#epoch = epoch;
    this.#key = chain.key;
    this.#counter = 0;
    this.#began = this.#now();
  }
}

/** What came of an envelope. hasHole: something before it was, or may have been, lost. */
export type Opened =
  | { readonly result: 'opened'; readonly plaintext: Bytes; readonly hasHole: boolean }
  | { readonly result: 'repeated' }
  | { readonly result: 'unopened' };

/** Opens what the other end sends: each once, and in order. */
export class EnvelopeReceiver {
  #epoch = 0;
  #counter = -1;
  #key: Bytes;
  #next: Chain;

  constructor(chain: Bytes | ReceiverRecord) {
    if (chain instanceof Uint8Array) {
      const first = new Chain(0, chain);
      this.#key = first.key;
      this.#next = first.next;
    } else {
      this.#epoch = integer(chain.epoch);
      this.#counter = integer(chain.counter, -1);
      this.#key = key(chain.key);
      this.#next = Chain.from(chain.next);
    }
  }

  /** To be stored before a delivery is settled. */
  get record(): ReceiverRecord {
    return { epoch: this.#epoch, counter: this.#counter, key: toHex(this.#key), next: this.#next.record };
  }

  open(envelope: Bytes): Opened {
    if (envelope.length < ENVELOPE_HEADER_BYTES + TAG_BYTES || envelope[0] !== MailType.Envelope) return { result: 'unopened' };
    const view = new DataView(envelope.buffer, envelope.byteOffset);
    const epoch = view.getUint32(1);
    const counter = Number(view.getBigUint64(5));
    if (epoch < this.#epoch || (epoch === this.#epoch && counter <= this.#counter)) return { result: 'repeated' };
    if (epoch > this.#epoch + MAX_EPOCH_STEP || counter > Number.MAX_SAFE_INTEGER) return { result: 'unopened' };
    const chain = epoch === this.#epoch ? null : this.#next.at(epoch);
    const used = chain?.key ?? this.#key;
    let plaintext: Bytes;
    try {
      plaintext = Uint8Array.from(aesGcm(used, counter, envelope.slice(0, ENVELOPE_HEADER_BYTES)).decrypt(envelope.slice(ENVELOPE_HEADER_BYTES)));
    } catch {
      return { result: 'unopened' };
    }

    const hasHole = chain !== null || counter > this.#counter + 1;
    this.#key = used;
    this.#epoch = epoch;
    this.#counter = counter;
    if (chain) this.#next = chain.next;
    return { result: 'opened', plaintext, hasHole };
  }
}

function integer(value: unknown, least = 0): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) throw new TypeError('What was stored is not what is stored here.');
  return value as number;
}

function key(text: unknown): Bytes {
  const bytes = typeof text === 'string' ? fromHex(text) : null;
  if (bytes?.length !== KEY_BYTES) throw new TypeError('What was stored is not what is stored here.');
  return bytes;
}
