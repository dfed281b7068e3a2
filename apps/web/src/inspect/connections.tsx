import { useEffect, useRef, useState } from 'preact/hooks';
import { announce } from '../shared/announcer.tsx';
import { closeConnection, order, report, type Order } from './feed.ts';
import type { Connection } from './report.ts';
import { TableSection } from './table.tsx';
import { text } from './text.ts';
import { bytes } from './units.ts';

const ORDERS: Order[] = ['buffered', 'newest'];
const CODES = [1000, 1001, 1008, 1013];
const PRESET = 1001;

/**
 * The connections. Their order changes every second, so a button of a row asks before it does anything: what is closed is the connection that the
 * question names.
 */
export function ConnectionsView() {
  const t = text.value;
  const [asked, ask] = useState<Connection | null>(null);
  const page = report.value?.connections;
  if (!page) return null;
  const { columns } = t.connections;
  return (
    <>
      <TableSection
        id="connections" title={t.connections.title} caption={t.connections.caption} items={page.items} total={page.total} keyOf={(item) => item.id}
        columns={[
          { name: columns.remote, cell: (item) => <code>{item.remote}</code> },
          { name: columns.path, cell: (item) => <code>{item.path}</code> },
          { name: columns.state, cell: (item) => <code>{item.state}</code> },
          { name: columns.buffered, number: true, cell: (item) => bytes(item.buffered, t.number) },
          { name: columns.age, number: true, cell: (item) => t.duration(item.seconds) },
          { name: columns.compression, number: true, cell: (item) => (item.compression ? bytes(item.compression, t.number) : '–') },
          {
            name: columns.action,
            action: true,
            cell: (item) => (
              <button type="button" aria-label={t.connections.closeLabel(item.remote)} disabled={item.state !== 'Open'} onClick={() => ask(item)}>{t.connections.close}</button>
            ),
          },
        ]}
      >
        <div class="tools">
          <label for="order">{t.connections.order}</label>
          <select id="order" data-testid="order" value={order.value} onChange={({ currentTarget }) => { order.value = currentTarget.value as Order; }}>
            {ORDERS.map((each) => <option key={each} value={each}>{t.connections.orders[each]}</option>)}
          </select>
        </div>
        {page.silentLoops > 0 && <p class="error" data-testid="silent">{t.connections.silent(page.silentLoops)}</p>}
      </TableSection>
      {asked && <CloseDialog connection={asked} onEnd={() => ask(null)} />}
    </>
  );
}

function CloseDialog({ connection, onEnd }: { connection: Connection; onEnd: () => void }) {
  const t = text.value.dialog;
  const dialog = useRef<HTMLDialogElement>(null);
  const [code, choose] = useState(PRESET);
  useEffect(() => dialog.current?.showModal(), []);

  async function close() {
    dialog.current?.close();
    try {
      announce(await closeConnection(connection.id, code) ? t.done(connection.remote, code) : t.gone(connection.remote));
    } catch {
      announce(t.failed);
    }
  }

  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onEnd} data-testid="dialog">
      <h2 id="dialog-title">{t.title}</h2>
      <p><code>{connection.remote}</code> · <code>{connection.path}</code></p>
      <label for="code">{t.code}</label>
      <select id="code" data-testid="code" value={code} onChange={({ currentTarget }) => choose(Number(currentTarget.value))}>
        {CODES.map((each) => <option key={each} value={each}>{t.codes[each]}</option>)}
      </select>
      <p class="hint">{t.hint}</p>
      <div class="button-row">
        <button type="button" class="primary" data-testid="confirm" onClick={() => void close()}>{t.confirm}</button>
        <button type="button" data-testid="cancel" onClick={() => dialog.current?.close()}>{t.cancel}</button>
      </div>
    </dialog>
  );
}
