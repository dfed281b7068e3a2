export const byId = (id) => document.getElementById(id);

/** Shows what belongs to a step, and nothing else. */
export function show(step) {
  for (const part of document.querySelectorAll('[data-step]')) part.hidden = part.dataset.step !== step;
}

/** Who is signed in here; null: nobody. */
export async function whoAmI() {
  const response = await fetch('/me');
  return response.ok ? response.json() : null;
}

export function post(path, body = {}) {
  return fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

const reasons = {
  wrongNumber: 'Another number was tapped.',
  noneOfThese: 'The phone was shown other numbers: somebody else may have scanned the code.',
  secondClaim: 'The code was scanned twice: somebody else may be trying to use it.',
  forged: 'Somebody may be standing between the two devices.',
  refused: 'It was refused.',
  denied: 'The computer refused.',
  tooSlow: 'It took too long.',
  noAnswer: 'The computer does not answer.',
  noSuchCode: 'The code is no longer good. Scan it again.',
  tooManyTries: 'There were too many tries. Wait a minute.',
  notSignedIn: 'Nobody is signed in on the phone.',
  unreachable: 'The server was not reached.',
};

/** Why nobody was signed in, for people. */
export const reason = (why) => `${reasons[why] ?? 'It did not work.'} Nobody was signed in.`;

// A page that comes back from the browser's cache has lost its connections.
addEventListener('pageshow', ({ persisted }) => { if (persisted) location.reload(); });
