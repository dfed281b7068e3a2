import { effect, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { announce } from '../shared/announcer.tsx';
import { findAddresses } from './addresses.ts';
import type { ChatEntry, Conversation } from './conversation.ts';
import { CopyButton } from './copy-button.tsx';
import type { FileEntry } from './files.ts';
import { SendFiles } from './send-files.tsx';
import { text, type Role } from './text.ts';

/** What was sent in both directions, the newest first: it is next to where one types, and nothing needs to be scrolled. */
export function Timeline({ conversation, role }: { conversation: Conversation; role: Role }) {
  const t = text.value.linked;
  const entries = conversation.entries.value;
  const newest = entries.at(-1);
  useEffect(() => {
    if (newest?.kind === 'chat' && !newest.isMine) announce(`${text.peek().linked.them[role]}: ${newest.text}`);
  }, [newest]);
  return (
    <section class="pane timeline" aria-labelledby="log-title">
      <div class="pane-head"><h2 id="log-title">{t.log}</h2><SendFiles conversation={conversation} role={role} /></div>
      {entries.length === 0 && <p class="hint">{t.logEmpty}</p>}
      <ol class="log" data-testid="log">
        {[...entries].reverse().map((entry) => entry.kind === 'chat'
          ? <Message key={entry.key} entry={entry} conversation={conversation} role={role} />
          : <FileRow key={entry.key} entry={entry} conversation={conversation} role={role} />)}
      </ol>
    </section>
  );
}

function Head({ entry, role, note }: { entry: ChatEntry | FileEntry; role: Role; note: string | null }) {
  const t = text.value;
  return (
    <p class="entry-head">
      <strong>{entry.isMine ? t.linked.me : t.linked.them[role]}</strong> {t.time(entry.time)}{note !== null && ` · ${note}`}
    </p>
  );
}

function Message({ entry, conversation, role }: { entry: ChatEntry; conversation: Conversation; role: Role }) {
  const t = text.value.linked;
  const isWaiting = entry.isMine && conversation.unseen.value.has(entry.id);
  const notes = [entry.isClipboard ? t.fromClipboard : null, isWaiting ? t.waits : null].filter((note) => note !== null);
  return (
    <li class={`entry ${entry.isMine ? 'mine' : 'theirs'}`} data-testid="message" data-mine={entry.isMine} data-seen={!isWaiting}>
      <Head entry={entry} role={role} note={notes.length > 0 ? notes.join(' · ') : null} />
      <p class="said" dir="auto">
        {findAddresses(entry.text).map(({ text: part, address }) => (address === null ? part : <a href={address} target="_blank" rel="noopener noreferrer">{part}</a>))}
      </p>
      {!entry.isMine && <div class="entry-foot"><CopyButton value={entry.text} /></div>}
    </li>
  );
}

function FileRow({ entry, conversation, role }: { entry: FileEntry; conversation: Conversation; role: Role }) {
  const t = text.value;
  const state = entry.state.value;
  const url = entry.url.value;
  const isUnderWay = state === 'waiting' || state === 'moving' || state === 'lost' || state === 'stopped';
  const again = useRef<HTMLInputElement>(null);
  const isOther = useSignal(false);
  useEffect(() => effect(() => {
    if (entry.state.value === 'done') announce(entry.isMine ? text.peek().linked.sent(entry.name) : text.peek().linked.received(entry.name));
  }), [entry]);
  const size = t.size(entry.size);
  const how = state === 'moving' ? t.linked.of(t.size(entry.moved.value), size)
    : state === 'waiting' ? `${size} · ${t.linked.fileWaiting}`
    : state === 'lost' ? `${size} · ${t.linked.fileLost}`
    : state === 'stopped' ? `${t.linked.of(t.size(entry.moved.value), size)} · ${t.linked.fileStopped[role]}`
    : state === 'done' ? (entry.isMine ? `${size} · ${t.linked.fileSent}` : size)
    : `${size} · ${t.linked.fileOver[state] ?? t.linked.fileOver[0]}`;
  return (
    <li class={`entry file ${entry.isMine ? 'mine' : 'theirs'}`} data-testid="file" data-mine={entry.isMine} data-state={state} data-moved={entry.moved.value}>
      <Head entry={entry} role={role} note={null} />
      <p class="file-name" dir="auto">{entry.name}</p>
      {entry.isImage && url !== null && (state === 'done' || entry.isMine) && <img class="preview" src={url} alt={entry.name} data-testid="preview" />}
      {isUnderWay && state !== 'lost' && <progress max={entry.size || 1} value={entry.moved.value} aria-label={t.linked.progress(entry.name)} />}
      <p class={typeof state === 'number' && state > 1 ? 'error' : 'hint'} data-testid="file-state">{how}</p>
      {state === 'lost' && isOther.value && <p class="error" data-testid="not-the-same">{t.linked.notTheSame(entry.name)}</p>}
      {(isUnderWay || (!entry.isMine && state === 'done' && url !== null)) && (
        <div class="entry-foot">
          {state === 'lost' && (
            <>
              <button type="button" class="primary" data-testid="pick-again" aria-label={t.linked.pickAgainName(entry.name)} onClick={() => again.current!.click()}>{t.linked.pickAgain}</button>
              <input ref={again} type="file" hidden data-testid="pick-again-input" onChange={({ currentTarget: input }) => {
                const [file] = input.files ?? [];
                isOther.value = file !== undefined && !conversation.files.resume(entry, file);
                if (isOther.value) announce(t.linked.notTheSame(entry.name));
                input.value = '';
              }} />
            </>
          )}
          {isUnderWay
            ? <button type="button" data-testid="cancel" aria-label={t.linked.cancelName(entry.name)} onClick={() => conversation.files.cancel(entry)}>{t.cancel}</button>
            : <a class="button" data-testid="save" href={url!} download={entry.name} aria-label={t.linked.saveName(entry.name)}>{t.linked.save}</a>}
        </div>
      )}
    </li>
  );
}
