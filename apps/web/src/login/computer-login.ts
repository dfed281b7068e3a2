import { fetchAddress } from '../link/address.ts';
import { ComputerPairing } from '../link/computer-pairing.ts';
import { MessageType, PAIRING_SECONDS } from '../link/generated.ts';
import type { Link } from '../link/link.ts';
import { Observable } from '../link/observable.ts';
import { Post } from '../link/post.ts';
import type { ComputerState, Peer } from '../link/states.ts';
import { browserTime, type Time } from '../link/time.ts';
import { nameOf, thisDevice } from '../linked/device.ts';
import { ask, type LoginFailure } from './failure.ts';

export interface ComputerLoginOptions {
  /** Where the application has mapped links. Default /link. */
  readonly base?: string;
  /** Where the phone is to open `/phone`. Default the origin of this page. */
  readonly origin?: string;
  /** What asks, in words, such as "Firefox on Linux". At most 128 bytes; more is cut. Default: what the browser says of itself. */
  readonly browser?: string;
  /** What brings the messages. Default: a session of its own. */
  readonly connect?: () => Promise<Post>;
  readonly time?: Time;
}

/** A login as the computer sees it. The state after `approving` is `done`: the server's answer to the last request has signed this browser in. */
export type ComputerLoginState =
  | { readonly step: 'starting' }
  | { readonly step: 'showing'; readonly url: string; readonly secret: string }
  | { readonly step: 'scanned'; readonly phone: Peer }
  | { readonly step: 'numbered'; readonly phone: Peer; readonly number: string }
  | { readonly step: 'approving' }
  | { readonly step: 'done' }
  | { readonly step: 'failed'; readonly why: LoginFailure };

interface Started {
  readonly id: string;
  /** How long it may take, from start to finish. */
  readonly seconds: number;
}

/** The computer's half of a login: a code, the number, and then this browser is signed in as who holds the phone. */
export class ComputerLogin extends Observable<ComputerLoginState> {
  readonly #options: ComputerLoginOptions;
  readonly #base: string;
  readonly #time: Time;
  #post: Post | null = null;
  #pairing: ComputerPairing | null = null;
  #id = '';
  #timer: unknown;
  // A run that is over says nothing any more.
  #run = 0;

  constructor(options: ComputerLoginOptions = {}) {
    super({ step: 'starting' });
    this.#options = options;
    this.#base = options.base ?? '/link';
    this.#time = options.time ?? browserTime;
  }

  /** Shows a code: the first one, or another after it has failed. */
  async start(): Promise<void> {
    this.#leave();
    const run = ++this.#run;
    this.set({ step: 'starting' });
    const [post, started, address] = await Promise.all([this.#connect().catch(() => null), this.#begin(), fetchAddress(this.#base)]);
    if (run !== this.#run || !post || typeof started === 'string') {
      void post?.end();
      if (run === this.#run) this.#fail(typeof started === 'string' ? started : 'unreachable');
      return;
    }

    this.#post = post;
    this.#id = started.id;
    this.#renewLater(started);
    const login = this;
    this.#pairing = new ComputerPairing(post, {
      ...thisDevice, time: this.#time, address, origin: this.#options.origin ?? location.origin, browser: this.#options.browser ?? nameOf(thisDevice),
      // Read when somebody claims.
      get loginId() { return login.#id; },
    });
    this.#pairing.subscribe((state) => { if (run === this.#run) this.#follow(state); });
    post.subscribe(({ ended }) => { if (ended !== null && run === this.#run) this.#fail('unreachable'); });
    this.#pairing.start();
  }

  /** Leaves; nobody is signed in. */
  stop(): void {
    this.#run++;
    this.#leave();
  }

  #connect(): Promise<Post> {
    return this.#options.connect?.() ?? Post.connect(this.#base);
  }

  async #begin(): Promise<Started | LoginFailure> {
    const response = await ask(this.#base, 'start', {});
    if (!response) return 'unreachable';
    if (!response.ok) return response.status === 429 ? 'tooManyTries' : 'rejected';
    return await response.json() as Started;
  }

  /** A login does not live as long as a code may be shown: whoever scans is to have his whole minute. */
  #renewLater({ seconds }: Started): void {
    const run = this.#run;
    this.#timer = this.#time.setTimeout(() => void (async () => {
      const started = await this.#begin();
      // Claimed in this very moment: the cookie is the new one's, so the server will not finish the old one, and it is to be tried again.
      if (run !== this.#run || (this.state.step !== 'showing' && this.state.step !== 'starting')) return;
      if (typeof started === 'string') return this.#fail(started);
      this.#id = started.id;
      this.#renewLater(started);
    })(), Math.max(1, seconds - PAIRING_SECONDS) * 1000);
  }

  #follow(state: ComputerState): void {
    if (state.step !== 'showing' && state.step !== 'starting') this.#time.clearTimeout(this.#timer);
    if (state.step === 'showing') this.set({ step: 'showing', url: state.url, secret: state.secret });
    else if (state.step === 'claimed') this.set({ step: 'scanned', phone: state.phone });
    else if (state.step === 'numbered') this.set({ step: 'numbered', phone: state.phone, number: state.number });
    else if (state.step === 'dead') this.#fail(state.why);
    else if (state.step === 'linked') this.#linked(state.link);
  }

  #linked(link: Link): void {
    const run = this.#run;
    const id = this.#id;
    this.set({ step: 'approving' });
    this.#timer = this.#time.setTimeout(() => {
      if (run !== this.#run) return;
      link.fail('the login was not approved');
      this.#fail('tooSlow');
    }, PAIRING_SECONDS * 1000);
    link.onMessage(({ type }) => { if (type === MessageType.LoginApproved) void this.#finish(run, link, id); });
    // Before it is done: the phone has given up.
    link.subscribe(({ end }) => { if (end && !end.byUs && run === this.#run) this.#fail(end.why); });
    link.start();
  }

  async #finish(run: number, link: Link, id: string): Promise<void> {
    const response = await ask(this.#base, 'finish', { id });
    if (run !== this.#run) return;
    if (!response?.ok) {
      link.fail('the login was not finished');
      this.#fail(response ? 'rejected' : 'unreachable');
      return;
    }

    this.#run++;
    this.#time.clearTimeout(this.#timer);
    // Over: there is nothing to cancel, and the phone hears of it by the end of the link, if this page lives long enough.
    this.#id = '';
    link.unlink();
    this.#pairing?.stop();
    this.set({ step: 'done' });
  }

  #fail(why: LoginFailure): void {
    this.#run++;
    const id = this.#id;
    this.#pairing?.stop();
    this.#time.clearTimeout(this.#timer);
    if (id) void ask(this.#base, 'cancel', { id });
    this.#id = '';
    this.set({ step: 'failed', why });
  }

  #leave(): void {
    this.#time.clearTimeout(this.#timer);
    if (this.#id) void ask(this.#base, 'cancel', { id: this.#id });
    this.#id = '';
    this.#pairing?.stop();
    this.#pairing = null;
    void this.#post?.end();
    this.#post = null;
  }
}
