import { randomBelow } from './bytes.ts';
import { ASLEEP_SECONDS } from './generated.ts';
import type { Time } from './time.ts';

// Each is a message both ways, on a phone's radio.
const INTERVAL = 15_000;

export interface PulseEvents {
  ping(opaque: number): void;
  /** Whether what is sent can be on its way at all: a silence of ours is not the other end's sleep. */
  isConnected(): boolean;
  changed(): void;
}

/** Whether the other end is awake, and how far away it is. */
export class Pulse {
  readonly #time: Time;
  readonly #events: PulseEvents;
  #timer: unknown = null;
  #asked: { readonly opaque: number; readonly at: number } | null = null;
  #isAsleep = false;
  #roundTrip: number | null = null;

  constructor(time: Time, events: PulseEvents) {
    this.#time = time;
    this.#events = events;
  }

  get isAsleep(): boolean { return this.#isAsleep; }
  get roundTrip(): number | null { return this.#roundTrip; }

  /** Asks now. One at a time: as long as one is not answered nothing is asked. */
  start(): void {
    if (!this.#events.isConnected()) return this.#later(INTERVAL, () => this.start());
    const asked = { opaque: randomBelow(0x1_0000), at: this.#time.now() };
    this.#asked = asked;
    this.#events.ping(asked.opaque);
    this.#await(asked);
  }

  stop(): void {
    if (this.#timer !== null) this.#time.clearTimeout(this.#timer);
    this.#timer = null;
  }

  answered(opaque: number): void {
    if (this.#asked?.opaque !== opaque) return;
    this.#roundTrip = Math.max(0, this.#time.now() - this.#asked.at);
    this.#asked = null;
    this.#later(INTERVAL, () => this.start());
    this.#events.changed();
  }

  /** Something of the other end has come. */
  heard(): void {
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    // What it was asked while it slept it answers now, unless that is lost.
    if (this.#asked) this.#await(this.#asked);
    this.#events.changed();
  }

  #await(asked: { readonly opaque: number }): void {
    this.#later(ASLEEP_SECONDS * 1000, () => {
      if (this.#asked !== asked) return;
      if (this.#isAsleep) return;
      if (!this.#events.isConnected()) return this.#await(asked);
      this.#isAsleep = true;
      this.#events.changed();
    });
  }

  #later(milliseconds: number, call: () => void): void {
    this.stop();
    this.#timer = this.#time.setTimeout(call, milliseconds);
  }
}
