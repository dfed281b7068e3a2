import { signal } from '@preact/signals';
import { announce } from '../shared/announcer.tsx';
import { toHex, utf8 } from '../shared/bytes.ts';
import { locale } from '../shared/i18n.ts';
import { randomUuid } from '../shared/uuid.ts';
import { ChatConnection } from './chat-connection.ts';
import { log, type Saying } from './event-log.ts';
import { readyStateText } from './ready-state.ts';
import { socketUrl } from './socket-url.ts';
import { text } from './text.ts';
import { WireObserver } from './wire-observer.ts';

/** The one connection that sections 1 to 3 show, the observer that belongs to it, and the last answer. */
export const connection = signal<ChatConnection | null>(null);
export const observer = signal<WireObserver | null>(null);
export const answer = signal('');

let connecting = false;

/** Opens the observer, waits for it, and then opens the connection that it will observe. */
export async function connect(subprotocols: string[]): Promise<void> {
  const current = connection.peek();
  if (connecting) return note((t) => t.demo.stillConnecting);
  if (current && current.readyState !== WebSocket.CLOSED) {
    return note((t) => t.demo.alreadyLive(readyStateText(current.readyState)));
  }

  connecting = true;
  observer.peek()?.stop();
  const id = randomUuid();
  const watcher = new WireObserver(id);
  observer.value = watcher;
  await watcher.ready;
  connecting = false;

  answer.value = '';
  const url = socketUrl('/chat', { lang: locale.peek(), id });
  log('note', (t) => t.log.connecting(url));
  try {
    const next = new ChatConnection(url, subprotocols, {
      open() {
        const { protocol, extensions } = next.live.peek();
        log('open', (t) => t.log.opened(protocol, extensions));
        announceState();
      },
      message: received,
      error() {
        log('error', (t) => t.log.error);
      },
      close({ code, reason, wasClean }) {
        log('close', (t) => t.log.closed(code, reason, wasClean));
        announceState();
        watcher.stopSoon();
      },
    });
    connection.value = next;
  } catch (error) {
    watcher.stop();
    observer.value = null;
    refused(error);
  }
}

export function sendText(data: string): void {
  send(data, (t) => t.log.text(utf8(data).length, data));
}

export function sendBinary(data: Uint8Array<ArrayBuffer>): void {
  send(data, (t) => t.log.binary(data.length, hexStart(data)));
}

/** Enough data to fill the browser's buffer for a moment: 64 messages of 64 KiB. */
export function sendMuch(): void {
  const block = Uint8Array.from({ length: 65536 }, (_, i) => i);
  for (let i = 0; i < 64; i++) {
    const sent = send(block, (t) => t.log.binary(block.length, hexStart(block)), `blast ${block.length}`);
    if (!sent) break;
  }
}

export function close(code: number | undefined, reason: string | undefined): void {
  const current = connection.peek();
  if (!current) return note((t) => t.demo.notConnected);
  try {
    current.close(code, reason);
    const args = [code, reason === undefined ? undefined : JSON.stringify(reason)].filter((arg) => arg !== undefined);
    log('note', (t) => t.log.closeCalled(args.join(', ')));
    announceState();
  } catch (error) {
    refused(error);
  }
}

export function showState(): void {
  const live = connection.peek()?.live.peek();
  log('state', (t) => live ? t.log.state(readyStateText(live.readyState), live.bufferedAmount) : t.live.noState);
  announceState();
}

/** An answer in the old language would surprise after a change of language, so say why it stays. */
export function explainKeptLocale(): void {
  let first = true;
  locale.subscribe(() => {
    if (!first && connection.peek()?.readyState === WebSocket.OPEN) log('note', (t) => t.demo.localeKept);
    first = false;
  });
}

function received(data: string | ArrayBuffer): void {
  if (typeof data === 'string') {
    answer.value = data;
    log('message', (t) => t.log.text(utf8(data).length, data));
    announce(text.peek().demo.answerAnnounced(data));
  } else {
    const bytes = new Uint8Array(data);
    const start = hexStart(bytes);
    log('message', (t) => t.log.binary(bytes.length, start), bytes.length > 1024 ? `${bytes.length} ${start}` : undefined);
  }
}

function send(data: string | Uint8Array<ArrayBuffer>, say: Saying, sameAs?: string): boolean {
  const current = connection.peek();
  if (!current) {
    note((t) => t.demo.notConnected);
    return false;
  }
  try {
    current.send(data);
  } catch (error) {
    refused(error);
    return false;
  }
  const { readyState, bufferedAmount } = current.live.peek();
  if (readyState !== WebSocket.OPEN) {
    note((t) => t.demo.sentInVain(readyStateText(readyState), bufferedAmount));
    return false;
  }
  log('sent', say, sameAs);
  return true;
}

function refused(error: unknown): void {
  note((t) => t.exception(String(error)));
}

/** What the reader must know at once: shown beside the buttons, in the log, and said aloud. */
export const notice = signal<Saying | null>(null);

function note(say: Saying): void {
  notice.value = say;
  log('note', say);
  announce(say(text.peek()));
}

function announceState(): void {
  const live = connection.peek()?.live.peek();
  announce(live ? `${readyStateText(live.readyState)}. ${text.peek().live.states[live.readyState]}` : text.peek().live.noneYet);
}

/** The first bytes in hex, enough to recognise them. */
function hexStart(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, 16), ' ') + (bytes.length > 16 ? ' …' : '');
}
