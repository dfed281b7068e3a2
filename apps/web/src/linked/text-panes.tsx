import { effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { announce } from '../shared/announcer.tsx';
import { MAX_TEXT_UNITS } from '../link/index.ts';
import { CopyButton } from './copy-button.tsx';
import { readClipboard } from './clipboard.ts';
import type { Conversation } from './conversation.ts';
import { text, type Role } from './text.ts';

const ENTER_KEY = 'tandem.enterSends';

/** Whether Enter sends: the reader's choice, as far as the browser keeps it. Until then it makes a new line, as in any text. */
const enterSends = signal<boolean | null>(null);

function chosenEnter(): boolean {
  if (enterSends.value !== null) return enterSends.value;
  try {
    const kept = localStorage.getItem(ENTER_KEY);
    return kept === 'true';
  } catch {
    return false;
  }
}

function chooseEnter(choice: boolean): void {
  enterSends.value = choice;
  try {
    localStorage.setItem(ENTER_KEY, String(choice));
  } catch {
    // The choice lasts as long as the page then.
  }
}

/** This end's text: what is typed is there at once, and can be sent as a message. */
export function MyText({ conversation, role }: { conversation: Conversation; role: Role }) {
  const t = text.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const composition = useRef<{ start: number; data: string } | null>(null);
  const isEnterSending = chosenEnter();

  // The field is the browser's own, so that its undo works: it is set once, from what a reload has kept.
  useEffect(() => {
    if (field.current) field.current.value = conversation.mine.value.content;
  }, [conversation]);

  const changed = () => {
    const { value, selectionEnd } = field.current!;
    const { start, data } = composition.current ?? { start: 0, data: '' };
    // The caret is behind what is composed, mostly; and where it began may be before the caret, as when a keyboard takes up a word that was typed before.
    const found = [selectionEnd - data.length, start].find((from) => from >= 0 && value.startsWith(data, from)) ?? 0;
    conversation.type(value, found, value.startsWith(data, found) ? found + data.length : found);
  };
  const ended = () => {
    composition.current = null;
    changed();
  };
  const send = () => {
    const area = field.current!;
    if (area.value.trim() === '') return;
    if (!conversation.say(area.value)) return announce(t.linked.tooMany);
    clear(area);
    composition.current = null;
    changed();
  };
  const key = (event: KeyboardEvent) => {
    // 229: the key belongs to an input method, in browsers that say so in no other way.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229 || !(isEnterSending || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send();
  };
  const clip = async () => {
    const found = await readClipboard();
    if (found === null) {
      announce(t.linked.clipboardDenied);
      conversation.notice.value = 'clipboardDenied';
      field.current?.focus();
    } else if (found.trim() === '') {
      announce(t.linked.clipboardEmpty);
      conversation.notice.value = 'clipboardEmpty';
    } else if (!conversation.say(found, true)) {
      announce(t.linked.tooMany);
    }
  };
  const isEmpty = conversation.mine.value.content === '';
  const { notice } = conversation;
  return (
    <section class="pane mine" aria-labelledby="mine-title">
      <div class="pane-head">
        <h2 id="mine-title"><label for="mine">{t.linked.mine}</label></h2>
        <span class="hint" data-testid="arrival" data-seen={conversation.isMineSeen.value}>
          {isEmpty ? t.linked.mineHint[role] : conversation.isMineSeen.value ? `✓ ${t.linked.arrived}` : t.linked.underway}
        </span>
      </div>
      <textarea
        id="mine" ref={field} data-testid="mine" maxLength={MAX_TEXT_UNITS} rows={5} dir="auto" autocapitalize="sentences"
        onInput={changed} onKeyDown={key} onCompositionEnd={ended}
        onCompositionStart={() => { composition.current = { start: field.current!.selectionStart, data: '' }; }}
        onCompositionUpdate={(event) => { if (composition.current) composition.current.data = event.data; }}
      />
      {conversation.mine.value.content.length >= MAX_TEXT_UNITS && <p class="error">{t.linked.full(MAX_TEXT_UNITS)}</p>}
      {notice.value !== null && <p class="error" data-testid="clipboard-notice">{t.linked[notice.value]}</p>}
      <div class="pane-foot">
        <button type="button" class="primary" data-testid="send" disabled={isEmpty} onClick={send}>{t.linked.send}</button>
        <label class="check">
          <input type="checkbox" role="switch" data-testid="enter-sends" checked={isEnterSending} onChange={(event) => chooseEnter(event.currentTarget.checked)} />
          {t.linked.enterSends}
        </label>
        <button type="button" data-testid="send-clipboard" onClick={() => { notice.value = null; void clip(); }}>{t.linked.clipboard}</button>
      </div>
    </section>
  );
}

/** Empties the field by an edit that its undo knows: what was sent by mistake is one Ctrl+Z away. */
function clear(area: HTMLTextAreaElement): void {
  area.focus();
  area.select();
  if (!document.execCommand('delete')) area.value = '';
}

/** How long nothing must have been typed until a screen reader is told what there is, in milliseconds. */
const SETTLED = 1500;

/** Texts that are longer are not read out unasked. */
const MOST_SPOKEN = 300;

/** The other end's text, as it is typed. */
export function TheirText({ conversation, role }: { conversation: Conversation; role: Role }) {
  const t = text.value;
  const { content, compositionStart, compositionEnd } = conversation.theirs.value;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let told = conversation.theirs.peek().content;
    const stop = effect(() => {
      const now = conversation.theirs.value.content;
      clearTimeout(timer);
      if (now === told) return;
      timer = setTimeout(() => {
        told = now;
        const { theirsChanged, theirsLong } = text.value.linked;
        if (now !== '') announce(now.length <= MOST_SPOKEN ? theirsChanged(now) : theirsLong(now.length));
      }, SETTLED);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [conversation]);
  return (
    <section class="pane theirs" aria-labelledby="theirs-title">
      <div class="pane-head">
        <h2 id="theirs-title">{t.linked.theirs[role]}</h2>
      </div>
      <div class="live" tabIndex={0} role="group" aria-labelledby="theirs-title" dir="auto" data-testid="theirs" data-empty={content === ''}>
        {content === '' ? <span class="hint">{t.linked.theirsEmpty[role]}</span> : (
          <>
            {content.slice(0, compositionStart)}
            {compositionEnd > compositionStart && <u class="composing" data-testid="composing">{content.slice(compositionStart, compositionEnd)}</u>}
            {content.slice(Math.max(compositionStart, compositionEnd))}
          </>
        )}
      </div>
      <div class="pane-foot"><CopyButton value={content} testId="copy-theirs" isPrimary={role === 'phone'} /></div>
    </section>
  );
}
