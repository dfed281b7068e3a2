import { computed } from '@preact/signals';
import { locale, type Locale } from '../shared/i18n.ts';
import { en, type InspectText } from './text.en.ts';
import { zh } from './text.zh.ts';

const texts: Record<Locale, InspectText> = { en, zh };

/** The page's texts in the reader's language. */
export const text = computed(() => texts[locale.value]);
