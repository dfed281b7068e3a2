import { weierstrass } from '@noble/curves/abstract/weierstrass.js';
import type { Bytes } from '../session/codec.ts';
import { randomBytes } from './bytes.ts';
import { LinkError } from './codec.ts';
import { PUBLIC_KEY_BYTES } from './generated.ts';

export interface KeyPair {
  readonly secretKey: Bytes;
  /** An uncompressed point of SEC 1. */
  readonly publicKey: Bytes;
}

// SEC 2 section 2.4.2. The curve alone: what signs and hashes to curves would weigh half as much again.
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const Point = weierstrass({
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  n,
  h: 1n,
  a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  Gx: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  Gy: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
});

export function createKeyPair(): KeyPair {
  for (;;) {
    const secretKey = randomBytes(32);
    // One in 2^32 is none.
    if (isScalar(toInteger(secretKey))) return keyPairOf(secretKey);
  }
}

/** Throws where it is no secret key. */
export function keyPairOf(secretKey: Bytes): KeyPair {
  return { secretKey, publicKey: Uint8Array.from(Point.BASE.multiply(toInteger(secretKey)).toBytes(false)) };
}

/** The x coordinate that both keys lead to. Throws LinkError where the public key is not a point of the curve. */
export function sharedSecret(secretKey: Bytes, publicKey: Bytes): Bytes {
  return Uint8Array.from(pointOf(publicKey).multiply(toInteger(secretKey)).toBytes(false).slice(1, 33));
}

export function checkPublicKey(publicKey: Bytes): void {
  pointOf(publicKey);
}

function pointOf(publicKey: Bytes): InstanceType<typeof Point> {
  // The library knows compressed points too, and the protocol does not.
  if (publicKey.length !== PUBLIC_KEY_BYTES || publicKey[0] !== 4) throw new LinkError('InvalidPoint');
  try {
    const point = Point.fromBytes(publicKey);
    point.assertValidity();
    return point;
  } catch {
    throw new LinkError('InvalidPoint');
  }
}

function toInteger(bytes: Bytes): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function isScalar(value: bigint): boolean {
  return value > 0n && value < n;
}
