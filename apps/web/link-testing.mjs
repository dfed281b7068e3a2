// What the tests of links share: the modules, a hub of mailboxes in memory, and a time that the test moves.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const modules = [
  'bytes', 'channel', 'codec', 'computer-pairing', 'courier', 'envelope', 'generated', 'index', 'link', 'noise', 'number', 'p256', 'phone-pairing', 'post', 'secret', 'store', 'trust',
];
const { outputFiles } = await build({
  stdin: {
    contents: `${modules.map((name) => `export * from './src/link/${name}.ts';`).join('\n')}
export { ComputerLogin, PhoneLogin } from './src/login/index.ts';
export { Queue } from './src/session/queue.ts';
export { Session, SessionCode, SessionEndedError } from './src/session/index.ts';`,
    resolveDir: fileURLToPath(new URL('.', import.meta.url)),
  },
  bundle: true, format: 'esm', write: false,
});
export const link = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
const { Queue, SessionCode, SessionEndedError, MailType } = link;

export const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
export const hex = (array) => Buffer.from(array).toString('hex');

/** Everything that is ready has run. */
export async function settled() {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export class TestTime {
  #now = 1_800_000_000_000;
  #timers = [];

  now() { return this.#now; }

  setTimeout(call, milliseconds) {
    const timer = { call, at: this.#now + Math.max(0, milliseconds) };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer) {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  /** The machine sleeps: no timer in between. */
  jump(milliseconds) {
    this.#now += milliseconds;
  }

  async advance(milliseconds) {
    const end = this.#now + milliseconds;
    await settled();
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      this.clearTimeout(next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
      await settled();
    }

    this.#now = end;
  }
}

/**
 * Mailboxes as a server has them: one consumer each, what is unsettled goes back, tickets exist while they are open, and 60 s at most. It holds everybody to the rule that matters most: no
 * two envelopes with the same key and nonce.
 */
export class TestHub {
  mailboxes = new Map();
  sent = [];
  capacity = 1000;
  /** What is answered instead of Ok: (mailbox, data) => code or undefined. */
  refuse = () => undefined;
  /** What becomes of a message on its way: (mailbox, data) => data, or undefined where it is lost. */
  tamper = (mailbox, data) => data;
  #nonces = new Map();

  constructor(time) {
    this.time = time;
  }

  connect() {
    return new TestSession(this);
  }

  open(name, session) {
    const mailbox = this.#mailbox(name);
    if (mailbox.consumer) mailbox.consumer.lose(name, SessionCode.TakenOver);
    this.#giveBack(mailbox);
    mailbox.consumer = session;
    if (name.startsWith('ticket/')) mailbox.timer = this.time.setTimeout(() => this.release(name, session, SessionCode.Expired), 60_000);
    this.#deliver(name, mailbox);
  }

  release(name, session, code = null) {
    const mailbox = this.mailboxes.get(name);
    if (mailbox?.consumer !== session) return;
    mailbox.consumer = null;
    this.#giveBack(mailbox);
    if (name.startsWith('ticket/')) {
      this.time.clearTimeout(mailbox.timer);
      this.mailboxes.delete(name);
    }

    if (code !== null) session.lose(name, code);
  }

  send(name, data) {
    this.#checkNonce(name, data);
    const refused = this.refuse(name, data);
    if (refused) return refused;
    if (name.startsWith('ticket/') && !this.mailboxes.has(name)) return SessionCode.NotFound;
    const mailbox = this.#mailbox(name);
    if (mailbox.waiting.length + mailbox.unsettled.size >= this.capacity) return SessionCode.Full;
    this.sent.push({ mailbox: name, data });
    const arriving = this.tamper(name, data);
    if (arriving) mailbox.waiting.push(Uint8Array.from(arriving));
    this.#deliver(name, mailbox);
    return SessionCode.Ok;
  }

  settle(name, delivery, session) {
    const mailbox = this.mailboxes.get(name);
    if (mailbox?.consumer !== session) return;
    mailbox.unsettled.delete(delivery);
    this.#deliver(name, mailbox);
  }

  envelopes(mailbox) {
    return this.sent.filter(({ mailbox: other, data }) => other === mailbox && data[0] === MailType.Envelope).map(({ data }) => data);
  }

  #mailbox(name) {
    if (!this.mailboxes.has(name)) this.mailboxes.set(name, { consumer: null, waiting: [], unsettled: new Map(), next: 1 });
    return this.mailboxes.get(name);
  }

  #giveBack(mailbox) {
    mailbox.waiting.unshift(...mailbox.unsettled.values());
    mailbox.unsettled.clear();
  }

  #deliver(name, mailbox) {
    while (mailbox.consumer && mailbox.waiting.length > 0 && mailbox.unsettled.size < 32) {
      const data = mailbox.waiting.shift();
      const delivery = mailbox.next++;
      mailbox.unsettled.set(delivery, data);
      mailbox.consumer.tell({ type: 'delivery', mailbox: name, delivery, redelivered: false, data: Uint8Array.from(data) });
    }
  }

  /** A key belongs to a direction and an epoch; a nonce is the counter. */
  #checkNonce(name, data) {
    if (data[0] !== MailType.Envelope) return;
    const nonce = `${name} ${hex(data.subarray(1, 13))}`;
    const before = this.#nonces.get(nonce);
    assert.ok(before === undefined || before === hex(data), `two envelopes with one nonce: ${nonce}`);
    this.#nonces.set(nonce, hex(data));
  }
}

export class TestSession {
  carrier = 'websocket';
  #hub;
  #notices = new Queue();
  #open = new Set();
  #isDead = false;
  /** Told before each thing that others see of this session; true: it does not happen any more. */
  step = () => false;

