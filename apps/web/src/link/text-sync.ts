import {
  MAX_EDITS_UNDER_WAY, MAX_TEXT_UNITS, MessageType, type TextEditMessage, type TextSeenMessage, type TextStateMessage, type TextWantMessage,
} from './generated.ts';

/** A text, and which part of it an input method is still composing; equal: none. Positions count UTF-16 code units. */
export interface TextView {
  readonly content: string;
  readonly compositionStart: number;
  readonly compositionEnd: number;
}

/** What a page keeps of a text over a reload. */
export interface StoredText {
  readonly revision: number;
  readonly content: string;
}

/** One replacement that makes a text out of another. */
export interface Replacement {
  readonly position: number;
  readonly deleted: number;
  readonly inserted: string;
}

const EMPTY: TextView = { content: '', compositionStart: 0, compositionEnd: 0 };

/**
 * The one replacement between two texts: what is the same at both ends stays. It cuts no surrogate pair of either text, so that what is deleted and inserted is
 * made of whole characters.
 */
export function difference(before: string, after: string): Replacement {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  if (isInsidePair(before, start) || isInsidePair(after, start)) start--;
  let end = 0;
  while (end < most - start && before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)) end++;
  if (isInsidePair(before, before.length - end) || isInsidePair(after, after.length - end)) end--;
  return { position: start, deleted: before.length - end - start, inserted: after.slice(start, after.length - end) };
}

/** Whether a position is between the halves of a surrogate pair. */
export function isInsidePair(text: string, position: number): boolean {
  return position > 0 && isHigh(text.charCodeAt(position - 1)) && isLow(text.charCodeAt(position));
}

/**
 * The text that this end types. What the other end has not seen is at most 16 edits; what is typed meanwhile becomes one, so that an end that sleeps costs
 * a bounded number of messages.
 */
export class TextSender {
  readonly #send: (message: TextStateMessage | TextEditMessage) => void;
  #view = EMPTY;
  // What the other end has when everything that is under way has arrived.
  #sent = EMPTY;
  #revision = 0;
  #seen = 0;
  // The revision of the state that was sent last. While it was not seen another would say nothing new.
  #state = 0;

  constructor(send: (message: TextStateMessage | TextEditMessage) => void, stored: StoredText = { revision: 0, content: '' }) {
    this.#send = send;
    this.#revision = this.#seen = this.#state = stored.revision;
    this.#view = this.#sent = { ...EMPTY, content: stored.content };
  }

  get view(): TextView { return this.#view; }
  get stored(): StoredText { return { revision: this.#revision, content: this.#view.content }; }
  /** Whether the other end has seen all that was typed. */
  get isSeen(): boolean { return this.#seen === this.#revision && equal(this.#view, this.#sent); }

  /** The text is now this. At most 16,384 code units; half a surrogate pair, which has no UTF-8, is sent as U+FFFD. */
  change(content: string, compositionStart = 0, compositionEnd = 0): void {
    if (content.length > MAX_TEXT_UNITS) throw new RangeError(`A text has at most ${MAX_TEXT_UNITS} code units.`);
    const isComposing = compositionStart < compositionEnd && compositionEnd <= content.length;
    this.#view = isComposing ? { content: wellFormed(content), compositionStart, compositionEnd } : { ...EMPTY, content: wellFormed(content) };
    this.#flush();
  }

  seen(revision: number): void {
    // A state that was stored too late, or a stranger to the rules, may say anything: only what was sent can have been seen.
    if (revision > this.#revision || revision <= this.#seen) return;
    this.#seen = revision;
    this.#flush();
  }

  /** The other end has lost the thread. */
  wanted(): void {
    if (this.#state <= this.#seen) this.#sendState();
  }

  /** The ends have said HELLO: the whole text, if there is one or was. */
  restart(): void {
    if (this.#revision > 0 || this.#view.content !== '') this.#sendState();
  }

  #flush(): void {
    if (equal(this.#view, this.#sent) || this.#revision - this.#seen >= MAX_EDITS_UNDER_WAY) return;
    const { content, ...composition } = this.#view;
    const edit = difference(this.#sent.content, content);
    this.#send({ type: MessageType.TextEdit, baseRevision: this.#revision, ...edit, ...composition });
    this.#revision++;
    this.#sent = this.#view;
  }

  #sendState(): void {
    // A number of its own, so that an answer to what was before cannot be taken for an answer to this.
    this.#revision++;
    this.#sent = this.#view;
    this.#state = this.#revision;
    this.#send({ type: MessageType.TextState, revision: this.#revision, ...this.#view });
  }
}

/** The text that the other end types. */
export class TextReceiver {
  readonly #send: (message: TextSeenMessage | TextWantMessage) => void;
  #view = EMPTY;
  #revision = 0;
  #isWanting = false;
  #owesSeen = false;

  constructor(send: (message: TextSeenMessage | TextWantMessage) => void, stored: StoredText = { revision: 0, content: '' }) {
    this.#send = send;
    this.#revision = stored.revision;
    this.#view = { ...EMPTY, content: stored.content };
  }

  get view(): TextView { return this.#view; }
  get stored(): StoredText { return { revision: this.#revision, content: this.#view.content }; }

  /** Takes in a state. False: it breaks a rule, and was dropped. */
  state({ revision, content, compositionStart, compositionEnd }: TextStateMessage): boolean {
    if (content.length > MAX_TEXT_UNITS || !isRange(content, compositionStart, compositionEnd)) return false;
    this.#take(revision, { content, compositionStart, compositionEnd });
    this.#isWanting = false;
    return true;
  }

  /** Takes in an edit. False: it does not belong to what is here, so the whole text was asked for. */
  edit({ baseRevision, position, deleted, inserted, compositionStart, compositionEnd }: TextEditMessage): boolean {
    const { content } = this.#view;
    const end = position + deleted;
    const next = end <= content.length ? content.slice(0, position) + inserted + content.slice(end) : null;
    if (
      baseRevision !== this.#revision || next === null || next.length > MAX_TEXT_UNITS || isInsidePair(content, position) || isInsidePair(content, end)
      || !isRange(next, compositionStart, compositionEnd)
    ) {
      if (!this.#isWanting) this.#send({ type: MessageType.TextWant });
      this.#isWanting = true;
      return false;
    }

    this.#take(baseRevision + 1, { content: next, compositionStart, compositionEnd });
    return true;
  }

  /** The ends have said HELLO: what was asked for before may have been lost. */
  restart(): void {
    this.#isWanting = false;
  }

  /** To be called behind what came together: the last of it is answered. */
  flush(): void {
    if (!this.#owesSeen) return;
    this.#owesSeen = false;
    this.#send({ type: MessageType.TextSeen, revision: this.#revision });
  }

  #take(revision: number, view: TextView): void {
    this.#revision = revision;
    this.#view = view;
    this.#owesSeen = true;
  }
}

const equal = (a: TextView, b: TextView) => a.content === b.content && a.compositionStart === b.compositionStart && a.compositionEnd === b.compositionEnd;
const isRange = (content: string, start: number, end: number) => start <= end && end <= content.length;
const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000;

/** As String.prototype.toWellFormed, which browsers have for a short time only. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}
