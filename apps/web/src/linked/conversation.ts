import { batch, signal } from '@preact/signals';
import { ChatFlags, MAX_FILE_NAME_BYTES, MAX_TEXT_BYTES, MAX_TEXT_UNITS, MessageType, type ChatMessage, type Link, type LinkState, type Message } from '../link/index.ts';
import { ChatLog, type StoredChat } from '../link/chat-log.ts';
import { TextReceiver, TextSender, type StoredText, type TextView } from '../link/text-sync.ts';
import { randomUuid } from '../shared/uuid.ts';
import { cutToBytes } from './file-name.ts';
import { Files, type FileEntry, type StoredFile } from './files.ts';

/** A message as the page shows it. */
export interface ChatEntry {
  readonly kind: 'chat';
  readonly key: string;
  readonly isMine: boolean;
  readonly id: number;
  readonly text: string;
  readonly time: number;
  readonly isClipboard: boolean;
}

export type Entry = ChatEntry | FileEntry;

interface Stored {
  /** A name of its own, for what several tabs with a copy of this must agree on. */
  readonly id: string;
  readonly mine: StoredText;
  readonly theirs: StoredText;
  readonly chat: StoredChat;
  readonly entries: readonly Entry[];
  readonly files?: readonly StoredFile[];
}

// What is kept over a reload of what was said, in characters: browsers give a page about 5 MB.
const MOST_STORED = 500_000;

/** Entries that the page shows; older ones go. */
const MOST_ENTRIES = 500;

/** How long what is typed may be unsaved, in milliseconds: what a reload at the wrong moment loses. */
const SAVE_DELAY = 300;

/** What the two ends of a link do with each other: two texts, messages and files. */
export class Conversation {
  readonly link: Link;
  readonly status = signal<LinkState>(null as unknown as LinkState);
  readonly mine = signal<TextView>({ content: '', compositionStart: 0, compositionEnd: 0 });
  readonly theirs = signal<TextView>({ content: '', compositionStart: 0, compositionEnd: 0 });
  readonly isMineSeen = signal(true);
  readonly entries = signal<readonly Entry[]>([]);
  readonly unseen = signal<ReadonlySet<number>>(new Set());
  /** Why the clipboard could not be sent. */
  readonly notice = signal<'clipboardDenied' | 'clipboardEmpty' | null>(null);
  readonly files: Files;
  /** When the other end has linked again by its key, in milliseconds since 1970; null: it has not. */
  readonly relinkedAt: number | null;
  readonly #key: string;
  readonly #id: string;
  readonly #sender: TextSender;
  readonly #receiver: TextReceiver;
  readonly #chat: ChatLog;
  readonly #stops: (() => void)[] = [];
  #saving: ReturnType<typeof setTimeout> | null = null;
  #isFlushing = false;
  #isOver = false;

  /**
   * @param key Where the tab keeps what was said, for a reload; what was kept of another link is dropped unless isResumed.
   * @param before The conversation over the link that this one replaces: it is shown on, and what the other end has not seen is sent again.
   */
  constructor(link: Link, key: string, isResumed: boolean, before: Conversation | null = null) {
    this.link = link;
    this.#key = key;
    const stored = before ? before.#legacy : isResumed ? load(key) : null;
    if (!isResumed) erase(key);
    this.#id = stored?.id ?? randomUuid();
    this.#sender = new TextSender((message) => link.send(message), stored?.mine);
    this.#receiver = new TextReceiver((message) => link.send(message), stored?.theirs);
    this.#chat = new ChatLog((message) => link.send(message), stored?.chat);
    this.entries.value = stored?.entries ?? [];
    this.files = new Files(link, (entry) => this.#add(entry), stored?.files, before?.files);
    this.relinkedAt = before ? Date.now() : null;
    if (before) this.#save();
    this.#show();
    this.#stops.push(
      link.subscribe((state) => {
        this.status.value = state;
        if (state.status === 'ended') this.#end(state.end?.why === 'replaced' && state.end.byUs);
      }),
      link.onMessage((message) => this.#receive(message)),
      link.onSync(({ restarted }) => this.#sync(restarted)),
    );
    const hide = () => this.#save();
    addEventListener('pagehide', hide);
    this.#stops.push(() => removeEventListener('pagehide', hide));
    link.start();
  }

  /** The text field has changed. */
  type(content: string, compositionStart = 0, compositionEnd = 0): void {
    if (content.length > MAX_TEXT_UNITS) this.#sender.change(content.slice(0, MAX_TEXT_UNITS));
    else this.#sender.change(content, compositionStart, compositionEnd);
    this.#show();
    this.#saveSoon();
  }

  /** Sends a message. False: too many wait for the other end. What is too long for a message goes as a file. */
  say(text: string, isClipboard = false): boolean {
    if (!this.#chat.hasRoom) return false;
    if (new TextEncoder().encode(text).length > MAX_TEXT_BYTES) {
      this.files.send([new File([text], `${cutToBytes(text.trim().slice(0, 24), MAX_FILE_NAME_BYTES - 8) || 'text'}.txt`, { type: 'text/plain' })]);
      return true;
    }

    const message = this.#chat.say(text, Date.now(), isClipboard, lastSent(this.#id));
    noteSent(this.#id, message.id);
    this.#addChat(message, true);
    return true;
  }

  /** The page leaves the link as it is. */
  dispose(): void {
    this.#save();
    this.files.dispose();
    this.#stopAll();
  }

  #receive(message: Message): void {
    batch(() => {
      switch (message.type) {
        case MessageType.TextState:
          if (!this.#receiver.state(message)) return this.link.fail('a text is too long, or its composition is not inside of it');
          return this.#shown();
        case MessageType.TextEdit:
          this.#receiver.edit(message);
          return this.#shown();
        case MessageType.TextSeen:
          this.#sender.seen(message.revision);
          return this.#show();
        case MessageType.TextWant:
          return this.#sender.wanted();
        case MessageType.Chat:
          if (this.#chat.receive(message)) this.#addChat(message, false);
          return;
        case MessageType.ChatSeen:
          this.#chat.seen(message.id);
          this.#show();
          return this.#saveSoon();
        default:
          this.files.receive(message);
      }
    });
  }

  #sync(isRestarted: boolean): void {
    this.#receiver.restart();
    this.#sender.restart();
    this.#chat.restart();
    this.files.sync(isRestarted);
    this.#show();
  }

  #shown(): void {
    this.#show();
    this.#saveSoon();
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // Behind what has come together.
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (!this.#isOver) this.#receiver.flush();
    });
  }

  #show(): void {
    batch(() => {
      this.mine.value = this.#sender.view;
      this.theirs.value = this.#receiver.view;
      this.isMineSeen.value = this.#sender.isSeen;
      this.unseen.value = new Set(this.#chat.stored.unseen.map(({ id }) => id));
    });
  }

  #addChat({ id, text, time, flags }: ChatMessage, isMine: boolean): void {
    this.#add({ kind: 'chat', key: `${this.#id}-${isMine ? 'mine' : 'theirs'}-${id}`, isMine, id, text, time, isClipboard: (flags & ChatFlags.Clipboard) !== 0 });
    this.#show();
    // At once: the other end forgets what was seen.
    this.#save();
  }

  #add(entry: Entry): void {
    this.entries.value = [...this.entries.value.slice(1 - MOST_ENTRIES), entry];
    if (entry.kind === 'file' && entry.isMine) this.#saveSoon();
  }