  constructor(hub) {
    this.#hub = hub;
  }

  async openMailbox(mailbox) {
    if (this.#isDead) return NEVER;
    if (this.#open.has(mailbox)) return SessionCode.AlreadySubscribed;
    this.#open.add(mailbox);
    this.#hub.open(mailbox, this);
    return SessionCode.Ok;
  }

  async closeMailbox(mailbox) {
    if (this.#isDead) return NEVER;
    if (!this.#open.delete(mailbox)) return SessionCode.NotFound;
    this.#hub.release(mailbox, this);
    return SessionCode.Ok;
  }

  async sendToMailbox(mailbox, data) {
    if (this.#isDead || this.step('send')) return NEVER;
    const code = this.#hub.send(mailbox, Uint8Array.from(data));
    return this.step('sent') ? NEVER : code;
  }

  settle({ mailbox, delivery }) {
    if (this.#isDead || this.step('settle')) return false;
    this.#hub.settle(mailbox, delivery, this);
    return true;
  }

  read(options) {
    return this.#notices.read(options?.signal);
  }

  async close() {
    this.vanish();
    this.#notices.end();
  }

  /** The server has ended it. */
  end(code) {
    this.vanish();
    this.#notices.end(new SessionEndedError(code, 'by the test'));
  }

  /** The page is gone, and says nothing. */
  vanish() {
    if (this.#isDead) return;
    this.#isDead = true;
    for (const mailbox of this.#open) this.#hub.release(mailbox, this);
  }

  tell(notice) {
    if (!this.#isDead) this.#notices.push(notice);
  }

  lose(mailbox, code) {
    this.#open.delete(mailbox);
    this.tell({ type: 'mailboxClosed', mailbox, code });
  }
}

const NEVER = new Promise(() => {});

/** A page: its session, its timers and what it keeps. Reloaded it has what was stored, and nothing else. */
export class TestPage {
  stored;
  crashAt = Infinity;
  steps = 0;
  trusts = [];

  constructor(hub, time, role, stored = link.memoryLinkStore()) {
    this.hub = hub;
    this.clock = time;
    this.role = role;
    this.stored = stored;
    this.load();
  }

  load() {
    const life = { isOver: false };
    this.life = life;
    this.session = this.hub.connect();
    this.session.step = () => this.#step(life);
    this.post = new link.Post(this.session);
    this.time = {
      now: () => this.clock.now(),
      setTimeout: (call, milliseconds) => this.clock.setTimeout(() => { if (!life.isOver) call(); }, milliseconds),
      clearTimeout: (timer) => this.clock.clearTimeout(timer),
    };
    this.store = {
      load: () => this.stored.load(),
      save: (record) => { if (!life.isOver && !this.#step(life)) this.stored.save(record); },
      erase: () => { if (!life.isOver) this.stored.erase(); },
      takeEpoch: (name, epoch) => (life.isOver ? epoch : this.stored.takeEpoch(name, epoch)),
      isKnown: (name) => this.stored.isKnown(name),
      forget: (name) => { if (!life.isOver) this.stored.forget(name); },
    };
    const options = { name: this.role, platform: 'Test', store: this.store, time: this.time, trust: this.trust };
    this.pairing = this.role === 'computer'
      ? new link.ComputerPairing(this.post, { ...options, origin: 'http://192.168.1.5:8080', browser: 'Test 1 on Linux', address: '192.168.1.5' })
      : new link.PhonePairing(this.post, options);
    this.states = [];
    this.messages = [];
    this.syncs = [];
    this.pairing.subscribe((state) => {
      this.states.push(state.step);
      if (state.step === 'linked' && this.link !== state.link) this.#adopt(state.link);
    });
  }

  get state() { return this.pairing.state; }

  reload() {
    this.life.isOver = true;
    this.session.vanish();
    this.link = null;
    this.crashAt = Infinity;
    this.load();
  }

  chat(id, text = `chat ${id}`) {
    this.link.send({ type: link.MessageType.Chat, id, time: 0, flags: 0, text });
  }

  get chats() {
    return this.messages.filter(({ type }) => type === link.MessageType.Chat).map(({ id }) => id);
  }

  #adopt(established) {
    this.link = established;
    established.onMessage((message) => this.messages.push(message));
    established.onSync((sync) => this.syncs.push(sync));
    established.start();
  }

  /** The page may die at any thing that others see of it, or that it stores: then nothing more of it is seen. */
  #step(life) {
    if (life.isOver) return true;
    if (++this.steps < this.crashAt) return false;
    life.isOver = true;
    this.session.vanish();
    return true;
  }
}

/** A computer that shows a code, and a phone. */
export async function start(createStore = link.memoryLinkStore) {
  const time = new TestTime();
  const hub = new TestHub(time);
  const computer = new TestPage(hub, time, 'computer', createStore());
  const phone = new TestPage(hub, time, 'phone', createStore());
  computer.pairing.start();
  await settled();
  return { time, hub, computer, phone };
}

/** The two, linked. */
export async function startLinked(createStore) {
  const world = await start(createStore);
  const { computer, phone } = world;
  phone.pairing.claim(computer.state.url);
  await settled();
  phone.pairing.choose(computer.state.number);
  await settled();
  assert.equal(computer.state.step, 'linked');
  assert.equal(phone.state.step, 'linked');
  return world;
}

/** A browser's storage. */
export function storage(entries = new Map()) {
  return { entries, getItem: (key) => entries.get(key) ?? null, setItem: (key, value) => { entries.set(key, value); }, removeItem: (key) => { entries.delete(key); } };
}
