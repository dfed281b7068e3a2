/** What the server tells once a second, and what follows from two such reports. */

export interface Figures {
  connections: number;
  messagesReceived: number;
  messagesSent: number;
  bytesReceived: number;
  bytesSent: number;
  buffered: number;
  compressionMemory: number;
  dropped: number;
  busySeconds: number[];
  handshakes: Record<string, number>;
}

export interface Connection {
  id: number;
  remote: string;
  path: string;
  state: string;
  buffered: number;
  seconds: number;
  compression: number;
}

export interface Session {
  id: string;
  carrier: 'none' | 'websocket' | 'http';
  subscriptions: number;
  mailboxes: number;
  frames: number;
  bytes: number;
}

export interface Topic {
  name: string;
  subscribers: number;
  history: number;
  waiting: number;
}

export interface Mailbox {
  name: string;
  consumer: boolean;
  messages: number;
  bytes: number;
}

export interface Close {
  code: string;
  initiator: string;
  count: number;
}

export interface Page<Item> {
  total: number;
  items: Item[];
}

export interface Report {
  /** Milliseconds of a clock of the server's that never goes back. */
  time: number;
  figures: Figures;
  closes: Close[];
  connections: Page<Connection> & { silentLoops: number };
  sessions?: Page<Session>;
  topics?: Page<Topic>;
  mailboxes?: Page<Mailbox>;
  links?: { sessions: Page<Session>; tickets?: Page<Mailbox>; inboxes?: Page<Mailbox> };
}

export interface Rates {
  messagesReceived: number;
  messagesSent: number;
  bytesReceived: number;
  bytesSent: number;
  /** The share of its time in which each event loop was not waiting, 0 to 1. */
  busy: number[];
}

/** Per second, between two reports. Null when they do not belong together: the server has been started anew, or no time has passed. */
export function ratesOf(before: Report | null, now: Report): Rates | null {
  if (!before) return null;
  const seconds = (now.time - before.time) / 1000;
  const [a, b] = [before.figures, now.figures];
  if (seconds <= 0 || b.bytesReceived < a.bytesReceived || b.bytesSent < a.bytesSent) return null;
  const rate = (name: 'messagesReceived' | 'messagesSent' | 'bytesReceived' | 'bytesSent') => (b[name] - a[name]) / seconds;
  return {
    messagesReceived: rate('messagesReceived'),
    messagesSent: rate('messagesSent'),
    bytesReceived: rate('bytesReceived'),
    bytesSent: rate('bytesSent'),
    busy: b.busySeconds.map((busy, i) => Math.min(1, Math.max(0, (busy - (a.busySeconds[i] ?? busy)) / seconds))),
  };
}

/** Takes the whole events out of a stream of server-sent events: their data, and what is left of the text. */
export function takeEvents(text: string): { events: string[]; rest: string } {
  const parts = text.split('\n\n');
  const rest = parts.pop() ?? '';
  return { events: parts.filter((part) => part.startsWith('data: ')).map((part) => part.slice(6)), rest };
}
