import { SessionCode } from '../session/index.ts';
import type { Bytes } from '../session/codec.ts';
import type { Post } from './post.ts';
import type { Time } from './time.ts';

// Enough that a file does not wait for each answer; what is under way when a mailbox turns out to be full is sent again.
const MOST_UNDER_WAY = 8;

const FIRST_DELAY = 250;
const MOST_DELAY = 30_000;

// When a server that has had too many requests takes some again.
const RELIEF = 10_000;

// A farewell that nobody takes is given up: the other end finds out by itself.
const MOST_FAREWELLS = 5;

interface Parcel {
  /** Seals it; again only when it has to go behind what was sent after it. */
  readonly seal: () => Bytes;
  readonly size: number;
  bytes: Bytes | null;
  /** The server's answer; null: none yet. */
  code: number | null;
}

/** Brings messages into one mailbox, in their order: what the server does not take is sent again, later and later. */
export class Courier {
  readonly #post: Post;
  readonly #mailbox: string;
  readonly #time: Time;
  #changed: () => void = () => {};
  #waiting: Parcel[] = [];
  #underWay: Parcel[] = [];
  #size = 0;
  #problem = 0;
  #failures = 0;
  #retry: unknown = null;
  #isStopped = false;
  #farewell: Parcel | null = null;

  constructor(post: Post, mailbox: string, time: Time) {
    this.#post = post;
    this.#mailbox = mailbox;
    this.#time = time;
  }

  /** Bytes of messages that are not stored. */
  get waiting(): number { return this.#size; }

  /** The code with which the server did not take the last one; 0: it did. */
  get problem(): number { return this.#problem; }

  /** Tells when `waiting` or `problem` is another. */
  onChange(changed: () => void): void { this.#changed = changed; }

  send(seal: () => Bytes, size: number): void {
    if (this.#isStopped || this.#farewell) return;
    this.#waiting.push({ seal, size, bytes: null, code: null });
    this.#size += size;
    this.#pump();
  }

  /** Nothing that waits is sent any more, but this is. */
  farewell(bytes: Bytes): void {
    if (this.#isStopped || this.#farewell) return;
    this.#farewell = { seal: () => bytes, size: bytes.length, bytes, code: null };
    this.#waiting = [this.#farewell];
    if (this.#retry !== null) this.#again();
    else this.#pump();
  }

  /** Sends no more than a farewell. */
  close(): void {
    if (!this.#farewell) this.stop();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
    this.#underWay = [];
    this.#size = 0;
    if (this.#retry !== null) this.#time.clearTimeout(this.#retry);
    this.#retry = null;
  }

  #pump(): void {
    while (!this.#isStopped && this.#retry === null && this.#underWay.length < MOST_UNDER_WAY && !this.#underWay.some(isRefused)) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#underWay.push(next);
      this.#dispatch(next);
    }
  }

  #dispatch(parcel: Parcel): void {
    parcel.code = null;
    parcel.bytes ??= parcel.seal();
    void this.#post.send(this.#mailbox, parcel.bytes).then((code) => {
      parcel.code = code;
      if (!this.#isStopped) this.#answered(code);
    });
  }

  #answered(code: number): void {
    this.#problem = code;
    if (code === SessionCode.Ok) this.#failures = 0;
    while (this.#underWay[0]?.code === SessionCode.Ok) this.#size -= this.#underWay.shift()!.size;
    if (this.#farewell?.code === SessionCode.Ok) return this.stop();
    // Nothing overtakes what was refused, and only when all answers are there is it known what is to be sent again.
    if (this.#underWay.some(isRefused)) {
      if (this.#underWay.every(({ code: answer }) => answer !== null)) this.#retryLater();
    } else {
      this.#pump();
    }

    this.#changed();
  }

  #retryLater(): void {
    this.#failures++;
    if (this.#farewell && this.#failures > MOST_FAREWELLS) return this.stop();
    const least = this.#underWay.some(({ code }) => code === SessionCode.TooManyRequests) ? RELIEF : 0;
    const delay = Math.max(least, Math.min(MOST_DELAY, FIRST_DELAY * 2 ** (this.#failures - 1)));
    this.#retry = this.#time.setTimeout(() => this.#again(), delay);
  }

  #again(): void {
    if (this.#retry !== null) this.#time.clearTimeout(this.#retry);
    this.#retry = null;
    let refused = this.#underWay.filter(isRefused);
    // The receiver takes nothing that is below what it has. What was overtaken is sealed again, and goes behind.
    const isOvertaken = this.#underWay.some(({ code }) => code === SessionCode.Ok);
    for (const { size } of this.#underWay.filter(({ code }) => code === SessionCode.Ok)) this.#size -= size;
    if (this.#farewell) refused = refused.filter((parcel) => parcel === this.#farewell);
    if (isOvertaken && !this.#farewell) for (const parcel of refused) parcel.bytes = null;
    // Otherwise the same bytes: whether they were stored is not always known, and then they are a repetition.
    this.#underWay = refused;
    for (const parcel of refused) this.#dispatch(parcel);
    this.#pump();
  }
}

function isRefused({ code }: Parcel): boolean {
  return code !== null && code !== SessionCode.Ok;
}
