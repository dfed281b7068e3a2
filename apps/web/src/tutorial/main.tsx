import { render } from 'preact';
import { App } from './app.tsx';
import { explainKeptLocale } from './chat-session.ts';
import { followLocale } from './text.ts';

followLocale();
explainKeptLocale();
render(<App />, document.getElementById('page')!);
