import { ChatFlags, MessageType, type ChatMessage, type ChatSeenMessage } from './generated.ts';

/** Messages that wait for the other end, and their characters together. A choice of this end: the protocol has no bound, but all of them are sent again at once. */
const MAX_UNSEEN_CHATS = 256;
const MAX_UNSEEN_UNITS = 250_000;

/** What a page keeps of its chat over a reload. */
export interface StoredChat {
  readonly sent: number;
  readonly received: number;
  readonly unseen: readonly ChatMessage[];
}

const NOTHING: StoredChat = { sent: 0, received: 0, unseen: [] };

/** Messages in both directions: each is kept until it was seen, and shown once. */
export class ChatLog {
  readonly #send: (message: ChatMessage | ChatSeenMessage) => void;
  #sent: number;
  #received: number;
  #unseen: readonly ChatMessage[];

  constructor(send: (message: ChatMessage | ChatSeenMessage) => void, { sent, received, unseen }: StoredChat = NOTHING) {
    this.#send = send;
    this.#sent = sent;
    this.#received = received;
    this.#unseen = unseen;
  }

  get stored(): StoredChat { return { sent: this.#sent, received: this.#received, unseen: this.#unseen }; }
  /** Whether there is room for one more. What the other end does not fetch must not grow for ever. */
  get hasRoom(): boolean {
    return this.#unseen.length < MAX_UNSEEN_CHATS && this.#unseen.reduce((sum, { text }) => sum + text.length, 0) < MAX_UNSEEN_UNITS;
  }

  /**
   * Sends a text. The caller has seen that there is room and that the text is not too long.
   * @param last The id of the last message that this end has sent, where another page may have sent it: an id that was used would be taken for a repetition.
   */
  say(text: string, time: number, isClipboard = false, last = 0): ChatMessage {
    this.#sent = Math.max(this.#sent, last) + 1;
    const message: ChatMessage = { type: MessageType.Chat, id: this.#sent, time, flags: isClipboard ? ChatFlags.Clipboard : 0, text };
    this.#unseen = [...this.#unseen, message];
    this.#send(message);
    return message;
  }

  /** The other end has it. */
  seen(id: number): void {
    this.#unseen = this.#unseen.filter((message) => message.id !== id);
  }

  /** Takes one in. True: it is new, and to be shown. */
  receive({ id }: ChatMessage): boolean {
    this.#send({ type: MessageType.ChatSeen, id });
    if (id <= this.#received) return false;
    this.#received = id;
    return true;
  }

  /** The ends have said HELLO. */
  restart(): void {
    for (const message of this.#unseen) this.#send(message);
  }
}
