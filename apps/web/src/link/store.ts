/** Where a link is kept while its page is away, as text, which holds keys. */
export interface LinkStore {
  /** What was saved last; null: nothing. */
  load(): string | null;
  /** Throws where it cannot be kept. */
  save(record: string): void;
  /** Drops the record. The link may go on elsewhere. */
  erase(): void;
  /**
   * Takes an epoch of a link for a sender: at least this one, and one that no copy of the record has taken. A tab that is duplicated takes a copy of its sessionStorage with it,
   * and two senders with the same keys would use the same nonces. -1: takes none of a link that begins, which is known from then on.
   */
  takeEpoch(link: string, epoch: number): number;
  /** Whether a link was begun here and is not over. Otherwise a copy of its record is not to be used: nobody knows any more which epochs were taken. */
  isKnown(link: string): boolean;
  /** A link is over: nothing that was kept of it is needed any more. */
  forget(link: string): void;
}

/** In memory: a link that a reload ends. */
export function memoryLinkStore(): LinkStore {
  let kept: string | null = null;
  const taken = new Map<string, number>();
  return {
    load: () => kept,
    save: (record) => { kept = record; },
    erase: () => { kept = null; },
    takeEpoch: (link, epoch) => {
      const free = freeEpoch(taken.get(link), epoch);
      taken.set(link, free);
      return free;
    },
    isKnown: (link) => taken.has(link),
    forget: (link) => {
      kept = null;
      taken.delete(link);
    },
  };
}

/**
 * For the life of the tab, so that a reload resumes the link. How far its epochs are is kept where all tabs see it.
 * @param name One for each page that keeps a link.
 */
export function sessionLinkStore(name: 'computer' | 'phone'): LinkStore {
  const key = `tandem-link-${name}`;
  const epochKey = `${key}-epoch`;
  const session = storageOf('sessionStorage');
  const shared = storageOf('localStorage');
  // Where a browser keeps only one of them, or none, a copy of a record cannot be told from the record: then nothing is kept.
  if (!session || !shared) return memoryLinkStore();
  return {
    load: () => session.getItem(key),
    save: (record) => session.setItem(key, record),
    erase: () => session.removeItem(key),
    takeEpoch: (link, epoch) => {
      const all = takenIn(shared.getItem(epochKey));
      const free = freeEpoch(all.get(link), epoch);
      all.delete(link);
      all.set(link, free);
      shared.setItem(epochKey, JSON.stringify([...all].slice(-MOST_LINKS)));
      return free;
    },
    isKnown: (link) => takenIn(shared.getItem(epochKey)).has(link),
    forget: (link) => {
      session.removeItem(key);
      const all = takenIn(shared.getItem(epochKey));
      if (!all.delete(link)) return;
      if (all.size === 0) shared.removeItem(epochKey);
      else shared.setItem(epochKey, JSON.stringify([...all]));
    },
  };
}

// One per tab that has a link. Those of tabs that were closed without unlinking stay until so many others were begun: a name that is random, and a number.
const MOST_LINKS = 64;

function freeEpoch(last: number | undefined, least: number): number {
  return last === undefined ? least : Math.max(least, last + 1);
}

function takenIn(text: string | null): Map<string, number> {
  try {
    const entries = JSON.parse(text ?? '[]') as readonly (readonly [string, number])[];
    return new Map(entries.filter(([link, epoch]) => typeof link === 'string' && Number.isSafeInteger(epoch)));
  } catch {
    return new Map();
  }
}

/** null: the browser keeps nothing for this page, or says no when it is asked. */
export function storageOf(name: 'sessionStorage' | 'localStorage'): Storage | null {
  try {
    return (globalThis as { readonly sessionStorage?: Storage; readonly localStorage?: Storage })[name] ?? null;
  } catch {
    return null;
  }
}
