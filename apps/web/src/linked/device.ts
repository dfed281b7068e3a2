import type { Peer } from '../link/index.ts';

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPhone|iPod/, 'iPhone'], [/iPad/, 'iPad'], [/Android/, 'Android'], [/CrOS/, 'ChromeOS'], [/Windows/, 'Windows'], [/Mac OS X|Macintosh/, 'macOS'], [/Linux/, 'Linux'],
];

// The first that fits: most browsers say that they are Chrome or Safari as well.
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/(?:Edg|EdgA|EdgiOS)\/(\d+)/, 'Edge'], [/OPR\/(\d+)/, 'Opera'], [/SamsungBrowser\/(\d+)/, 'Samsung Internet'], [/(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/(?:Chrome|CriOS)\/(\d+)/, 'Chrome'], [/Version\/(\d+).*Safari\//, 'Safari'],
];

/** What a browser says of itself, in names that need no translation: the system, and the browser with its version. Only ever shown: anybody can say anything. */
export function describe(userAgent: string, touchPoints = 0): Peer {
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1] ?? '';
  // An iPad says that it is a Mac, and no Mac has a touch screen.
  const name = system === 'macOS' && touchPoints > 1 ? 'iPad' : system;
  for (const [pattern, browser] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version) return { name: name || browser, platform: `${browser} ${version}` };
  }

  return { name: name || '?', platform: '' };
}

export const thisDevice: Peer = describe(globalThis.navigator?.userAgent ?? '', globalThis.navigator?.maxTouchPoints);

/** "Android · Chrome 140" */
export function nameOf({ name, platform }: Peer): string {
  return [name, platform].filter((part) => part !== '').join(' · ');
}
