import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, utf8 } from '../shared/bytes.ts';
import { randomUuid } from '../shared/uuid.ts';
import type { Bytes } from '../session/codec.ts';

/** A new secret: a GUID of version 4. */
export function createSecret(): string {
  return randomUuid();
}

const GUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$|^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i;

// What keyboards and scanners put around it. Not what \s is, which differs between languages.
const SPACE = '[\\t\\n\\r \\u00a0\\u3000]';
const AROUND = new RegExp(`^${SPACE}+|${SPACE}+$`, 'gu');
const ADDRESS = new RegExp(`^(?:(?!${SPACE}).)*/phone#`, 'su');
const MOST_CHARACTERS = 1024;

/** The secret in what somebody has scanned, typed or pasted, in lower case with hyphens; null: it is no code. */
export function parseSecret(text: string): string | null {
  if (text.length > MOST_CHARACTERS) return null;
  const typed = text.replace(AROUND, '').replace(ADDRESS, '');
  const parts = GUID.exec(/^\{(.*)\}$/.exec(typed)?.[1] ?? typed);
  const secret = parts?.slice(1).filter((part) => part !== undefined).join('-').toLowerCase();
  return secret && /[1-9a-f]/.test(secret) ? secret : null;
}

/** What the code on the screen says. What follows # does not leave the browser that opens it. */
export function codeUrl(origin: string, secret: string): string {
  return `${origin.replace(/\/$/, '')}/phone#${secret}`;
}

/** What both ends make of a secret. */
export interface Derived {
  readonly routingId: Bytes;
  readonly psk: Bytes;
}

/** @param secret As createSecret and parseSecret give it. */
export function derive(secret: string): Derived {
  const prk = extract(sha256, fromHex(secret.replaceAll('-', ''))!, utf8('tandem-link-1'));
  const routingId = Uint8Array.from(expand(sha256, prk, utf8('routing'), 16));
  return { routingId, psk: Uint8Array.from(expand(sha256, prk, utf8('psk'), 32)) };
}
