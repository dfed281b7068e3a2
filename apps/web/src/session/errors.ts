import { SessionCode } from './generated.ts';

/** There is no session and there will be none. code: why (SessionCode); reason: for people who read logs. */
export class SessionEndedError extends Error {
  override readonly name = 'SessionEndedError';
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string) {
    super(`The session has ended: ${nameOfCode(code)}${reason && `, ${reason}`}.`);
    this.code = code;
    this.reason = reason;
  }
}

/** The name of a code, such as "Forbidden". */
export function nameOfCode(code: number): string {
  return Object.entries(SessionCode).find(([, value]) => value === code)?.[0] ?? `code ${code}`;
}
