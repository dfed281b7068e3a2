import { Contents, Page, PageHeader } from '../shared/page.tsx';
import { Demo } from './demo.tsx';
import { FrameView } from './frame-view.tsx';
import { HandshakeView } from './handshake-view.tsx';
import { Riddle } from './riddle.tsx';
import { text } from './text.ts';

export function App() {
  const t = text.value;
  return (
    <Page
      skip={t.skip}
      header={(
        <PageHeader here="/tutorial" language={t.language} heading={t.heading}>
          <p class="lead">{t.intro}</p>
          <Contents label={t.contents} sections={[['talk', t.demo.nav], ['handshake', t.handshake.nav], ['frames', t.frames.nav], ['riddle', t.riddle.nav]]} />
        </PageHeader>
      )}
      footer={<p>{t.footer} <a href="/lab">{t.lab}</a></p>}
    >
      <Demo />
      <HandshakeView />
      <FrameView />
      <Riddle />
    </Page>
  );
}
