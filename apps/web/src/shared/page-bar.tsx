import { chooseLocale, locale } from './i18n.ts';

/** What a server has for everybody to look at. */
const pages = {
  en: { label: 'Pages of this server', names: { '/': 'Link a phone', '/tutorial': 'Tutorial', '/lab': 'Lab' } },
  zh: { label: '本服务器的页面', names: { '/': '连接手机', '/tutorial': '教程', '/lab': '实验室' } },
};

/** Where a page is that leads to the others. */
export type PagePath = keyof typeof pages.en.names;

/** The line at the top of every page: whose it is, the other pages, and the choice of language. */
export function PageBar({ language, here }: { language: string; here?: PagePath | undefined }) {
  const { label, names } = pages[locale.value];
  return (
    <div class="bar">
      <span class="brand"><Wheels /> Tandem</span>
      {here && <nav class="pages" aria-label={label}>{Object.entries(names).map(([path, name]) => path !== here && <a key={path} href={path}>{name}</a>)}</nav>}
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
