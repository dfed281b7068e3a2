import { Session, SessionCode, SessionEndedError, type CarrierName, type SessionNotice, type SessionOptions } from '../session/index.ts';
import type { Bytes } from '../session/codec.ts';
import { Observable } from './observable.ts';

/** What is needed of a session. */
export type MailboxSession = Pick<Session, 'carrier' | 'openMailbox' | 'closeMailbox' | 'sendToMailbox' | 'settle' | 'read' | 'close'>;

export interface PostState {
  /** What moves the session at the moment; null: nothing does. */
  readonly carrier: CarrierName | null;
  /** Why there is no session any more and will be none. */
  readonly ended: Error | null;
}

/** Settles a delivery: it does not come again. */
export type Settle = () => void;

/** Who has a mailbox open. */
export interface Consumer {
  delivered(message: Bytes, settle: Settle): void;
  /** It is no longer open here, and nobody asked for that. code: TakenOver, Expired or Unavailable (SessionCode). */
  closed(code: number): void;
}

/** The mailboxes of one session, each with its consumer. It is the only one that reads the session. */
export class Post extends Observable<PostState> {
  readonly #session: MailboxSession;
  readonly #consumers = new Map<string, Consumer>();
  // What is opened or closed twice in a row is done in that order.
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #stop = new AbortController();
  // Deliveries of a session that is lost are settled in none.
  #sessions = 0;

  /** Connects a session of its own. Rejects as Session.connect does. */
  static async connect(base: string | URL, options: SessionOptions = {}): Promise<Post> {
    let post: Post | null = null;
    const session = new Session(base, {
      ...options,
      onCarrier: (carrier) => {
        options.onCarrier?.(carrier);
        post?.set({ ...post.state, carrier });
      },
    });
    await session.connect();
    post = new Post(session);
    return post;
  }

  constructor(session: MailboxSession) {
    super({ carrier: session.carrier, ended: null });
    this.#session = session;
    void this.#read();
  }

  /** Opens a mailbox. Resolves to Ok, or why not (SessionCode); Unavailable where there is no session any more. */
  open(mailbox: string, consumer: Consumer): Promise<number> {
    this.#consumers.set(mailbox, consumer);
    return this.#inTurn(mailbox, async () => {
      if (this.#consumers.get(mailbox) !== consumer) return SessionCode.Ok;
      const code = await this.#session.openMailbox(mailbox);
      if (code !== SessionCode.Ok && this.#consumers.get(mailbox) === consumer) this.#consumers.delete(mailbox);
      return code;
    });
  }

  /** Gives a mailbox up, at once as seen from here: nothing that comes from it is told any more. */
  close(mailbox: string): void {
    if (!this.#consumers.delete(mailbox)) return;
    void this.#inTurn(mailbox, () => this.#session.closeMailbox(mailbox));
  }

  /** Puts a message into a mailbox. Resolves to Ok when it is stored, or why not (SessionCode); Unavailable where there is no session any more. */
  send(mailbox: string, message: Uint8Array): Promise<number> {
    return orUnavailable(this.#session.sendToMailbox(mailbox, message));
  }

  /** Ends the session. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#session.close();
  }

  #inTurn(mailbox: string, act: () => Promise<number>): Promise<number> {
    const turn = (this.#last.get(mailbox) ?? Promise.resolve()).then(() => orUnavailable(act()));
    this.#last.set(mailbox, turn);
    void turn.then(() => { if (this.#last.get(mailbox) === turn) this.#last.delete(mailbox); });
    return turn;
  }

  async #read(): Promise<void> {
    try {
      for await (const notice of this.#session.read({ signal: this.#stop.signal })) this.#tell(notice);
      this.set({ carrier: null, ended: new SessionEndedError(SessionCode.Ok, 'it was closed') });
    } catch (error) {
      this.set({ carrier: null, ended: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #tell(notice: SessionNotice): void {
    if (notice.type === 'opened') {
      if (!notice.resumed) this.#sessions++;
    } else if (notice.type === 'delivery') {
      const { mailbox, delivery, data } = notice;
      const session = this.#sessions;
      const settle = () => { if (session === this.#sessions) this.#session.settle({ mailbox, delivery }); };
      // What the ends say to each other are bytes. A text is somebody else's, and must not come again.
      if (typeof data === 'string') settle();
      else this.#consumers.get(mailbox)?.delivered(data, settle);
    } else if (notice.type === 'mailboxClosed') {
      const consumer = this.#consumers.get(notice.mailbox);
      this.#consumers.delete(notice.mailbox);
      consumer?.closed(notice.code);
    }
  }
}

function orUnavailable(asked: Promise<number>): Promise<number> {
  return asked.catch((error: unknown) => {
    if (error instanceof SessionEndedError) return SessionCode.Unavailable;
    throw error;
  });
}
