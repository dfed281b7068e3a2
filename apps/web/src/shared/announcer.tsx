import { signal, type ReadonlySignal } from '@preact/signals';

const announcement = signal('');

/** What was said last, for who reads it on the page. */
export const announced: ReadonlySignal<string> = announcement;

/** Says a text to people who use a screen reader, without moving the focus. */
export function announce(text: string): void {
  // A live region speaks only when its text changes; the trailing blank makes a repetition a change.
  announcement.value = announcement.peek() === text ? `${text}\u00a0` : text;
}

export function Announcer() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite" data-testid="announcer">
      {announcement.value}
    </div>
  );
}
