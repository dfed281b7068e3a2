import type { Bytes } from './codec.ts';

/**
 * Reads server-sent events of frames: lines `id: NUMBER` and `data: BASE64`, ended by an empty line. Comments and other fields are ignored, as is an event
 * that the end of the stream cuts off.
 */
export class EventStreamReader {
  readonly #decoder = new TextDecoder();
  readonly #frame: (bytes: Bytes, number: number) => void;
  #rest = '';
  #number = 0;
  #data = '';

  constructor(frame: (bytes: Bytes, number: number) => void) {
    this.#frame = frame;
  }

  /** Takes what has arrived. @throws SyntaxError where it is no such stream. */
  take(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line.startsWith('data: ')) this.#data = line.slice(6);
    else if (line.startsWith('id: ')) this.#number = number(line.slice(4));
    else if (line === '' && this.#data !== '') {
      const [bytes, count] = [fromBase64(this.#data), this.#number];
      [this.#data, this.#number] = ['', 0];
      this.#frame(bytes, count);
    }
  }
}

function number(digits: string): number {
  if (!/^\d{1,16}$/.test(digits)) throw new SyntaxError('An id is a number.');
  return Number(digits);
}

function fromBase64(text: string): Bytes {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new SyntaxError('A frame is base64.');
  }

  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
