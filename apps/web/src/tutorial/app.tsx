import { Announcer } from '../shared/announcer.tsx';
import { PageBar } from '../shared/page-bar.tsx';
import { Demo } from './demo.tsx';
import { FrameView } from './frame-view.tsx';
import { HandshakeView } from './handshake-view.tsx';
import { Riddle } from './riddle.tsx';
import { text } from './text.ts';

export function App() {
  const t = text.value;
  return (
    <>
      <a class="skip" href="#content">{t.skip}</a>
      <header class="page-header">
        <PageBar language={t.language} />
        <h1>{t.heading}</h1>
        <p class="lead">{t.intro}</p>
        <nav aria-label={t.contents}>
          <ol>
            <li><a href="#talk">{t.demo.nav}</a></li>
            <li><a href="#handshake">{t.handshake.nav}</a></li>
            <li><a href="#frames">{t.frames.nav}</a></li>
            <li><a href="#riddle">{t.riddle.nav}</a></li>
          </ol>
        </nav>
      </header>
      <main id="content" tabIndex={-1}>
        <Demo />
        <HandshakeView />
        <FrameView />
        <Riddle />
      </main>
      <footer>
        <p>{t.footer} <a href="/lab">{t.lab}</a></p>
      </footer>
      <Announcer />
    </>
  );
}
