import {
  layouts, MAX_INTEGER, MAX_INTEGER_BYTES, MAX_NAME_BYTES, MAX_POSITIONS, faults, type Fault, type Field, type Frame, type Position,
} from './generated.ts';

/** Bytes that are nobody else's, which is what WebSocket and fetch take. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A rule of the protocol that the server, or the caller, has broken. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(faults[fault]);
    this.fault = fault;
  }
}

// A byte order mark is a character like any other here: what was sent is what is read.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A field of this protocol, or of the link protocol, whose primitives are the same and one more. */
export type AnyField = Omit<Field, 'kind'> & { readonly kind: Field['kind'] | 'bytes' };

/** Reads the fields of a frame, or of a body, in order; throws the first rule that is broken. */
export class Reader {
  readonly #bytes: Bytes;
  position: number;

  constructor(bytes: Bytes, position: number) {
    this.#bytes = bytes;
    this.position = position;
  }

  get isAtEnd(): boolean {
    return this.position === this.#bytes.length;
  }

  integer(min = 0, max = MAX_INTEGER): number {
    let value = 0;
    // Not shifts: they are of 32 bits.
    let scale = 1;
    for (let count = 0; ; count++) {
      // Eight bytes are 56 bits: a ninth can only belong to what is too large.
      if (count === MAX_INTEGER_BYTES) throw new ProtocolError('IntegerTooLarge');
      const next = this.#bytes[this.position];
      if (next === undefined) throw new ProtocolError('Truncated');
      this.position++;
      value += (next & 0x7f) * scale;
      scale *= 0x80;
      if (next >= 0x80) continue;
      if (next === 0 && count > 0) throw new ProtocolError('IntegerNotShortest');
      break;
    }

    if (value > MAX_INTEGER) throw new ProtocolError('IntegerTooLarge');
    if (value < min || value > max) throw new ProtocolError('NumberOutOfRange');
    return value;
  }

  take(length: number): Bytes {
    if (length > this.#bytes.length - this.position) throw new ProtocolError('Truncated');
    this.position += length;
    // A copy, so that a payload's buffer is the payload and nothing else.
    return this.#bytes.slice(this.position - length, this.position);
  }

  rest(): Bytes {
    return this.take(this.#bytes.length - this.position);
  }

  text(min: number, max: number): string {
    const length = this.integer();
    // Judged before the bytes are there, so that the fault does not depend on where a frame was cut.
    if (length > max) throw new ProtocolError('StringTooLong');
    if (length < min) throw new ProtocolError('StringTooShort');
    const bytes = this.take(length);
    try {
      return strict.decode(bytes);
    } catch {
      throw new ProtocolError('InvalidUtf8');
    }
  }

  positions(): Position {
    const count = this.integer();
    if (count > MAX_POSITIONS) throw new ProtocolError('TooManyPositions');
    const position = new Map<number, number>();
    for (let i = 0; i < count; i++) {
      const origin = this.integer(1, 0xffffffff);
      if (position.has(origin)) throw new ProtocolError('RepeatedOrigin');
      position.set(origin, this.integer());
    }

    return [...position];
  }

  field({ kind, min, max, mask = 0 }: AnyField): unknown {
    switch (kind) {
      case 'varint': return this.integer(min, max);
      case 'code': return this.integer(0, 255);
      case 'origin': return this.integer(1, 0xffffffff);
      case 'flags': return this.#flags(mask);
      case 'fixed64': return new DataView(this.take(8).buffer).getBigUint64(0);
      case 'string': return this.text(min ?? 0, max ?? 0);
      case 'name': return this.#name();
      case 'positions': return this.positions();
      case 'bytes': return this.take(max ?? 0);
      case 'payload': return this.rest();
    }
  }

  #flags(mask: number): number {
    const flags = this.integer();
    if (flags > 0x7f || (flags & ~mask) !== 0) throw new ProtocolError('ReservedFlag');
    return flags;
  }

  #name(): string {
    const name = this.text(1, MAX_NAME_BYTES);
    if (hasControl(name)) throw new ProtocolError('ControlCharacterInName');
    return name;
  }
}

export class Writer {
  #bytes = new Uint8Array(128);
  #length = 0;

