import { gcm } from '@noble/ciphers/aes.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from '../shared/bytes.ts';
import type { Bytes } from '../session/codec.ts';
import { concat } from './bytes.ts';
import { KEY_BYTES, PUBLIC_KEY_BYTES, TAG_BYTES } from './generated.ts';
import { checkPublicKey, createKeyPair, sharedSecret, type KeyPair } from './p256.ts';

type Token = 'e' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

interface Pattern {
  readonly name: string;
  /** Whether the ends know each other's static keys beforehand: the pre-messages. */
  readonly knowsStatics: boolean;
  readonly hasPsk: boolean;
  readonly messages: readonly (readonly Token[])[];
}

/** The handshakes of the protocol, as the Noise specification writes them. */
export const patterns = {
  NNpsk0: { name: 'Noise_NNpsk0_P256_AESGCM_SHA256', knowsStatics: false, hasPsk: true, messages: [['psk', 'e'], ['e', 'ee']] },
  KK: { name: 'Noise_KK_P256_AESGCM_SHA256', knowsStatics: true, hasPsk: false, messages: [['e', 'es', 'ss'], ['e', 'ee', 'se']] },
} as const satisfies Readonly<Record<string, Pattern>>;

export interface HandshakeKeys {
  readonly psk?: Bytes;
  readonly local?: KeyPair;
  readonly remote?: Bytes;
  /** For test vectors. Otherwise a new one is made. */
  readonly ephemeral?: KeyPair;
}

/** What is left of a handshake. */
export interface Handshaken {
  /** The handshake's hash, which stands for all of it. */
  readonly hash: Bytes;
  readonly initiatorKey: Bytes;
  readonly responderKey: Bytes;
}

/** A message of the handshake that does not open: another key, or not whole. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
}

/** AES-256-GCM with the nonce of the Noise specification, section 12.4: four zeros, and the counter. */
export function aesGcm(key: Bytes, counter: number, associated: Bytes): ReturnType<typeof gcm> {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, Math.floor(counter / 0x1_0000_0000));
  view.setUint32(8, counter >>> 0);
  return gcm(key, nonce, associated);
}

/** HKDF of the Noise specification, section 4.3: that of RFC 5869 without info. */
function keys(chainingKey: Bytes, material: Bytes, count: number): Bytes[] {
  const all = hkdf(sha256, material, chainingKey, undefined, count * KEY_BYTES);
  return Array.from({ length: count }, (_, i) => all.slice(i * KEY_BYTES, (i + 1) * KEY_BYTES));
}

/** One end of a handshake: the objects HandshakeState and SymmetricState of the Noise specification, section 5. */
export class Handshake {
  readonly ephemeral: KeyPair;
  readonly #pattern: Pattern;
  readonly #isInitiator: boolean;
  readonly #keys: HandshakeKeys;
  #remoteEphemeral: Bytes | null = null;
  #message = 0;
  #chainingKey: Bytes;
  #hash: Bytes;
  #key: Bytes | null = null;
  #counter = 0;

  constructor(pattern: Pattern, isInitiator: boolean, prologue: Bytes, keys: HandshakeKeys) {
    this.#pattern = pattern;
    this.#isInitiator = isInitiator;
    this.#keys = keys;
    this.ephemeral = keys.ephemeral ?? createKeyPair();
    const name = utf8(pattern.name);
    // Names of both are shorter than a hash, and are filled up with zeros.
    this.#hash = concat(name, new Uint8Array(KEY_BYTES - name.length));
    this.#chainingKey = this.#hash;
    this.#mixHash(prologue);
    if (!pattern.knowsStatics) return;
    const [initiator, responder] = isInitiator ? [keys.local!.publicKey, keys.remote!] : [keys.remote!, keys.local!.publicKey];
    this.#mixHash(initiator);
    this.#mixHash(responder);
  }

