import { chooseLocale, locale } from './i18n.ts';

interface Props {
  language: string;
  /** Addresses and names of other pages, and what they are together. */
  pages?: { readonly label: string; readonly links: readonly (readonly [string, string])[] } | null;
}

/** The line at the top of every page: whose it is, other pages, and the choice of language. */
export function PageBar({ language, pages = null }: Props) {
  return (
    <div class="bar">
      <span class="brand"><Wheels /> Tandem</span>
      {pages && <nav class="pages" aria-label={pages.label}>{pages.links.map(([address, name]) => <a key={address} href={address}>{name}</a>)}</nav>}
      <LanguageSwitch label={language} />
    </div>
  );
}

function LanguageSwitch({ label }: { label: string }) {
  const current = locale.value;
  return (
    <div class="languages" role="group" aria-label={label}>
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
