import { PageBar } from '../shared/page-bar.tsx';
import { Contents, Page } from '../shared/page.tsx';
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
        <header class="page-header">
          <PageBar language={t.language} />
          <h1>{t.heading}</h1>
          <p class="lead">{t.intro}</p>
          <Contents label={t.contents} sections={[['talk', t.demo.nav], ['handshake', t.handshake.nav], ['frames', t.frames.nav], ['riddle', t.riddle.nav]]} />
        </header>
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
