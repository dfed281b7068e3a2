/** The clock and the timers that a link goes by; a test has its own. */
export interface Time {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls once, so many milliseconds later. */
  setTimeout(call: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const browserTime: Time = {
  now: () => Date.now(),
  setTimeout: (call, milliseconds) => setTimeout(call, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
