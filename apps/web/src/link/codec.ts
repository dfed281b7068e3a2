import { ProtocolError, Reader, Writer, type Bytes } from '../session/codec.ts';
import { faults, layouts, MAX_MESSAGE_BYTES, PADDING_BYTES, type Fault, type Field, type Message } from './generated.ts';

/** A rule of the link protocol that the other end, or the caller, has broken. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(faults[fault]);
    this.fault = fault;
  }
}

export type End = 'phone' | 'computer';

/**
 * Reads a message.
 * @param from Who has sent it.
 * @returns null: its type is one of a later version, and it is skipped.
 */
export function decodeMessage(bytes: Bytes, from: End): Message | null {
  const type = bytes[0];
  if (type === undefined) throw new LinkError('EmptyMessage');
  const layout = layouts[type];
  if (!layout) return null;
  if (layout.direction !== 'both' && layout.direction !== from) throw new LinkError('WrongDirection');
  return { type, ...read(layout.fields, bytes, 1) } as unknown as Message;
}

/** Writes a message. Throws RangeError where a field or all of it is larger than the other end takes. */
export function encodeMessage(message: Message): Bytes {
  const bytes = write(layouts[message.type]!.fields, message as unknown as Record<string, unknown>, message.type);
  if (bytes.length > MAX_MESSAGE_BYTES) throw new RangeError(`A message has at most ${MAX_MESSAGE_BYTES} bytes.`);
  return bytes;
}

/** Reads what a message of the handshake says. */
export function decodePayload<T>(fields: readonly Field[], bytes: Bytes): T {
  return read(fields, bytes, 0) as T;
}

export function encodePayload(fields: readonly Field[], payload: object): Bytes {
  return write(fields, payload as Record<string, unknown>, null);
}

function read(fields: readonly Field[], bytes: Bytes, position: number): Record<string, unknown> {
  const reader = new Reader(bytes, position);
  const values: Record<string, unknown> = {};
  try {
    for (const field of fields) values[field.name] = reader.field(field);
  } catch (error) {
    // The rules of fields have the same names in both protocols.
    throw error instanceof ProtocolError ? new LinkError(error.fault as Fault) : error;
  }

  if (!reader.isAtEnd) throw new LinkError('TrailingBytes');
  return values;
}

function write(fields: readonly Field[], values: Record<string, unknown>, type: number | null): Bytes {
  const writer = new Writer();
  if (type !== null) writer.integer(type);
  for (const field of fields) {
    const value = values[field.name];
    const length = typeof value === 'string' ? utf8Length(value) : value instanceof Uint8Array ? value.length : null;
    if (length !== null && ((field.max !== undefined && length > field.max) || (field.kind === 'bytes' && length !== field.max))) {
      throw new RangeError(`${field.name} has ${length} bytes, which are not the ${field.max} that there may be.`);
    }

    if (typeof value === 'number' && (value < (field.min ?? 0) || value > (field.max ?? Number.MAX_SAFE_INTEGER))) throw new RangeError(`${field.name} is not ${value}.`);
    writer.field(field, value);
  }

  return writer.end();
}

/** The plaintext of an envelope: lengths of words are nobody's business. */
export function pad(message: Bytes): Bytes {
  const writer = new Writer();
  writer.integer(message.length);
  writer.bytes(message);
  const bytes = writer.end();
  const padded = new Uint8Array(Math.ceil(bytes.length / PADDING_BYTES) * PADDING_BYTES);
  padded.set(bytes);
  return padded;
}

export function unpad(plaintext: Bytes): Bytes {
  if (plaintext.length % PADDING_BYTES !== 0) throw new LinkError('BadPadding');
  const reader = new Reader(plaintext, 0);
  let message: Bytes;
  try {
    const length = reader.integer();
    if (length > MAX_MESSAGE_BYTES) throw new LinkError('MessageTooLarge');
    message = reader.take(length);
  } catch (error) {
    throw error instanceof ProtocolError ? new LinkError('BadPadding') : error;
  }

  const padding = reader.rest();
  if (padding.length >= PADDING_BYTES || padding.some((byte) => byte !== 0)) throw new LinkError('BadPadding');
  return message;
}

const encoder = new TextEncoder();

function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

/** As much of the beginning of a text as has so many bytes of UTF-8. */
export function fit(text: string, maxBytes: number): string {
  let fitting = '';
  let length = 0;
  for (const character of text) {
    length += utf8Length(character);
    if (length > maxBytes) break;
    fitting += character;
  }

  return fitting;
}
