import { render } from 'preact';
import { App } from './app.tsx';
import { explainKeptLocale } from './chat-session.ts';
import { followLocale } from '../shared/i18n.ts';
import { text } from './text.ts';

followLocale(text);
explainKeptLocale();
render(<App />, document.getElementById('page')!);
