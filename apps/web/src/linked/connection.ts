import { signal } from '@preact/signals';
import { Post } from '../link/index.ts';

/** Where the server has what belongs to links. */
export const BASE = '/link';

/** The longest wait between tries to reach the server, in milliseconds. */
const MOST_WAIT = 15_000;

/** Whether the server was reached: until then there is nothing to do but to try again. */
export const isUnreachable = signal(false);

/** A server that ends sessions as soon as they begin is asked again no sooner than after this, in milliseconds. */
const LEAST_LIFE = 3000;

let last = -Infinity;

/** The one session of this page with the server, tried until there is one. */
export async function connect(): Promise<Post> {
  await until(Math.max(0, last + LEAST_LIFE - performance.now()));
  for (let wait = 500; ; wait = Math.min(MOST_WAIT, 2 * wait)) {
    try {
      // A phone that wakes up is not to wait for half a minute.
      const post = await Post.connect(BASE, { maxDelay: MOST_WAIT });
      isUnreachable.value = false;
      last = performance.now();
      return post;
    } catch {
      isUnreachable.value = true;
      await until(wait);
    }
  }
}

/** Waits, but no longer than until the network is there again or somebody looks at the page. */
function until(milliseconds: number): Promise<void> {
  if (milliseconds === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = new AbortController();
    const over = () => {
      stop.abort();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(over, milliseconds);
    addEventListener('online', over, { signal: stop.signal });
    document.addEventListener('visibilitychange', over, { signal: stop.signal });
  });
}
