import { effect, signal } from '@preact/signals';
import { ComputerPairing, fetchAddress, trustStore, type ComputerState, type Post, type TrustedEnd } from '../link/index.ts';
import { BASE, connect } from '../linked/connection.ts';
import { Conversation } from '../linked/conversation.ts';
import { thisDevice } from '../linked/device.ts';

const CONTENT_KEY = 'tandem.link.computer.content';

export const state = signal<ComputerState>({ step: 'starting' });
export const conversation = signal<Conversation | null>(null);
export const trust = trustStore('computer');
export const trustedPhones = signal<readonly TrustedEnd[]>([]);
trust.subscribe((ends) => { trustedPhones.value = ends; });

/** Why the link that there was is over, until its owner has read it. */
export const ended = signal<Extract<ComputerState, { step: 'dead' }> | null>(null);

let post: Post | null = null;
let address = '';
let pairing: ComputerPairing | null = null;
let stop: () => void = () => {};

/** Connects, and resumes the link of this tab or shows a code. A session that has ended for good is followed by another. */
export async function start(): Promise<void> {
  post = await connect();
  address = await fetchAddress(BASE);
  const ending = post.subscribe(({ ended: why }) => {
    if (why === null) return;
    queueMicrotask(() => ending());
    leave();
    void start();
  });
  pair();
}

function pair(): void {
  pairing = new ComputerPairing(post!, {
    origin: location.origin, browser: [thisDevice.platform, thisDevice.name].filter((part) => part !== '').join(', '), ...thisDevice, address, trust,
  });
  stop = pairing.subscribe(follow);
  pairing.start();
}

/** Another code: after what has gone wrong, and where somebody asks whom its owner does not know. */
export function newCode(): void {
  ended.value = null;
  if (state.value.step !== 'showing') pairing?.newCode();
}

function leave(): void {
  stop();
  pairing?.stop();
  conversation.value?.dispose();
  conversation.value = null;
  state.value = { step: 'starting' };
}

function follow(next: ComputerState): void {
  if (next.step === 'linked') {
    if (conversation.value?.link !== next.link) {
      const before = next.replaced ? conversation.value : null;
      if (!before) conversation.value?.dispose();
      conversation.value = new Conversation(next.link, CONTENT_KEY, next.resumed, before);
    }

    ended.value = null;
  } else if (conversation.value) {
    const { end } = conversation.value.link.state;
    // Whoever has unlinked knows that.
    if (end && !(end.byUs && end.why === 'unlinked')) ended.value = { step: 'dead', why: end.why, alarm: false, phone: null, reason: end.reason };
    conversation.value.dispose();
    conversation.value = null;
  }

  state.value = next;
}

// A page from the back/forward cache has a session that others may have taken over.
addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

// Somebody may look for a number or a code in the row of tabs.
effect(() => { document.documentElement.dataset.step = state.value.step; });
