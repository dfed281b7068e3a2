import { computed, effect } from '@preact/signals';
import { locale, type Locale } from '../shared/i18n.ts';
import { en, type TutorialText } from './text.en.ts';
import { zh } from './text.zh.ts';

export type { TutorialText };

const texts: Record<Locale, TutorialText> = { en, zh };

/** The page's texts in the reader's language. */
export const text = computed(() => texts[locale.value]);

/** Keeps what lies outside the component tree in the reader's language, too. */
export function followLocale(): void {
  effect(() => {
    document.documentElement.lang = locale.value;
    document.title = text.value.title;
    document.querySelector('meta[name=description]')?.setAttribute('content', text.value.description);
  });
}
