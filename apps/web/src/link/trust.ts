import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex, utf8 } from '../shared/bytes.ts';
import type { Bytes } from '../session/codec.ts';
import { fromBase64Url, toBase64Url } from './bytes.ts';
import { KEY_BYTES, PUBLIC_KEY_BYTES, ROUTING_ID_BYTES } from './generated.ts';
import { Observable } from './observable.ts';
import { keyPairOf, sharedSecret, type KeyPair } from './p256.ts';
import type { Peer } from './states.ts';
import { storageOf } from './store.ts';

/** An end that links again without a code. Holds keys: not to be shown or sent. */
export interface TrustedEnd extends Peer {
  /** The routing id, in base64url. */
  readonly id: string;
  /** When both agreed, in milliseconds since 1970. */
  readonly since: number;
  /** This end's, for the other alone. */
  readonly secretKey: string;
  readonly publicKey: string;
}

/** The routing id that two ends have who know each other's static keys. */
export function trustedRoutingId(local: KeyPair, remote: Bytes): Bytes {
  return Uint8Array.from(hkdf(sha256, sharedSecret(local.secretKey, remote), utf8('tandem-link-1 trusted'), utf8('routing'), ROUTING_ID_BYTES));
}

export function trustedEnd(local: KeyPair, remote: Bytes, peer: Peer, since: number): TrustedEnd {
  const { name, platform } = peer;
  return { id: toBase64Url(trustedRoutingId(local, remote)), name, platform, since, secretKey: toHex(local.secretKey), publicKey: toHex(remote) };
}

/** What a handshake with a trusted end needs. */
export function keysOf(end: TrustedEnd): { readonly routingId: Bytes; readonly local: KeyPair; readonly remote: Bytes } {
  return { routingId: fromBase64Url(end.id), local: keyPairOf(fromHex(end.secretKey)!), remote: fromHex(end.publicKey)! };
}

// Their owner sees them in a list.
const MOST_ENDS = 16;

/** The ends that are trusted. With a storage they are there after the page is gone. */
export class TrustStore extends Observable<readonly TrustedEnd[]> {
  readonly #storage: Storage | null;
  readonly #key: string;

  constructor(storage: Storage | null, key: string) {
    super(ends(storage?.getItem(key) ?? null));
    this.#storage = storage;
    this.#key = key;
    // What another tab has changed.
    globalThis.addEventListener?.('storage', (event) => { if (event.key === key || event.key === null) this.set(this.#stored()); });
  }

  list(): readonly TrustedEnd[] { return this.state; }

  /** Adds an end, in place of one with its id. The oldest go where there are too many. */
  add(end: TrustedEnd): void {
    this.#replace([...this.#stored().filter(({ id }) => id !== end.id), end].slice(-MOST_ENDS));
  }

  /** Erases the keys of an end. One that is linked is to be told, which is what Link.revokeTrust does. */
  revoke(id: string): void {
    this.#replace(this.#stored().filter((end) => end.id !== id));
  }

  #stored(): readonly TrustedEnd[] {
    return this.#storage ? ends(this.#storage.getItem(this.#key)) : this.state;
  }

  #replace(list: readonly TrustedEnd[]): void {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(list));
    } catch {
      // A storage that is full or forbidden: it holds until the page is gone.
    }

    this.set(list);
  }
}

const stores = new Map<string, TrustStore>();

/** The ends that this browser trusts, in its localStorage. */
export function trustStore(role: 'computer' | 'phone'): TrustStore {
  const key = `tandem-link-trusted-by-${role}`;
  const store = stores.get(key) ?? new TrustStore(storageOf('localStorage'), key);
  stores.set(key, store);
  return store;
}

/** Those of a stored list that are whole. */
function ends(text: string | null): readonly TrustedEnd[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(list) ? list.filter(isWhole) : [];
  } catch {
    return [];
  }
}

function isWhole(end: unknown): end is TrustedEnd {
  const { id, name, platform, since, secretKey, publicKey } = (end ?? {}) as Partial<Record<keyof TrustedEnd, unknown>>;
  return typeof id === 'string' && /^[\w-]{22}$/.test(id) && typeof name === 'string' && typeof platform === 'string' && typeof since === 'number'
    && isHex(secretKey, KEY_BYTES) && isHex(publicKey, PUBLIC_KEY_BYTES);
}

function isHex(text: unknown, bytes: number): text is string {
  return typeof text === 'string' && fromHex(text)?.length === bytes;
}
