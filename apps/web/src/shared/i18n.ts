import { effect, signal, type ReadonlySignal } from '@preact/signals';

export type Locale = 'en' | 'zh';

const STORAGE_KEY = 'tandem.locale';

/** The language of the page: `?lang=` wins, then the reader's earlier choice, then the browser's language. */
export const locale = signal<Locale>(asLocale(new URLSearchParams(location.search).get('lang')) ?? storedLocale() ?? browserLocale());

export function chooseLocale(choice: Locale): void {
  locale.value = choice;
  try {
    localStorage.setItem(STORAGE_KEY, choice);
  } catch {
    // Storage may be forbidden or full; the choice then lasts as long as the page.
  }
  // A ?lang= in the address would win again at the next reload, so it follows the choice.
  const url = new URL(location.href);
  if (url.searchParams.has('lang')) {
    url.searchParams.set('lang', choice);
    history.replaceState(history.state, '', url);
  }
}

/** Keeps what lies outside the component tree in the reader's language, too. */
export function followLocale(text: ReadonlySignal<{ title: string; description: string }>): void {
  effect(() => {
    document.documentElement.lang = locale.value;
    document.title = text.value.title;
    document.querySelector('meta[name=description]')?.setAttribute('content', text.value.description);
  });
}

function storedLocale(): Locale | null {
  try {
    return asLocale(localStorage.getItem(STORAGE_KEY));
  } catch {
    return null;
  }
}

function browserLocale(): Locale {
  return /^zh\b/i.test(navigator.language) ? 'zh' : 'en';
}

function asLocale(value: string | null): Locale | null {
  return value === 'en' || value === 'zh' ? value : null;
}
