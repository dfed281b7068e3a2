import type { ComponentChildren } from 'preact';
import { PageBar } from '../shared/page-bar.tsx';
import { Page } from '../shared/page.tsx';
import { isUnreachable } from './connection.ts';
import { StepHeading } from './step.tsx';
import { text } from './text.ts';

/** What is around the content of both pages. */
export function Frame({ hasLinks, children }: { hasLinks: boolean; children: ComponentChildren }) {
  const t = text.value;
  return (
    <Page
      skip={t.skip}
      header={<header><PageBar language={t.language} pages={hasLinks ? { label: t.pages, links: [['/tutorial', t.tutorial], ['/lab', t.lab]] } : null} /></header>}
    >
      {isUnreachable.value ? <Unreachable /> : children}
    </Page>
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
