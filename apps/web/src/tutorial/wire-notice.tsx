import type { ComponentChildren } from 'preact';
import { Rich } from '../shared/rich.tsx';
import { text } from './text.ts';
import type { WireObserver } from './wire-observer.ts';

/** Says why a wire panel has nothing to show; shows its content when it has. */
export function WireNotice({ observer, ready, children }: { observer: WireObserver | null; ready: boolean; children: ComponentChildren }) {
  const t = text.value.wire;
  if (ready) return <>{children}</>;
  const message = !observer ? t.before : observer.status.value === 'unavailable' ? t.unavailable : t.opening;
  return <p class="wire-notice"><Rich text={message} /></p>;
}
