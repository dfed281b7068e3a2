import type { ComponentChildren } from 'preact';
import { text } from './text.ts';

export interface Column<Item> {
  name: string;
  /** Numbers stand at the right, so that their places are below each other. */
  number?: boolean;
  /** What can be done stays in sight when the table is moved sideways. */
  action?: boolean;
  cell: (item: Item) => ComponentChildren;
}

interface Props<Item> {
  id: string;
  title: string;
  caption: string;
  columns: Column<Item>[];
  items: Item[];
  total: number;
  /** Whether each item is one of those that there are; otherwise the total is another figure. */
  counts?: boolean;
  keyOf: (item: Item) => string | number;
  children?: ComponentChildren;
}

const classOf = <Item,>({ number, action }: Column<Item>) => (number ? 'number' : action ? 'action' : undefined);

/** A section with one table: how many there are, and the first of them. It scrolls sideways by itself where it is too wide. */
export function TableSection<Item>({ id, title, caption, columns, items, total, counts = true, keyOf, children }: Props<Item>) {
  const t = text.value;
  return (
    <section class="section" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title} <span class="total" data-testid={`${id}-total`}>{counts ? t.shown(items.length, total) : t.number(total)}</span></h2>
      {children}
      {items.length === 0 ? <p class="hint">{t.empty}</p> : (
        <div class="scrolls scroller" tabIndex={0} role="region" aria-labelledby={`${id}-caption`}>
          <table data-testid={id}>
            <caption id={`${id}-caption`}><span>{caption}</span></caption>
            <thead>
              <tr>{columns.map((column) => <th key={column.name} scope="col" class={classOf(column)}>{column.name}</th>)}</tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <tr key={keyOf(item)}>
                  {columns.map((column, i) => (i === 0
                    ? <th key={column.name} scope="row">{column.cell(item)}</th>
                    : <td key={column.name} class={classOf(column)}>{column.cell(item)}</td>))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
