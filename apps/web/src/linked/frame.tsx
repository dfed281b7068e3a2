import type { ComponentChildren } from 'preact';
import { PageBar, type PagePath } from '../shared/page-bar.tsx';
import { Page } from '../shared/page.tsx';
import { isUnreachable } from './connection.ts';
import { StepHeading } from './step.tsx';
import { text } from './text.ts';

/** What is around the content of both pages. */
export function Frame({ here, children }: { here?: PagePath | undefined; children: ComponentChildren }) {
  const t = text.value;
  return (
    <Page
      skip={t.skip}
      header={<header><PageBar language={t.language} here={here} /></header>}
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