  integer(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not an integer from 0 to 2^53 - 1.`);
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.#byte((value % 0x80) | 0x80);
    this.#byte(value);
  }

  bytes(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  text(text: string): void {
    const bytes = encoder.encode(text);
    this.integer(bytes.length);
    this.bytes(bytes);
  }

  field({ kind }: AnyField, value: unknown): void {
    switch (kind) {
      case 'fixed64': {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setBigUint64(0, value as bigint);
        return this.bytes(bytes);
      }
      case 'string':
      case 'name': return this.text(value as string);
      case 'bytes':
      case 'payload': return this.bytes(value as Uint8Array);
      case 'positions': {
        const position = value as Position;
        this.integer(position.length);
        for (const [origin, offset] of position) {
          this.integer(origin);
          this.integer(offset);
        }

        return;
      }
      default: return this.integer(value as number);
    }
  }

  end(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  #byte(value: number): void {
    this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  #grow(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#length + count, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads a whole frame. */
export function decodeFrame(bytes: Bytes): Frame {
  const type = bytes[0];
  if (type === undefined) throw new ProtocolError('EmptyFrame');
  const layout = layouts[type];
  if (!layout) throw new ProtocolError('UnknownType');
  const reader = new Reader(bytes, 1);
  const frame: Record<string, unknown> = { type };
  for (const field of layout.fields) {
    if (field.when && ((frame['flags'] as number) & field.when) === 0) continue;
    frame[field.name] = reader.field(field);
  }

  if (!reader.isAtEnd) throw new ProtocolError('TrailingBytes');
  return frame as unknown as Frame;
}

/** Writes a frame. The flags say which of its optional fields are there. */
export function encodeFrame(frame: Frame): Bytes {
  const writer = new Writer();
  writer.integer(frame.type);
  const values = frame as unknown as Record<string, unknown>;
  for (const field of layouts[frame.type]!.fields) {
    if (field.when && ((values['flags'] as number) & field.when) === 0) continue;
    writer.field(field, values[field.name]);
  }

  return writer.end();
}

/** Reads the body of an HTTP carrier: the number of its first reliable frame, and its frames, which are not looked into. */
export function decodeBody(body: Bytes, maxFrame: number): { first: number; frames: Bytes[] } {
  const reader = new Reader(body, 0);
  const first = reader.integer();
  const frames: Bytes[] = [];
  while (!reader.isAtEnd) {
    const length = reader.integer();
    if (length === 0) throw new ProtocolError('EmptyFrame');
    if (length > maxFrame) throw new ProtocolError('FrameTooLarge');
    frames.push(reader.take(length));
  }

  return { first, frames };
}

/** Writes the body of an HTTP carrier. */
export function encodeBody(first: number, frames: readonly Bytes[]): Bytes {
  const writer = new Writer();
  writer.integer(first);
  for (const frame of frames) {
    writer.integer(frame.length);
    writer.bytes(frame);
  }

  return writer.end();
}

/** The bytes of a payload, whose flag for text is set where it was a string. */
export function payloadOf(data: string | Uint8Array): Bytes {
  return typeof data === 'string' ? encoder.encode(data) : Uint8Array.from(data);
}

/** Throws where a topic or a mailbox cannot have this name. */
export function checkName(name: string): void {
  checkText(name, MAX_NAME_BYTES, 'A name');
  if (name === '') throw new TypeError('A name is not empty.');
  if (hasControl(name)) throw new TypeError('A name has no control characters.');
}

/** Throws where a text is too long, or half of a surrogate pair is missing. */
export function checkText(text: string, maxBytes: number, what: string): void {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError(`${what} is Unicode: half of a surrogate pair is missing.`);
  if (encoder.encode(text).length > maxBytes) throw new TypeError(`${what} has at most ${maxBytes} bytes of UTF-8.`);
}

export function isReliable(type: number): boolean {
  return layouts[type]?.reliable ?? false;
}

/** The rule that a frame's type breaks when it comes from the server. */
export function judge(type: number | undefined): Fault | null {
  if (type === undefined) return 'EmptyFrame';
  const layout = layouts[type];
  if (!layout) return 'UnknownType';
  return layout.direction === 'up' ? 'WrongDirection' : null;
}

function hasControl(name: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(name);
}
