import type { ComponentChildren } from 'preact';
import { Announcer } from './announcer.tsx';
import { locale } from './i18n.ts';
import { PageBar, type PagePath } from './page-bar.tsx';

// In a tab of its own: whoever reads it does not leave what is under way here.
const notices = { en: 'Third-party notices', zh: '第三方软件声明' };

/** What is around the content of every page: the way past its head for the keyboard, whose code is in it, and the voice for screen readers. */
export function Page({ skip, header, children, footer }: { skip: string; header: ComponentChildren; children: ComponentChildren; footer?: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#content">{skip}</a>
      {header}
      <main id="content" tabIndex={-1}>{children}</main>
      <footer>
        {footer}
        <p><a href="/third-party-notices.txt" target="_blank" rel="noopener" data-testid="notices">{notices[locale.value]}</a></p>
      </footer>
      <Announcer />
    </>
  );
}

/** The head of a page that shows and explains: what it is called, and what comes before its sections. */
export function PageHeader({ language, here, heading, children }: { language: string; here?: PagePath | undefined; heading: string; children: ComponentChildren }) {
  return (
    <header class="page-header">
      <PageBar language={language} here={here} />
      <h1>{heading}</h1>
      {children}
    </header>
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
