import { MessageType } from '../link/generated.ts';
import type { Link } from '../link/link.ts';
import { Observable } from '../link/observable.ts';
import { PhonePairing } from '../link/phone-pairing.ts';
import { Post } from '../link/post.ts';
import type { Asker, PhoneState } from '../link/states.ts';
import { memoryLinkStore } from '../link/store.ts';
import { browserTime, type Time } from '../link/time.ts';
import { thisDevice } from '../linked/device.ts';
import { ask, type LoginFailure } from './failure.ts';

export interface PhoneLoginOptions {
  /** Where the application has mapped links. Default /link. */
  readonly base?: string;
  /** What brings the messages. Default: a session of its own. */
  readonly connect?: () => Promise<Post>;
  readonly time?: Time;
}

// How long the computer may be silent after the phone has approved: its page may have been left at once, which is how most pages sign in.
const MOST_SILENCE = 10_000;

/** A login as the phone sees it. Its owner is shown who asks, and picks the number that stands on the computer. */
export type PhoneLoginState =
  | { readonly step: 'idle' }
  | { readonly step: 'claiming' }
  | { readonly step: 'choosing'; readonly computer: Asker; readonly numbers: readonly [string, string, string] }
  | { readonly step: 'approving'; readonly computer: Asker }
  /** Approved, and the computer was told; it has said that it is signed in, or nothing. */
  | { readonly step: 'done' }
  | { readonly step: 'failed'; readonly why: LoginFailure };

/** The phone's half of a login: who is signed in here signs the computer in that shows the code. */
export class PhoneLogin extends Observable<PhoneLoginState> {
  readonly #base: string;
  readonly #time: Time;
  readonly #connect: () => Promise<Post>;
  #pairing: PhonePairing | null = null;
  #post: Post | null = null;
  #isOver = false;

  constructor({ base = '/link', connect = () => Post.connect(base), time = browserTime }: PhoneLoginOptions = {}) {
    super({ step: 'idle' });
    this.#base = base;
    this.#connect = connect;
    this.#time = time;
  }

  /** Claims a code, once. What is not one is noSuchCode. */
  async claim(code: string): Promise<void> {
    if (this.state.step !== 'idle' || this.#isOver) return;
    this.set({ step: 'claiming' });
    const post = await this.#connect().catch(() => null);
    if (!post || this.#isOver) {
      void post?.end();
      return this.#over({ step: 'failed', why: 'unreachable' });
    }

    this.#post = post;
    post.subscribe(({ ended }) => { if (ended !== null) this.#over({ step: 'failed', why: 'unreachable' }); });
    // Nothing of a login is kept, and nothing of what another page of this origin keeps is touched.
    this.#pairing = new PhonePairing(post, { ...thisDevice, store: memoryLinkStore(), time: this.#time });
    this.#pairing.subscribe((state) => this.#follow(state));
    if (!this.#pairing.claim(code)) this.#over({ step: 'failed', why: 'noSuchCode' });
  }

  /** The number that stands on the computer. Another one signs nobody in. */
  choose(number: string): void {
    this.#pairing?.choose(number);
  }

  /** None of the numbers stands there: somebody else's computer asks. */
  noneOfThese(): void {
    this.#pairing?.noneOfThese();
  }

  /** Leaves; nobody is signed in who is not yet. */
  stop(): void {
    this.#isOver = true;
    this.#pairing?.stop();
    void this.#post?.end();
  }

  #follow(state: PhoneState): void {
    if (this.#isOver) return;
    // Before there is a number to pick: a link for good is not what was asked for here.
    if (state.step === 'asked' && state.computer.loginId === null) {
      this.#over({ step: 'failed', why: 'notALogin' });
      this.#pairing!.refuse();
    } else if (state.step === 'choosing') {
      this.set({ step: 'choosing', computer: state.computer, numbers: state.numbers });
    } else if (state.step === 'linked') {
      void this.#approve(state.link, state.computer!);
    } else if (state.step === 'dead') {
      this.#over({ step: 'failed', why: state.why });
    }
  }

  async #approve(link: Link, computer: Asker): Promise<void> {
    this.set({ step: 'approving', computer });
    let isApproved = false;
    // The computer ends the link when it is signed in.
    link.subscribe(({ end }) => { if (end) this.#over(isApproved && end.why === 'unlinked' ? { step: 'done' } : { step: 'failed', why: end.why }); });
    link.start();
    const response = await ask(this.#base, 'approve', { id: computer.loginId! });
    if (this.#isOver) return;
    if (response?.ok) {
      isApproved = true;
      link.send({ type: MessageType.LoginApproved });
      this.#time.setTimeout(() => this.#over({ step: 'done' }), MOST_SILENCE);
      return;
    }

    this.#over({ step: 'failed', why: response ? (response.status === 401 ? 'notSignedIn' : 'rejected') : 'unreachable' });
    link.unlink();
  }

  #over(state: PhoneLoginState): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.set(state);
  }
}
