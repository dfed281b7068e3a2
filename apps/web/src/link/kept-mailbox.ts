import { SessionCode } from '../session/index.ts';
import type { Bytes } from '../session/codec.ts';
import type { Post, Settle } from './post.ts';
import type { Time } from './time.ts';

const FIRST_DELAY = 500;
const MOST_DELAY = 30_000;

export interface Reader {
  delivered(message: Bytes, settle: Settle): void;
  /** Another page has the mailbox now: it is not opened again. */
  takenOver(): void;
}

/** A mailbox that is opened again whenever it is closed, until its owner closes it or another takes it over. */
export class KeptMailbox {
  readonly name: string;
  readonly #post: Post;
  readonly #time: Time;
  readonly #opened: () => void;
  #reader: Reader;
  #failures = 0;
  #timer: unknown = null;
  #isClosed = false;

  /** @param opened Told once, when it is open for the first time. */
  constructor(post: Post, name: string, time: Time, reader: Reader, opened: () => void = () => {}) {
    this.#post = post;
    this.name = name;
    this.#time = time;
    this.#reader = reader;
    this.#opened = opened;
    void this.#open();
  }

  /** From now on another reads it. */
  handTo(reader: Reader): void {
    this.#reader = reader;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) this.#time.clearTimeout(this.#timer);
    this.#post.close(this.name);
  }

  #wasOpened = false;

  async #open(): Promise<void> {
    this.#timer = null;
    const code = await this.#post.open(this.name, {
      delivered: (message, settle) => this.#reader.delivered(message, settle),
      closed: (why) => this.#closed(why),
    });
    if (this.#isClosed) return;
    if (code !== SessionCode.Ok) return this.#again();
    this.#failures = 0;
    if (this.#wasOpened) return;
    this.#wasOpened = true;
    this.#opened();
  }

  #closed(code: number): void {
    if (this.#isClosed) return;
    if (code !== SessionCode.TakenOver) return void (code === SessionCode.Expired ? this.#open() : this.#again());
    this.#isClosed = true;
    this.#reader.takenOver();
  }

  #again(): void {
    if (this.#post.state.ended) return;
    const delay = Math.min(MOST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    this.#timer = this.#time.setTimeout(() => void this.#open(), delay);
  }
}
