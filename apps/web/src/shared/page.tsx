import type { ComponentChildren } from 'preact';
import { Announcer } from './announcer.tsx';

/** What is around the content of every page: the way past its head for the keyboard, and the voice for screen readers. */
export function Page({ skip, header, children, footer }: { skip: string; header: ComponentChildren; children: ComponentChildren; footer?: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#content">{skip}</a>
      {header}
      <main id="content" tabIndex={-1}>{children}</main>
      {footer}
      <Announcer />
    </>
  );
}

/** The sections of a page, by the ids of their elements. */
export function Contents({ label, sections }: { label: string; sections: readonly (readonly [id: string, name: string])[] }) {
  return (
    <nav aria-label={label}>
      <ol>{sections.map(([id, name]) => <li key={id}><a href={`#${id}`}>{name}</a></li>)}</ol>
    </nav>
  );
}