  #end(isReplaced: boolean): void {
    this.#isOver = true;
    noteSent(this.#id, null);
    this.#stopAll();
    // What was said and not seen is the next conversation's then.
    if (isReplaced) return;
    erase(this.#key);
    this.files.dispose();
  }

  /**
   * What a conversation over another link with the same end begins with. That end has nothing of this one any more: its text is empty, and its messages are numbered anew. This end's go on,
   * so that those which were not seen keep their places.
   */
  get #legacy(): Stored {
    const { sent, unseen } = this.#chat.stored;
    return { id: randomUuid(), mine: this.#sender.stored, theirs: { revision: 0, content: '' }, chat: { sent, received: 0, unseen }, entries: this.entries.value };
  }

  #stopAll(): void {
    if (this.#saving !== null) clearTimeout(this.#saving);
    for (const stop of this.#stops.splice(0)) stop();
  }

  #saveSoon(): void {
    this.#saving ??= setTimeout(() => this.#save(), SAVE_DELAY);
  }

  #save(): void {
    if (this.#saving !== null) clearTimeout(this.#saving);
    this.#saving = null;
    if (this.#isOver) return;
    let room = MOST_STORED;
    const entries = this.entries.value.filter((entry) => entry.kind === 'chat').reverse().filter(({ text }) => (room -= text.length) > 0).reverse();
    const stored: Stored = { id: this.#id, mine: this.#sender.stored, theirs: this.#receiver.stored, chat: this.#chat.stored, entries, files: this.files.stored };
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(stored));
    } catch {
      // Forbidden or full: a reload then loses what was said, and the link goes on.
    }
  }
}

function load(key: string): Stored | null {
  try {
    const stored = sessionStorage.getItem(key);
    return stored === null ? null : JSON.parse(stored) as Stored;
  } catch {
    return null;
  }
}

function erase(key: string): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // There is nothing then.
  }
}

// A tab that is duplicated takes a copy of what was said with it, and the link goes from tab to tab: the number of the last message is kept where all of them see it.
const SENT_KEY = 'tandem.link.sent';
const MOST_SENT = 16;

function sentByAll(): readonly (readonly [string, number])[] {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(SENT_KEY) ?? '[]');
    return Array.isArray(all) ? all.filter((entry): entry is [string, number] => Array.isArray(entry) && typeof entry[0] === 'string' && Number.isSafeInteger(entry[1])) : [];
  } catch {
    return [];
  }
}

function lastSent(id: string): number {
  return sentByAll().find(([other]) => other === id)?.[1] ?? 0;
}

/** null: the link is over. */
function noteSent(id: string, last: number | null): void {
  const all = sentByAll().filter(([other]) => other !== id);
  if (last !== null) all.push([id, last]);
  try {
    if (all.length === 0) localStorage.removeItem(SENT_KEY);
    else localStorage.setItem(SENT_KEY, JSON.stringify(all.slice(-MOST_SENT)));
  } catch {
    // Then each tab counts for itself.
  }
}
