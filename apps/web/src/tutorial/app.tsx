import { Announcer } from '../shared/announcer.tsx';
import { chooseLocale, locale } from '../shared/i18n.ts';
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
        <div class="bar">
          <span class="brand"><Wheels /> Tandem</span>
          <LanguageSwitch />
        </div>
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
        <p>{t.footer}</p>
      </footer>
      <Announcer />
    </>
  );
}

function LanguageSwitch() {
  const current = locale.value;
  return (
    <div class="languages" role="group" aria-label={text.value.language}>
      <button type="button" lang="en" aria-pressed={current === 'en'} data-testid="lang-en" onClick={() => chooseLocale('en')}>English</button>
      <button type="button" lang="zh" aria-pressed={current === 'zh'} data-testid="lang-zh" onClick={() => chooseLocale('zh')}>中文</button>
    </div>
  );
}

function Wheels() {
  return (
    <svg viewBox="0 0 32 20" width="32" height="20" aria-hidden="true">
      <circle cx="7.5" cy="13" r="5.5" /><circle cx="24.5" cy="13" r="5.5" /><path d="M7.5 13 12 3l4 10 4-10 4.5 10" />
    </svg>
  );
}
