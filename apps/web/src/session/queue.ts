/** What waits for one reader, who waits where there is nothing. */
export class Queue<T> {
  #items: T[] = [];
  #isEnded = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (!this.#isEnded) this.#items.push(item);
    this.#wake?.();
  }

  /** Nothing more comes. With an error it is thrown to the reader behind what is there. */
  end(error: unknown = null): void {
    this.#isEnded = true;
    this.#error = error;
    this.#wake?.();
  }

  /** Reads from the first to the last; what was not read waits for the next reader. */
  async *read(stop?: AbortSignal): AsyncGenerator<T, void, undefined> {
    if (this.#wake) throw new Error('Somebody else is reading.');
    const wake = () => this.#wake?.();
    stop?.addEventListener('abort', wake);
    try {
      while (true) {
        stop?.throwIfAborted();
        const [item] = this.#items.splice(0, 1);
        if (item !== undefined) yield item;
        else if (this.#error) throw this.#error;
        else if (this.#isEnded) return;
        else await new Promise<void>((resolve) => { this.#wake = resolve; });
        this.#wake = null;
      }
    } finally {
      stop?.removeEventListener('abort', wake);
    }
  }
}
