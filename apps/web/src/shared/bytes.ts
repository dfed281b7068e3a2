/** Small helpers for bytes: hexadecimal, UTF-8, base64 and the masking of RFC 6455. */

export function toHex(bytes: Uint8Array, separator = ''): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator);
}

/** Reads hex digits; blanks, commas, colons and "0x" are allowed between the bytes. Null if it is not hex. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | null {
  const digits = text.replace(/0x|[\s,:]/gi, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return null;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** The text's own bytes in UTF-8, the only encoding of WebSocket text (RFC 6455 section 5.6). */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * UTF-8 bytes as text. With `cut` the bytes may end in the middle of a character,
 * which is then left out instead of shown as U+FFFD.
 */
export function utf8Text(bytes: Uint8Array, cut = false): string {
  return new TextDecoder('utf-8').decode(bytes, { stream: cut });
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** RFC 6455 section 5.3: octet i is XORed with octet (i mod 4) of the key. Masking and unmasking are the same. */
export function mask(bytes: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes, (byte, i) => byte ^ (key[i % 4] ?? 0));
}
