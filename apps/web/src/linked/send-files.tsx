import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Conversation } from './conversation.ts';
import { text, type Role } from './text.ts';

/** Files by button, by dropping them anywhere, and by pasting. */
export function SendFiles({ conversation, role }: { conversation: Conversation; role: Role }) {
  const t = text.value.linked;
  const files = useRef<HTMLInputElement>(null);
  const photo = useRef<HTMLInputElement>(null);
  const isOver = useSignal(false);
  useEffect(() => {
    const stop = new AbortController();
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const on = <K extends 'dragover' | 'drop' | 'dragleave' | 'paste' | 'beforeunload'>(name: K, listener: (event: WindowEventMap[K]) => void) =>
      addEventListener(name, listener, { signal: stop.signal });
    on('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      isOver.value = true;
    });
    on('dragleave', (event) => { if (event.relatedTarget === null) isOver.value = false; });
    on('drop', (event) => {
      isOver.value = false;
      if (!hasFiles(event)) return;
      event.preventDefault();
      conversation.files.send(event.dataTransfer!.files);
    });
    on('paste', (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      conversation.files.send(event.clipboardData.files);
    });
    on('beforeunload', (event) => { if (conversation.files.isBusy) event.preventDefault(); });
    return () => stop.abort();
  }, [conversation]);
  const chosen = (input: HTMLInputElement) => {
    conversation.files.send(input.files ?? []);
    // The same file once more is a change, too.
    input.value = '';
  };
  return (
    <div class="send-files">
      <button type="button" onClick={() => files.current!.click()} data-testid="choose-files">{t.files}</button>
      <input ref={files} type="file" multiple hidden data-testid="files-input" onChange={(event) => chosen(event.currentTarget)} />
      {role === 'phone' && (
        <>
          <button type="button" onClick={() => photo.current!.click()} data-testid="choose-photo">{t.photo}</button>
          <input ref={photo} type="file" accept="image/*" capture="environment" hidden data-testid="photo-input" onChange={(event) => chosen(event.currentTarget)} />
        </>
      )}
      {role === 'computer' && <span class="hint">{t.drop}</span>}
      {isOver.value && <div class="drop-here" aria-hidden="true">{t.dropHere}</div>}
    </div>
  );
}
