import type { Bytes } from '../session/codec.ts';

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }

  return whole;
}

export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** Without padding: how bytes stand in names. */
export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Throws where it is no base64url. */
export function fromBase64Url(text: string): Bytes {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}

export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A random integer below a bound that is at most 2^16, each as likely as the others. */
export function randomBelow(bound: number): number {
  const fair = Math.floor(0x10000 / bound) * bound;
  for (;;) {
    const [value] = crypto.getRandomValues(new Uint16Array(1)) as unknown as [number];
    if (value < fair) return value % bound;
  }
}
