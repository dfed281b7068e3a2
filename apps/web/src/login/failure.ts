import type { Why } from '../link/states.ts';

/**
 * Why nobody was signed in. What pairing says (src/link/states.ts), or `notSignedIn`: nobody is signed in on the phone; `notALogin`: the code is of a page that wants a link, not a login;
 * `rejected`: the application's server did not take it, for example because it was too late.
 */
export type LoginFailure = Why | 'notSignedIn' | 'notALogin' | 'rejected';

/** A request of a login to the application. Null where there was no answer. */
export async function ask(base: string, step: 'start' | 'approve' | 'finish' | 'cancel', body: object): Promise<Response | null> {
  try {
    return await fetch(`${base}/login/${step}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), keepalive: step === 'cancel' });
  } catch {
    return null;
  }
}
