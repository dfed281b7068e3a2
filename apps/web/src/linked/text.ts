import { computed } from '@preact/signals';
import { locale, type Locale } from '../shared/i18n.ts';
import { en, type LinkText } from './text.en.ts';
import { zh } from './text.zh.ts';

export type { LinkText };

const texts: Record<Locale, LinkText> = { en, zh };

/** The texts of both pages in the reader's language. */
export const text = computed(() => texts[locale.value]);

/** Which page this is. */
export type Role = 'computer' | 'phone';
