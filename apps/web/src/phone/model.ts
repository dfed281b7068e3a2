import { signal } from '@preact/signals';
import { fetchAddress, PhonePairing, trustStore, type PhoneState, type Post, type TrustedEnd } from '../link/index.ts';
import { BASE, connect } from '../linked/connection.ts';
import { Conversation } from '../linked/conversation.ts';
import { thisDevice } from '../linked/device.ts';
import { takeCode } from './fragment.ts';
import { takeShared } from './share.ts';

const CONTENT_KEY = 'tandem.link.phone.content';

export const state = signal<PhoneState>({ step: 'idle' });
export const conversation = signal<Conversation | null>(null);
/** This phone's address, as the server sees it; empty: it is not known. */
export const address = signal('');
/** Whether the server was reached, so that a code can be claimed. */
export const isReady = signal(false);
export const trust = trustStore('phone');
export const trustedComputers = signal<readonly TrustedEnd[]>([]);
trust.subscribe((ends) => { trustedComputers.value = ends; });

/** Whether what is under way, or has failed, began with a computer that is trusted and not with a code. */
export const isRelinking = signal(false);

/** What other applications have shared with this one, and waits for a link. */
export const shared = signal<readonly (File | string)[]>([]);

let pairing: PhonePairing | null = null;

// Before anything else, so that the secret is out of the address bar whatever happens then.
let code = takeCode();

/** Connects, claims the code that the page was opened with, or resumes the link of this tab. */
export async function start(): Promise<void> {
  void takeShared().then((items) => { shared.value = [...shared.value, ...items]; deliverShared(); });
  await run();
}

async function run(): Promise<void> {
  const post: Post = await connect();
  void fetchAddress(BASE).then((found) => { address.value = found; });
  pairing = new PhonePairing(post, { ...thisDevice, trust });
  const stop = pairing.subscribe(follow);
  const ending = post.subscribe(({ ended }) => {
    if (ended === null) return;
    queueMicrotask(() => ending());
    stop();
    pairing?.stop();
    conversation.value?.dispose();
    conversation.value = null;
    void run();
  });
  isReady.value = true;
  if (code !== null) claim(code);
  else pairing.resume();
}

/** Claims a code. False: it is none. */
export function claim(typed: string): boolean {
  code = null;
  isRelinking.value = false;
  const step = pairing?.state.step;
  if (step === 'dead') pairing!.reset();
  return pairing?.claim(typed) ?? false;
}

export const choose = (number: string) => pairing!.choose(number);
export const noneOfThese = () => pairing!.noneOfThese();
export const refuse = () => pairing!.refuse();
export const reset = () => pairing!.reset();
export const relink = (end: TrustedEnd) => {
  if (pairing!.state.step === 'dead') pairing!.reset();
  isRelinking.value = true;
  pairing!.relink(end);
};

function follow(next: PhoneState): void {
  if (next.step === 'linked') {
    if (conversation.value?.link !== next.link) {
      conversation.value?.dispose();
      conversation.value = new Conversation(next.link, CONTENT_KEY, next.resumed);
      deliverShared();
    }
  } else {
    const end = conversation.value?.link.state.end;
    const isOwnEnd = end?.byUs === true && end.why === 'unlinked';
    conversation.value?.dispose();
    conversation.value = null;
    // Whoever has ended the link knows that, and goes on to the next.
    if (next.step === 'dead' && isOwnEnd) return queueMicrotask(() => pairing?.reset());
  }

  state.value = next;
}

function deliverShared(): void {
  const to = conversation.value;
  if (!to || shared.value.length === 0) return;
  const items = shared.value;
  shared.value = [];
  for (const item of items) {
    if (typeof item === 'string') to.say(item);
    else to.files.send([item]);
  }
}

// The same tab may be given another code.
addEventListener('hashchange', () => {
  const found = takeCode();
  if (found === null) return;
  const step = state.value.step;
  if (step === 'idle' || step === 'dead') claim(found);
});

// A page from the back/forward cache has a session that others may have taken over.
addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
