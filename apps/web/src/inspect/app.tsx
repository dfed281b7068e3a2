import { announce, announced } from '../shared/announcer.tsx';
import { Page, PageHeader } from '../shared/page.tsx';
import { ConnectionsView } from './connections.tsx';
import { paused, report, state } from './feed.ts';
import { FiguresView } from './figures.tsx';
import { Lock } from './lock.tsx';
import type { Mailbox, Page as PageOf, Session } from './report.ts';
import { TableSection } from './table.tsx';
import { text } from './text.ts';
import { bytes } from './units.ts';

export function App() {
  const t = text.value;
  const locked = state.value === 'locked';
  return (
    <Page
      skip={t.skip}
      header={(
        <PageHeader language={t.language} heading={t.heading}>
          {!locked && (
            <div class="status" data-state={state.value}>
              <span class="lamp" aria-hidden="true" />
              <span data-testid="state">{t.states[state.value]}</span>
              <button type="button" data-testid="pause" onClick={togglePause}>{paused.value ? t.resume : t.pause}</button>
            </div>
          )}
          <p class="said" aria-hidden="true">{announced.value}</p>
        </PageHeader>
      )}
    >
      {locked ? <Lock /> : <Tables />}
    </Page>
  );
}

function togglePause() {
  paused.value = !paused.value;
  announce(paused.value ? text.value.pausedSaid : text.value.resumedSaid);
}

function Tables() {
  const t = text.value;
  const now = report.value;
  if (!now) return null;
  const { number } = t;
  return (
    <>
      <FiguresView />
      <ConnectionsView />
      <TableSection
        id="closes" title={t.closes.title} caption={t.closes.caption} items={now.closes} keyOf={(item) => `${item.code} ${item.initiator}`}
        total={now.closes.reduce((sum, item) => sum + item.count, 0)} counts={false}
        columns={[
          { name: t.closes.columns.code, cell: (item) => <><code>{item.code}</code> {t.closes.meanings[item.code] ?? ''}</> },
          { name: t.closes.columns.initiator, cell: (item) => t.closes.initiators[item.initiator] ?? item.initiator },
          { name: t.closes.columns.count, number: true, cell: (item) => number(item.count) },
        ]}
      />
      {now.sessions && <SessionsTable id="sessions" words={t.sessions} sessions={now.sessions} />}
      {now.topics && (
        <TableSection
          id="topics" title={t.topics.title} caption={t.topics.caption} items={now.topics.items} total={now.topics.total} keyOf={(item) => item.name}
          columns={[
            { name: t.topics.columns.name, cell: (item) => <code>{item.name}</code> },
            { name: t.topics.columns.subscribers, number: true, cell: (item) => number(item.subscribers) },
            { name: t.topics.columns.history, number: true, cell: (item) => number(item.history) },
            { name: t.topics.columns.waiting, number: true, cell: (item) => number(item.waiting) },
          ]}
        />
      )}
      {now.mailboxes && <MailboxesTable id="mailboxes" words={t.mailboxes} mailboxes={now.mailboxes} />}
      {now.links && <SessionsTable id="link-sessions" words={t.links.sessions} sessions={now.links.sessions} />}
      {now.links?.tickets && <MailboxesTable id="tickets" words={t.links.tickets} mailboxes={now.links.tickets} />}
      {now.links?.inboxes && <MailboxesTable id="inboxes" words={t.links.inboxes} mailboxes={now.links.inboxes} />}
    </>
  );
}

function SessionsTable({ id, words, sessions }: { id: string; words: { title: string; caption: string }; sessions: PageOf<Session> }) {
  const t = text.value;
  const { number } = t;
  return (
    <TableSection
      id={id} title={words.title} caption={words.caption} items={sessions.items} total={sessions.total} keyOf={(item) => item.id}
      columns={[
        { name: t.sessions.columns.id, cell: (item) => <code>{item.id}</code> },
        { name: t.sessions.columns.carrier, cell: (item) => t.sessions.carriers[item.carrier] },
        { name: t.sessions.columns.subscriptions, number: true, cell: (item) => number(item.subscriptions) },
        { name: t.sessions.columns.mailboxes, number: true, cell: (item) => number(item.mailboxes) },
        { name: t.sessions.columns.frames, number: true, cell: (item) => number(item.frames) },
        { name: t.sessions.columns.bytes, number: true, cell: (item) => bytes(item.bytes, number) },
      ]}
    />
  );
}

function MailboxesTable({ id, words, mailboxes }: { id: string; words: { title: string; caption: string; name: string }; mailboxes: PageOf<Mailbox> }) {
  const t = text.value;
  const { number } = t;
  return (
    <TableSection
      id={id} title={words.title} caption={words.caption} items={mailboxes.items} total={mailboxes.total} keyOf={(item) => item.name}
      columns={[
        { name: words.name, cell: (item) => <code>{item.name}</code> },
        { name: t.mailboxes.columns.consumer, cell: (item) => (item.consumer ? t.mailboxes.yes : t.mailboxes.no) },
        { name: t.mailboxes.columns.messages, number: true, cell: (item) => number(item.messages) },
        { name: t.mailboxes.columns.bytes, number: true, cell: (item) => bytes(item.bytes, number) },
      ]}
    />
  );
}
