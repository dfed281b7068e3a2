import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from '../shared/bytes.ts';
import type { Bytes } from '../session/codec.ts';
import { concat, randomBelow } from './bytes.ts';

/** What the computer says of its random number before it knows the phone's. */
export function commitmentTo(nonce: Uint8Array): Bytes {
  return Uint8Array.from(sha256(concat(utf8('tandem-link-1 commitment'), nonce)));
}

/** The number that both show, with its two digits. */
export function pairingNumber(hash: Bytes, phoneNonce: Uint8Array, computerNonce: Uint8Array): string {
  const bytes = hkdf(sha256, concat(phoneNonce, computerNonce), hash, utf8('number'), 8);
  return twoDigits(bytes.reduce((rest, byte) => (rest * 0x100 + byte) % 100, 0));
}

/** The number among two others, at random. */
export function choicesWith(number: string): readonly [string, string, string] {
  const others = new Set([number]);
  while (others.size < 3) others.add(twoDigits(randomBelow(100)));
  const [right, second, third] = [...others] as [string, string, string];
  const rest: [string, string] = randomBelow(2) === 0 ? [second, third] : [third, second];
  const all = [...rest];
  all.splice(randomBelow(3), 0, right);
  return all as [string, string, string];
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
