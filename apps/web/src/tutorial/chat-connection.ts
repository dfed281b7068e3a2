import { signal } from '@preact/signals';

/** The properties of a WebSocket that change or are learnt while it lives. */
export interface LiveProperties {
  readyState: number;
  bufferedAmount: number;
  highestBufferedAmount: number;
  protocol: string;
  extensions: string;
  binaryType: BinaryType;
  url: string;
}

export interface ConnectionEvents {
  open(): void;
  message(data: string | ArrayBuffer): void;
  error(): void;
  close(event: CloseEvent): void;
}

/** One WebSocket whose properties can be watched. The four events go to the caller unchanged. */
export class ChatConnection {
  readonly live;
  #socket: WebSocket;

  /** Throws a SyntaxError, as the browser does, for a subprotocol that is no token or is named twice. */
  constructor(url: string, subprotocols: string[], events: ConnectionEvents) {
    this.#socket = new WebSocket(url, subprotocols);
    // The default "blob" could be read only later; an ArrayBuffer is there at once.
    this.#socket.binaryType = 'arraybuffer';
    this.live = signal<LiveProperties>(this.#sample(0));

    this.#socket.onopen = () => { this.sample(); events.open(); };
    this.#socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => events.message(event.data);
    this.#socket.onerror = () => { this.sample(); events.error(); };
    this.#socket.onclose = (event) => { this.sample(); events.close(event); };
    this.#watch();
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
    this.sample();
  }

  /** Throws, as the browser does, for a code other than 1000 and 3000-4999 or a reason beyond 123 bytes. */
  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
    this.sample();
  }

  /** No event tells of bufferedAmount, so it must be read again and again. */
  sample(): void {
    const before = this.live.peek();
    const now = this.#sample(before.highestBufferedAmount);
    const changed = (Object.keys(now) as (keyof LiveProperties)[]).some((name) => now[name] !== before[name]);
    if (changed) this.live.value = now;
  }

  #watch(): void {
    this.sample();
    if (this.#socket.readyState !== WebSocket.CLOSED) requestAnimationFrame(() => this.#watch());
  }

  #sample(highest: number): LiveProperties {
    const { readyState, bufferedAmount, protocol, extensions, binaryType, url } = this.#socket;
    const highestBufferedAmount = Math.max(highest, bufferedAmount);
    return { readyState, bufferedAmount, highestBufferedAmount, protocol, extensions, binaryType, url };
  }
}
