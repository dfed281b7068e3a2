import { signal } from '@preact/signals';
import type { TutorialText } from './text.ts';

export type LogKind = 'open' | 'message' | 'error' | 'close' | 'sent' | 'state' | 'note';

/** A row keeps how to say itself, not the words, so that the log follows a change of language. */
export type Saying = (text: TutorialText) => string;

export interface LogRow {
  id: number;
  time: Date;
  kind: LogKind;
  say: Saying;
  /** How many equal events this row stands for. */
  times: number;
  sameAs: string | undefined;
}

const MOST_ROWS = 500;
let lastId = 0;

export const logRows = signal<readonly LogRow[]>([]);

/** Adds a row. Rows with the same `sameAs` in succession become one row with a count. */
export function log(kind: LogKind, say: Saying, sameAs?: string): void {
  const rows = logRows.peek();
  const last = rows.at(-1);
  if (last && sameAs !== undefined && last.kind === kind && last.sameAs === sameAs) {
    logRows.value = [...rows.slice(0, -1), { ...last, times: last.times + 1 }];
    return;
  }
  logRows.value = [...rows, { id: ++lastId, time: new Date(), kind, say, times: 1, sameAs }].slice(-MOST_ROWS);
}

export function clearLog(): void {
  logRows.value = [];
}

/** HH:MM:SS.mmm in the reader's time zone. */
export function clockTime(time: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
