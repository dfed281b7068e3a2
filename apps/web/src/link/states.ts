import type { CarrierName } from '../session/index.ts';
import { EndCode } from './generated.ts';
import type { Link } from './link.ts';

/** Who is at the other end, as it says itself. */
export interface Peer {
  readonly name: string;
  readonly platform: string;
}

/** Who asks for the link, as the computer says. address: what its server has told it of its own; empty: not known. loginId: set where it is about a login. */
export interface Asker {
  readonly origin: string;
  readonly browser: string;
  readonly address: string;
  readonly loginId: string | null;
}

const whyEnded = {
  [EndCode.Unlinked]: 'unlinked',
  [EndCode.WrongNumber]: 'wrongNumber',
  [EndCode.NoneOfThese]: 'noneOfThese',
  [EndCode.SecondClaim]: 'secondClaim',
  [EndCode.TooSlow]: 'tooSlow',
  [EndCode.ProtocolError]: 'protocolError',
  [EndCode.Refused]: 'refused',
  [EndCode.Replaced]: 'replaced',
} as const;

/**
 * Why there is no link (any more): what END says (`refused`: the phone's owner does not want it; `denied`: the computer's), or `noSuchCode` (the code is no longer valid), `noAnswer` (the
 * computer has not answered in time), `tooManyTries` (the server takes no more claims for now), `forged` (what was
 * revealed is not what was committed to: somebody is between the ends), `takenOver` (another page has the inbox), `unreachable` (the server did not take it).
 */
export type Why = typeof whyEnded[keyof typeof whyEnded] | 'denied' | 'noSuchCode' | 'noAnswer' | 'tooManyTries' | 'forged' | 'takenOver' | 'unreachable';

/** What a code of END means that this end has said. One of a later version: the link is over in any case. */
export function whyOf(code: number, by: 'computer' | 'phone'): Why {
  if (code === EndCode.Refused && by === 'computer') return 'denied';
  return (whyEnded as Readonly<Record<number, Why>>)[code] ?? 'unlinked';
}

/** Whether somebody may be trying something: not to be shown as an ordinary failure. */
export function isAlarm(why: Why): boolean {
  return why === 'secondClaim' || why === 'forged';
}

export interface End {
  readonly why: Why;
  /** For people who read logs. */
  readonly reason: string;
  readonly byUs: boolean;
}

/** The pairing as the computer sees it. Times are in milliseconds since 1970. */
export type ComputerState =
  | { readonly step: 'starting' }
  | { readonly step: 'showing'; readonly secret: string; readonly url: string; readonly changesAt: number; readonly failedClaims: number }
  | { readonly step: 'claimed'; readonly phone: Peer; readonly deadline: number }
  | { readonly step: 'numbered'; readonly phone: Peer; readonly number: string; readonly deadline: number }
  /** replaced: the phone has linked again by its key, and what it has not seen of the link before goes over this one. */
  | { readonly step: 'linked'; readonly phone: Peer; readonly link: Link; readonly resumed: boolean; readonly replaced: boolean }
  | { readonly step: 'dead'; readonly why: Why; readonly alarm: boolean; readonly phone: Peer | null; readonly reason: string };

/** The pairing as the phone sees it. */
export type PhoneState =
  | { readonly step: 'idle' }
  | { readonly step: 'claiming'; readonly deadline: number }
  | { readonly step: 'asked'; readonly computer: Asker; readonly deadline: number }
  | { readonly step: 'choosing'; readonly computer: Asker; readonly numbers: readonly [string, string, string]; readonly deadline: number }
  | { readonly step: 'linked'; readonly computer: Asker | null; readonly link: Link; readonly resumed: boolean }
  | { readonly step: 'dead'; readonly why: Why; readonly alarm: boolean; readonly computer: Asker | null; readonly reason: string };

export interface LinkState {
  /**
   * `asleep`: the other end does not answer; what is sent waits for it. `takenOver`: another page has this link now. `lost`: there is no session any more; over another one the link
   * can be resumed.
   */
  readonly status: 'open' | 'asleep' | 'ended' | 'takenOver' | 'lost';
  /** Whether the other end has said HELLO since this one started. */
  readonly greeted: boolean;
  readonly peer: Peer;
  /** Most bytes of a FILE-CHUNK's payload that the other end takes. */
  readonly maxChunk: number;
  /** What moves the session to the server; null: nothing does. */
  readonly carrier: CarrierName | null;
  /** Of the last PING, in milliseconds. */
  readonly roundTrip: number | null;
  /** Bytes of messages that the server has not stored yet. */
  readonly waiting: number;
  /** The code of the session protocol with which the server did not take the last envelope; 0: it did. */
  readonly problem: number;
  /** Envelopes that did not open. */
  readonly dropped: number;
  /** `offered`: by us; `asked`: by the other end. */
  readonly trust: 'none' | 'offered' | 'asked' | 'agreed';
  readonly end: End | null;
}
