import type { ComponentChildren } from 'preact';
import { Announcer } from '../shared/announcer.tsx';
import { PageBar } from '../shared/page-bar.tsx';
import { isUnreachable } from './connection.ts';
import { StepHeading } from './step.tsx';
import { text } from './text.ts';

/** What is around the content of both pages. */
export function Frame({ hasLinks, children }: { hasLinks: boolean; children: ComponentChildren }) {
  const t = text.value;
  return (
    <>
      <a class="skip" href="#content">{t.skip}</a>
      <header>
        <PageBar language={t.language} pages={hasLinks ? { label: t.pages, links: [['/tutorial', t.tutorial], ['/lab', t.lab]] } : null} />
      </header>
      <main id="content" tabIndex={-1}>{isUnreachable.value ? <Unreachable /> : children}</main>
      <Announcer />
    </>
  );
}

function Unreachable() {
  const t = text.value.offline;
  return (
    <div class="card" role="alert" data-testid="unreachable">
      <StepHeading>{t.title}</StepHeading>
      <p>{t.text}</p>
    </div>
  );
}
