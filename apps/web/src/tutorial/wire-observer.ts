import { signal } from '@preact/signals';
import { socketUrl } from './socket-url.ts';
import { parseWireMessage, type CloseMessage, type FrameMessage, type HandshakeMessage } from './wire-messages.ts';

export interface ObservedFrame extends FrameMessage {
  number: number;
  time: Date;
}

export type ObserverStatus = 'opening' | 'open' | 'unavailable';

const KEPT_FRAMES = 20;
const OPENING_LIMIT_MS = 3000;
/** The last reports may still be under way when the observed connection closes. */
const LINGER_MS = 1500;

/**
 * A second WebSocket over which the server reports what it saw on the first one. JavaScript cannot see
 * the handshake, the frame headers or the masking keys of its own connections; the server can.
 */
export class WireObserver {
  readonly status = signal<ObserverStatus>('opening');
  readonly handshake = signal<HandshakeMessage | null>(null);
  readonly frames = signal<readonly ObservedFrame[]>([]);
  readonly close = signal<CloseMessage | null>(null);

  /** Fulfilled when the observer is open or has failed: the observed connection must not begin earlier. */
  readonly ready: Promise<void>;

  #socket: WebSocket;
  #count = 0;

  constructor(id: string) {
    this.#socket = new WebSocket(socketUrl('/wire', { id }));
    this.ready = new Promise((resolve) => {
      const settle = (status: ObserverStatus) => {
        if (this.status.value === 'opening') this.status.value = status;
        resolve();
      };
      this.#socket.onopen = () => settle('open');
      this.#socket.onclose = () => settle('unavailable');
      setTimeout(() => {
        settle('unavailable');
        if (this.status.value === 'unavailable') this.#socket.close();
      }, OPENING_LIMIT_MS);
    });
    this.#socket.onmessage = (event: MessageEvent<unknown>) => {
      if (typeof event.data === 'string') this.#take(event.data);
    };
  }

  stopSoon(): void {
    setTimeout(() => this.stop(), LINGER_MS);
  }

  stop(): void {
    this.#socket.close(1000);
  }

  #take(text: string): void {
    const message = parseWireMessage(text);
    if (message?.type === 'handshake') this.handshake.value = message;
    if (message?.type === 'close') this.close.value = message;
    if (message?.type === 'frame') {
      const frame = { ...message, number: ++this.#count, time: new Date() };
      this.frames.value = [...this.frames.value, frame].slice(-KEPT_FRAMES);
    }
  }
}
