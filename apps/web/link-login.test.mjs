// A computer that signs in by a phone: the two ends, over mailboxes in memory, and an application that knows who is signed in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link, settled, TestHub, TestTime } from './link-testing.mjs';

const { ComputerLogin, PhoneLogin, Post } = link;

/** The application as its server's half has it: the cookie is that of the newest login, and an old login is none. */
class Application {
  logins = new Map();
  user = 'ada';
  signedIn = null;
  asked = [];
  answer = () => undefined;

  constructor(time) {
    this.time = time;
    globalThis.location = { origin: 'http://computer.test' };
    globalThis.fetch = (url, { body } = {}) => this.#serve(url.split('/').at(-1), body && JSON.parse(body));
  }

  async #serve(step, body) {
    if (step === 'address') return Response.json({ address: '192.168.1.5' });
    this.asked.push(step);
    const refused = this.answer(step);
    if (refused) return new Response(null, { status: refused });
    if (step === 'start') {
      this.cookie = `login ${this.asked.length}`;
      this.logins.set(this.cookie, { ends: this.time.now() + 120_000, user: null });
      return Response.json({ id: this.cookie, seconds: 120 });
    }

    const login = this.logins.get(body.id);
    if (!login || this.time.now() >= login.ends) return new Response(null, { status: 404 });
    if (step === 'approve') {
      if (!this.user) return new Response(null, { status: 401 });
      login.user = this.user;
    } else {
      if (this.cookie !== body.id) return new Response(null, { status: 403 });
      if (step === 'finish' && !login.user) return new Response(null, { status: 409 });
      if (step === 'finish') this.signedIn = login.user;
      this.logins.delete(body.id);
    }

    return new Response(null, { status: 204 });
  }
}

async function start() {
  const time = new TestTime();
  const hub = new TestHub(time);
  const application = new Application(time);
  const sessions = [];
  const options = {
    time,
    connect: async () => {
      sessions.push(hub.connect());
      return new Post(sessions.at(-1));
    },
  };
  const computer = new ComputerLogin(options);
  const phone = new PhoneLogin(options);
  void computer.start();
  await settled();
  assert.equal(computer.state.step, 'showing');
  return { time, hub, application, computer, phone, sessions, options };
}

async function ask({ computer, phone }) {
  void phone.claim(computer.state.url);
  await settled();
  assert.equal(computer.state.step, 'numbered');
}

async function pick({ computer, phone }) {
  phone.choose(computer.state.number);
  await settled();
}

test('the computer ends signed in as who holds the phone, who is shown who asks', async () => {
  const world = await start();
  await ask(world);
  assert.equal(world.phone.state.computer.origin, 'http://computer.test');
  assert.equal(world.phone.state.computer.address, '192.168.1.5');
  await pick(world);
  assert.deepEqual([world.computer.state, world.phone.state], [{ step: 'done' }, { step: 'done' }]);
  assert.equal(world.application.signedIn, 'ada');
  assert.deepEqual(world.application.asked, ['start', 'approve', 'finish']);
});

test('a wrong number signs nobody in, and what was begun is cancelled; another code can be shown', async () => {
  const world = await start();
  await ask(world);
  world.phone.choose(world.phone.state.numbers.find((number) => number !== world.computer.state.number));
  await settled();
  assert.deepEqual([world.computer.state, world.phone.state], Array(2).fill({ step: 'failed', why: 'wrongNumber' }));
  assert.deepEqual(world.application.asked, ['start', 'cancel']);
  assert.equal(world.application.logins.size, 0);
  world.phone = new PhoneLogin(world.options);
  void world.computer.start();
  await settled();
  await ask(world);
  await pick(world);
  assert.equal(world.application.signedIn, 'ada');
});

test('a code that is shown for long is of a login that is young enough for the minute that people have', async () => {
  const world = await start();
  await world.time.advance(599_000);
  await ask(world);
  await world.time.advance(59_000);
  await pick(world);
  assert.equal(world.computer.state.step, 'done');
});

test('nobody is signed in on the phone: neither is the computer', async () => {
  const world = await start();
  world.application.user = null;
  await ask(world);
  await pick(world);
  assert.deepEqual(world.phone.state, { step: 'failed', why: 'notSignedIn' });
  assert.deepEqual(world.computer.state, { step: 'failed', why: 'unlinked' });
  assert.equal(world.application.signedIn, null);
});

test('the application does not finish it: the phone hears of it', async () => {
  const world = await start();
  world.application.answer = (step) => (step === 'finish' ? 403 : undefined);
  await ask(world);
  await pick(world);
  assert.deepEqual(world.computer.state, { step: 'failed', why: 'rejected' });
  assert.deepEqual(world.phone.state, { step: 'failed', why: 'protocolError' });
});

test('a phone that is gone when it should approve: the computer waits for a minute', async () => {
  const world = await start();
  await ask(world);
  world.application.answer = (step) => {
    if (step === 'approve') world.sessions[1].vanish();
  };
  await pick(world);
  assert.equal(world.computer.state.step, 'approving');
  await world.time.advance(60_000);
  assert.deepEqual(world.computer.state, { step: 'failed', why: 'tooSlow' });
});

test('a computer whose page is left as soon as it is signed in: the phone is done after a while', async () => {
  const world = await start();
  await ask(world);
  world.application.answer = (step) => {
    if (step === 'finish') world.sessions[0].vanish();
  };
  await pick(world);
  assert.equal(world.application.signedIn, 'ada');
  assert.equal(world.phone.state.step, 'approving');
  await world.time.advance(10_000);
  assert.deepEqual(world.phone.state, { step: 'done' });
});

test('a page that asks for a link and not for a login is refused before there is a number to pick', async () => {
  const world = await start();
  const page = new link.ComputerPairing(await world.options.connect(), {
    origin: 'http://computer.test', browser: 'Test', name: 'computer', platform: 'Test', store: link.memoryLinkStore(), time: world.time,
  });
  page.start();
  await settled();
  void world.phone.claim(page.state.url);
  await settled();
  assert.deepEqual(world.phone.state, { step: 'failed', why: 'notALogin' });
  assert.deepEqual([page.state.step, page.state.why], ['dead', 'refused']);
  world.phone.stop();
});

test('no server, and too many logins: it says so', async () => {
  const world = await start();
  world.application.answer = () => 429;
  void world.computer.start();
  await settled();
  assert.deepEqual(world.computer.state, { step: 'failed', why: 'tooManyTries' });
  globalThis.fetch = async () => { throw new TypeError('by the test'); };
  void world.computer.start();
  await settled();
  assert.deepEqual(world.computer.state, { step: 'failed', why: 'unreachable' });
  const phone = new PhoneLogin({ ...world.options, connect: async () => { throw new Error('by the test'); } });
  await phone.claim(link.createSecret());
  assert.deepEqual(phone.state, { step: 'failed', why: 'unreachable' });
});
