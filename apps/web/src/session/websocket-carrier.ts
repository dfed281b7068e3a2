import { delay, type Link } from './carrier.ts';
import { FrameType, SUBPROTOCOL } from './generated.ts';

// Above this the frames wait in the session, where they are counted, and not in the browser.
const MOST_BUFFERED = 1024 * 1024;

// No event tells that the browser has sent what it had.
const DRAIN_INTERVAL = 50;

/** Opens a WebSocket, and rejects when that fails or takes too long. */
export function openWebSocket(Implementation: typeof WebSocket, url: string, timeout: number, stop: AbortSignal): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    if (stop.aborted) return reject(new Error('It was given up.'));
    const socket = new Implementation(url, SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    const fail = (message: string) => {
      settle();
      reject(new Error(message));
      socket.close();
    };
    const timer = setTimeout(() => fail('The WebSocket did not open in time.'), timeout);
    const abort = () => fail('It was given up.');
    const settle = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', abort);
      socket.onopen = socket.onerror = socket.onclose = null;
    };
    socket.onopen = () => {
      settle();
      resolve(socket);
    };
    socket.onerror = socket.onclose = () => fail('The WebSocket could not be opened.');
    stop.addEventListener('abort', abort);
  });
}

/** Moves frames over an open WebSocket until it ends. */
export async function runWebSocket(socket: WebSocket, link: Link): Promise<void> {
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    // A text message is a protocol error, and so is a frame without bytes.
    link.receive(typeof data === 'string' ? new Uint8Array() : new Uint8Array(data));
  };
  socket.onclose = () => link.end();
  try {
    while (!link.ended.aborted) {
      for (let frame = link.take(); frame; frame = link.take()) {
        socket.send(frame.bytes);
        if (frame.type === FrameType.Close) return;
        while (socket.bufferedAmount > MOST_BUFFERED && !link.ended.aborted) await delay(DRAIN_INTERVAL, link.ended);
      }

      if (socket.readyState !== socket.OPEN) return;
      await link.woken();
    }
  } finally {
    socket.onmessage = socket.onclose = null;
    socket.close(1000);
    link.end();
  }
}
