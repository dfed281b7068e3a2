import { mask } from '../shared/bytes.ts';
import type { FrameMessage } from './wire-messages.ts';

/** The fields of the base framing protocol, in their order on the wire (RFC 6455 section 5.2). */
export type FieldName =
  | 'fin' | 'rsv1' | 'rsv2' | 'rsv3' | 'opcode' | 'mask' | 'length' | 'extendedLength' | 'maskingKey' | 'payload';

export interface Field {
  name: FieldName;
  /** Where the field is, in bits from the beginning of the frame. */
  start: number;
  bits: number;
}

export interface DecodedFrame {
  fields: Field[];
  /** The frame's bytes as they were on the wire, as far as they are known. */
  wire: Uint8Array;
  fin: boolean;
  rsv: [boolean, boolean, boolean];
  opcode: number;
  masked: boolean;
  /** The seven bits themselves: the length up to 125, or 126 or 127 for the longer forms. */
  lengthBits: number;
  lengthForm: 7 | 16 | 64;
  length: number;
  maskingKey: Uint8Array;
  payload: Uint8Array;
  wirePayload: Uint8Array;
  headerLength: number;
}

export function decodeFrame(frame: FrameMessage): DecodedFrame {
  const { header, payload } = frame;
  const first = header[0] ?? 0;
  const second = header[1] ?? 0;
  const masked = (second & 0x80) !== 0;
  const lengthBits = second & 0x7f;
  const lengthForm = lengthBits === 126 ? 16 : lengthBits === 127 ? 64 : 7;
  const extendedBytes = lengthForm === 7 ? 0 : lengthForm / 8;
  const keyStart = 2 + extendedBytes;
  const headerLength = keyStart + (masked ? 4 : 0);
  const maskingKey = header.slice(keyStart, headerLength);
  const wirePayload = masked ? mask(payload, maskingKey) : payload;

  const wire = new Uint8Array(headerLength + payload.length);
  wire.set(header.subarray(0, headerLength));
  wire.set(wirePayload, headerLength);

  const fields: Field[] = [
    { name: 'fin', start: 0, bits: 1 },
    { name: 'rsv1', start: 1, bits: 1 },
    { name: 'rsv2', start: 2, bits: 1 },
    { name: 'rsv3', start: 3, bits: 1 },
    { name: 'opcode', start: 4, bits: 4 },
    { name: 'mask', start: 8, bits: 1 },
    { name: 'length', start: 9, bits: 7 },
  ];
  if (extendedBytes) fields.push({ name: 'extendedLength', start: 16, bits: 8 * extendedBytes });
  if (masked) fields.push({ name: 'maskingKey', start: 8 * keyStart, bits: 32 });
  if (payload.length) fields.push({ name: 'payload', start: 8 * headerLength, bits: 8 * payload.length });

  return {
    fields,
    wire,
    fin: (first & 0x80) !== 0,
    rsv: [(first & 0x40) !== 0, (first & 0x20) !== 0, (first & 0x10) !== 0],
    opcode: first & 0x0f,
    masked,
    lengthBits,
    lengthForm,
    // Network byte order (section 5.2); lengths beyond 2^53 do not occur here.
    length: extendedBytes ? header.slice(2, keyStart).reduce((sum, byte) => sum * 256 + byte, 0) : lengthBits,
    maskingKey,
    payload,
    wirePayload,
    headerLength,
  };
}

/** Bits `start` to `start + count` as a string of 0 and 1. */
export function bitString(bytes: Uint8Array, start: number, count: number): string {
  let bits = '';
  for (let i = start; i < start + count; i++) bits += ((bytes[i >> 3] ?? 0) >> (7 - (i & 7))) & 1;
  return bits;
}

/** A piece of a field that lies in one row of the diagram. */
export interface Segment {
  field: FieldName;
  start: number;
  bits: number;
  /** True for the first piece, which carries the field's name. */
  first: boolean;
}

/** Cuts the fields where a row of the diagram ends; a long payload is cut into its bytes. */
export function segments(fields: readonly Field[], bitsPerRow: number, lastBit: number): Segment[] {
  const result: Segment[] = [];
  for (const field of fields) {
    const end = Math.min(field.start + field.bits, lastBit);
    for (let start = field.start; start < end; ) {
      const rowEnd = (Math.floor(start / bitsPerRow) + 1) * bitsPerRow;
      const stop = field.name === 'payload' ? Math.min(start + 8, end) : Math.min(rowEnd, end);
      result.push({ field: field.name, start, bits: stop - start, first: start === field.start });
      start = stop;
    }
  }
  return result;
}
