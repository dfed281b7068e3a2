import { computed } from '@preact/signals';
import { render } from 'preact';
import { text } from '../linked/text.ts';
import { followLocale } from '../shared/i18n.ts';
import { App } from './app.tsx';
import { start } from './model.ts';

followLocale(computed(() => ({ title: text.value.phoneTitle, description: text.value.description })));
render(<App />, document.getElementById('page')!);
void start();

// Only where it is allowed: without it the page works all the same, but cannot be installed.
if (globalThis.isSecureContext && 'serviceWorker' in navigator) void navigator.serviceWorker.register('/phone-worker.js', { scope: '/phone' }).catch(() => {});