  /** The other end's, once its message was read. */
  get remoteEphemeral(): Bytes {
    if (!this.#remoteEphemeral) throw new Error('No message was read.');
    return this.#remoteEphemeral;
  }

  write(payload: Bytes): Bytes {
    let message = new Uint8Array();
    for (const token of this.#next(this.#isInitiator)) {
      if (token === 'e') message = this.#mixEphemeral(this.ephemeral.publicKey);
      else this.#mix(token);
    }

    return concat(message, this.#encrypt(payload));
  }

  /** Throws HandshakeError where it does not open: then the handshake is where it was, and may read another. */
  read(message: Bytes): Bytes {
    if (message.length < PUBLIC_KEY_BYTES + TAG_BYTES) throw new HandshakeError('The message is cut.');
    const before = [this.#message, this.#chainingKey, this.#hash, this.#key, this.#counter] as const;
    try {
      for (const token of this.#next(!this.#isInitiator)) {
        if (token !== 'e') {
          this.#mix(token);
          continue;
        }

        this.#remoteEphemeral = message.slice(0, PUBLIC_KEY_BYTES);
        checkPublicKey(this.#remoteEphemeral);
        this.#mixEphemeral(this.#remoteEphemeral);
      }

      return this.#decrypt(message.slice(PUBLIC_KEY_BYTES));
    } catch (error) {
      [this.#message, this.#chainingKey, this.#hash, this.#key, this.#counter] = before;
      this.#remoteEphemeral = null;
      throw new HandshakeError('The message does not open.', { cause: error });
    }
  }

  /** When both messages are through. */
  split(): Handshaken {
    if (this.#message !== this.#pattern.messages.length) throw new Error('The handshake is not through.');
    const [initiatorKey, responderKey] = keys(this.#chainingKey, new Uint8Array(), 2);
    return { hash: this.#hash, initiatorKey: initiatorKey!, responderKey: responderKey! };
  }

  #next(isInitiators: boolean): readonly Token[] {
    const tokens = this.#pattern.messages[this.#message];
    if (!tokens || isInitiators !== (this.#message % 2 === 0)) throw new Error('It is the turn of the other end.');
    this.#message++;
    return tokens;
  }

  #mix(token: Exclude<Token, 'e'>): void {
    const { psk, local, remote } = this.#keys;
    if (token === 'psk') {
      const [chainingKey, hash, key] = keys(this.#chainingKey, psk!, 3);
      this.#chainingKey = chainingKey!;
      this.#mixHash(hash!);
      this.#initialize(key!);
      return;
    }

    // The first letter is the initiator's key, the second the responder's.
    const [own, others] = this.#isInitiator ? [token[0], token[1]] : [token[1], token[0]];
    this.#mixKey(sharedSecret(own === 'e' ? this.ephemeral.secretKey : local!.secretKey, others === 'e' ? this.remoteEphemeral : remote!));
  }

  #mixEphemeral(publicKey: Bytes): Bytes {
    this.#mixHash(publicKey);
    // Section 9.2: so that two handshakes of one psk do not share keys.
    if (this.#pattern.hasPsk) this.#mixKey(publicKey);
    return publicKey;
  }

  #mixKey(material: Bytes): void {
    const [chainingKey, key] = keys(this.#chainingKey, material, 2);
    this.#chainingKey = chainingKey!;
    this.#initialize(key!);
  }

  #initialize(key: Bytes): void {
    this.#key = key;
    this.#counter = 0;
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = Uint8Array.from(sha256(concat(this.#hash, data)));
  }

  #encrypt(plaintext: Bytes): Bytes {
    const ciphertext = Uint8Array.from(aesGcm(this.#key!, this.#counter++, this.#hash).encrypt(plaintext));
    this.#mixHash(ciphertext);
    return ciphertext;
  }

  #decrypt(ciphertext: Bytes): Bytes {
    const plaintext = Uint8Array.from(aesGcm(this.#key!, this.#counter++, this.#hash).decrypt(ciphertext));
    this.#mixHash(ciphertext);
    return plaintext;
  }
}
