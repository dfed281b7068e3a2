import { render } from 'preact';
import { followLocale } from '../shared/i18n.ts';
import { App } from './app.tsx';
import { watch } from './feed.ts';
import { text } from './text.ts';

followLocale(text);
render(<App />, document.getElementById('page')!);
watch();
