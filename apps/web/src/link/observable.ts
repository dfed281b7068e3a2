/** A state that others follow. States are not changed but replaced. */
export class Observable<T> {
  readonly #listeners = new Set<(state: T) => void>();
  #state: T;

  constructor(state: T) {
    this.#state = state;
  }

  get state(): T { return this.#state; }

  /** Tells the state as it is, and each that follows. Returns what ends that. */
  subscribe(listener: (state: T) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => { this.#listeners.delete(listener); };
  }

  protected set(state: T): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      // What a listener has changed it has told everybody: the older state is nobody's business then.
      if (this.#state !== state) return;
      listener(state);
    }
  }
}
