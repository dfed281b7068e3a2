import { computed } from '@preact/signals';
import { render } from 'preact';
import { text } from '../linked/text.ts';
import { followLocale } from '../shared/i18n.ts';
import { App } from './app.tsx';
import { start } from './model.ts';

followLocale(computed(() => ({ title: text.value.computerTitle, description: text.value.description })));
render(<App />, document.getElementById('page')!);
void start();
