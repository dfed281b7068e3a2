import { useSignal } from '@preact/signals';
import { announce } from '../shared/announcer.tsx';
import { copyText } from './clipboard.ts';
import { text } from './text.ts';

/** How long the button says that it has copied, in milliseconds. */
const SAID = 1500;

/** Copies with one tap, and says so where it was tapped. */
export function CopyButton({ value, label, testId, isPrimary = false }: { value: string; label?: string; testId?: string; isPrimary?: boolean }) {
  const t = text.value;
  const isCopied = useSignal(false);
  const copy = async () => {
    const done = await copyText(value);
    announce(done ? t.copied : t.notCopied);
    if (!done) return;
    isCopied.value = true;
    setTimeout(() => { isCopied.value = false; }, SAID);
  };
  return (
    <button type="button" class={isPrimary ? 'primary' : ''} data-testid={testId} disabled={value === ''} onClick={() => void copy()}>
      {isCopied.value ? `✓ ${t.copied}` : label ?? t.copy}
    </button>
  );
}
