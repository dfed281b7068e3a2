import { ProtocolError, type Bytes } from './codec.ts';

export interface OutboxFrame {
  readonly type: number;
  readonly bytes: Bytes;
}

/**
 * The reliable frames that are not acknowledged yet: numbers acked + 1 to end, of which those up to sent were given to the present carrier.
 */
export class Outbox {
  #frames: OutboxFrame[] = [];
  #acked = 0;
  #sent = 0;
  // More cannot have been received than any carrier was given.
  #everSent = 0;

  get count(): number {
    return this.#frames.length;
  }

  get hasNext(): boolean {
    return this.#sent < this.#acked + this.#frames.length;
  }

  add(frame: OutboxFrame): void {
    this.#frames.push(frame);
  }

  /** The next frame for the present carrier. */
  take(): (OutboxFrame & { readonly number: number }) | null {
    const frame = this.#frames[this.#sent - this.#acked];
    if (!frame) return null;
    this.#everSent = Math.max(this.#everSent, ++this.#sent);
    return { ...frame, number: this.#sent };
  }

  /**
   * Forgets what the server has received.
   * @param begins Whether a carrier begins with it. Otherwise less than before is old news: over HTTP answers overtake each other.
   */
  acknowledge(received: number, begins = false): void {
    if (received > this.#everSent) throw new ProtocolError('AckOfUnsent');
    if (received < this.#acked) {
      if (begins) throw new ProtocolError('AckGoesBack');
      return;
    }

    this.#frames.splice(0, received - this.#acked);
    this.#acked = received;
    this.#sent = Math.max(this.#sent, received);
  }

  /** Another carrier, or another try on the same: what was not acknowledged is given again. */
  rewind(): void {
    this.#sent = this.#acked;
  }

  /** How many of a type are not acknowledged. */
  countOf(type: number): number {
    return this.#frames.filter((frame) => frame.type === type).length;
  }
}
