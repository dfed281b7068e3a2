/** Something that a session tells, in the order of the stream. A payload that was sent as text is a string. */
export type SessionNotice =
  /** There is a session. Not resumed: it is a new one; where there was one before, its subscriptions and mailboxes are restored. */
  | { readonly type: 'opened'; readonly resumed: boolean }
  /** The session that there was is lost, and a new one takes its place. So many messages to the application may or may not have arrived; they are not sent again. */
  | { readonly type: 'lost'; readonly unconfirmedMessages: number }
  /** An event of a topic. key: what it is the latest state of. */
  | { readonly type: 'event'; readonly topic: string; readonly key: string | undefined; readonly data: Payload }
  /** Events of a topic are missing here. missed: how many; 0: not known, perhaps none. */
  | { readonly type: 'gap'; readonly topic: string; readonly missed: number }
  /** How many subscribers a topic has, this one among them. */
  | { readonly type: 'presence'; readonly topic: string; readonly count: number }
  /** A subscription could not be restored in the new session. */
  | { readonly type: 'unsubscribed'; readonly topic: string; readonly code: number }
  /** A message of a mailbox, to be settled. */
  | { readonly type: 'delivery'; readonly mailbox: string; readonly delivery: number; readonly redelivered: boolean; readonly data: Payload }
  /** A mailbox is no longer open here. */
  | { readonly type: 'mailboxClosed'; readonly mailbox: string; readonly code: number }
  /** A message of the application on the server. */
  | { readonly type: 'message'; readonly data: Payload };

export type Payload = string | Uint8Array<ArrayBuffer>;
