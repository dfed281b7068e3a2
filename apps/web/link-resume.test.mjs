// Links whose pages go away and come back, whose server is full, or loses something. The hub in link-testing.mjs sees to it that no nonce is used twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link, settled, start, startLinked, storage, TestHub, TestPage, TestTime } from './link-testing.mjs';

const { MailType, MessageType, SessionCode } = link;

for (const role of ['computer', 'phone']) {
  test(`the ${role} is reloaded: the link goes on, with another epoch, and both are told to bring each other up to date`, async () => {
    const world = await startLinked();
    const { computer, phone } = world;
    const other = role === 'computer' ? phone : computer;
    const page = world[role];
    page.chat(1);
    await settled();
    other.syncs.length = 0;
    page.reload();
    if (role === 'computer') page.pairing.start();
    else assert.equal(page.pairing.resume(), true);
    other.chat(5);
    await world.time.advance(1_000);
    page.chat(2);
    await settled();
    assert.equal(page.state.resumed, true);
    assert.deepEqual(other.chats, [1, 2]);
    assert.deepEqual(page.chats, [5]);
    assert.deepEqual(other.syncs, [{ restarted: true }]);
    assert.equal(page.syncs.length, 1);
    assert.equal(page.link.state.greeted, true);
  });
}

test('what is sent while the other end is away waits for it, in order', async () => {
  const { time, computer, phone } = await startLinked();
  phone.life.isOver = true;
  phone.session.vanish();
  for (let id = 1; id <= 20; id++) computer.chat(id);
  await time.advance(40_000);
  assert.equal(computer.link.state.status, 'asleep');
  assert.equal(computer.link.state.waiting, 0);
  phone.reload();
  phone.pairing.resume();
  await time.advance(1_000);
  assert.deepEqual(phone.chats, Array.from({ length: 20 }, (_, i) => i + 1));
  assert.equal(computer.link.state.status, 'open');
});

test('PING: the time of a round trip is known, and one is under way at a time', async () => {
  const { time, hub, computer, phone } = await startLinked();
  await time.advance(100_000);
  assert.equal(computer.link.state.roundTrip, 0);
  assert.equal(phone.link.state.status, 'open');
  phone.life.isOver = true;
  phone.session.vanish();
  const before = hub.sent.length;
  await time.advance(300_000);
  assert.equal(computer.link.state.status, 'asleep');
  assert.ok(hub.sent.length - before <= 1);
});

/** Does what pages do until nothing more comes of it, whatever happens to them. */
async function exercise({ time, computer, phone }) {
  for (let id = 1; id <= 3; id++) {
    if (computer.link) computer.chat(id);
    if (phone.link) phone.chat(id);
    await time.advance(500);
  }

  time.jump(3_600_000);
  if (computer.link) computer.chat(4);
  if (phone.link) phone.chat(4);
  await time.advance(100);
}

/** Without what all tabs know of epochs: what is stored has to be enough. */
const forgetful = () => ({ ...link.memoryLinkStore(), takeEpoch: (name, epoch) => epoch, isKnown: () => true });

for (const role of ['computer', 'phone']) {
  test(`the ${role} dies at any step of a link that is up, and comes back: everything new arrives, no nonce is used twice`, { timeout: 120_000 }, async () => {
    let died = 0;
    for (let step = 1; ; step++) {
      const world = await startLinked(forgetful);
      const { computer, phone, time } = world;
      const page = world[role];
      page.crashAt = page.steps + step;
      await exercise(world);
      const hasDied = page.life.isOver;
      if (!hasDied) break;
      died++;
      page.reload();
      if (role === 'computer') page.pairing.start();
      else page.pairing.resume();
      await time.advance(1_000);
      assert.equal(page.state.step, 'linked', `step ${step}`);
      computer.chat(100);
      phone.chat(100);
      await time.advance(10_000);
      assert.equal(computer.chats.at(-1), 100, `step ${step}`);
      assert.equal(phone.chats.at(-1), 100, `step ${step}`);
      for (const { chats } of [computer, phone]) assert.deepEqual(chats, [...new Set(chats)].sort((a, b) => a - b), `step ${step}`);
      assert.ok(computer.link.state.greeted && phone.link.state.greeted, `step ${step}`);
    }

    assert.ok(died > 30, `${died}`);
  });

  test(`the ${role} dies at any step of pairing, and comes back: both are linked, or can pair again; no nonce is used twice`, { timeout: 120_000 }, async () => {
    const ends = new Set();
    for (let step = 1; ; step++) {
      const time = new TestTime();
      const hub = new TestHub(time);
      const computer = new TestPage(hub, time, 'computer', forgetful());
      const phone = new TestPage(hub, time, 'phone', forgetful());
      const page = role === 'computer' ? computer : phone;
      page.crashAt = step;
      computer.pairing.start();
      await settled();
      if (computer.state.step === 'showing') phone.pairing.claim(computer.state.url);
      await settled();
      if (phone.state.step === 'choosing') phone.pairing.choose(computer.state.number);
      await settled();
      if (!page.life.isOver) break;
      page.reload();
      if (role === 'computer') page.pairing.start();
      else page.pairing.resume();
      await time.advance(70_000);
      const isLinked = computer.state.step === 'linked' && phone.state.step === 'linked';
      ends.add(`${computer.state.step} ${phone.state.step}`);
      if (isLinked) {
        computer.chat(1);
        phone.chat(1);
        await time.advance(1_000);
        assert.deepEqual([computer.chats, phone.chats], [[1], [1]], `step ${step}`);
        continue;
      }

      // The one that is left thinks that it is linked at worst: its owner sees that the other end is asleep.
      if (phone.state.step === 'linked') {
        assert.deepEqual([phone.link.state.greeted, phone.link.state.status], [false, 'asleep'], `step ${step}`);
        phone.link.unlink();
      }

      if (computer.state.step !== 'showing') computer.pairing.newCode();
      await settled();
      phone.pairing.claim(computer.state.url);
      await settled();
      phone.pairing.choose(computer.state.number);
      await settled();
      assert.deepEqual([computer.state.step, phone.state.step], ['linked', 'linked'], `step ${step}`);
    }

    assert.ok(ends.has('linked linked') && ends.size > 1, [...ends].join());
  });
}

test('a tab that is duplicated takes the link over, with an epoch that the first has not taken; reloaded, the first takes it back', async () => {
  const { time, hub, computer, phone } = await startLinked();
  const kept = new Map([['record', computer.stored.load()]]);
  const copy = new TestPage(hub, time, 'computer', {
    load: () => kept.get('record') ?? null,
    save: (record) => kept.set('record', record),
    erase: () => kept.clear(),
    takeEpoch: (name, epoch) => computer.stored.takeEpoch(name, epoch),
    isKnown: (name) => computer.stored.isKnown(name),
  });
  copy.pairing.start();
  await settled();
  assert.equal(computer.link.state.status, 'takenOver');
  copy.chat(1);
  await settled();
  computer.reload();
  computer.pairing.start();
  await settled();
  assert.equal(copy.link.state.status, 'takenOver');
  computer.chat(2);
  await settled();
  assert.deepEqual(phone.chats, [1, 2]);
});

test('the session is lost for good: the link can be resumed over another', async () => {
  const { time, computer, phone } = await startLinked();
  computer.session.end(SessionCode.Forbidden);
  await settled();
  assert.equal(computer.link.state.status, 'lost');
  phone.chat(1);
  computer.reload();
  computer.pairing.start();
  await time.advance(1_000);
  assert.deepEqual(computer.chats, [1]);
});

test('a mailbox that is full, or that nodes do not reach: sent again, later and later, in order and once', async () => {
  const { time, hub, computer, phone } = await startLinked();
  const inbox = hub.sent.at(-1).mailbox;
  const mailbox = [...hub.mailboxes.keys()].find((name) => name.startsWith('link/') && hub.mailboxes.get(name).consumer === phone.session);
  assert.ok(inbox);
  for (const code of [SessionCode.Full, SessionCode.Unavailable]) {
    let refused = 0;
    hub.refuse = (name) => (name === mailbox ? (refused++, code) : undefined);
    const first = code * 1000;
    for (let id = first; id < first + 30; id++) computer.chat(id);
    await time.advance(20_000);
    assert.equal(computer.link.state.problem, code);
    assert.ok(computer.link.state.waiting > 0);
    assert.ok(refused < 80, `${refused} tries`);
    hub.refuse = () => undefined;
    await time.advance(40_000);
    assert.equal(computer.link.state.problem, 0);
    assert.equal(computer.link.state.waiting, 0);
  }

  assert.deepEqual(phone.chats, [SessionCode.Full, SessionCode.Unavailable].flatMap((code) => Array.from({ length: 30 }, (_, i) => code * 1000 + i)));
});

test('too many requests: again after 10 s, as the server asks', async () => {
  const { time, hub, computer, phone } = await startLinked();
  let tries = 0;
  hub.refuse = () => (++tries, SessionCode.TooManyRequests);
  computer.chat(1);
  await time.advance(9_999);
  assert.equal(tries, 1);
  hub.refuse = () => undefined;
  await time.advance(1);
  assert.deepEqual(phone.chats, [1]);
});

test('one is refused, and what was sent behind it is stored: it is sealed again, and goes behind', async () => {
  const { time, hub, computer, phone } = await startLinked();
  let count = 0;
  hub.refuse = (name, data) => (data[0] === MailType.Envelope && ++count === 2 ? SessionCode.Full : undefined);
  for (let id = 1; id <= 5; id++) computer.chat(id);
  await time.advance(10_000);
  assert.deepEqual([...phone.chats].sort(), [1, 2, 3, 4, 5]);
});

test('it is not known whether it was stored, and it was: the same again is dropped', async () => {
  const { time, hub, computer, phone } = await startLinked();
  const { send } = hub;
  let count = 0;
  hub.send = (name, data) => {
    const code = send.call(hub, name, data);
    return ++count <= 3 ? SessionCode.Unavailable : code;
  };
  for (let id = 1; id <= 3; id++) computer.chat(id);
  await time.advance(10_000);
  assert.deepEqual(phone.chats, [1, 2, 3]);
});

test('something is lost: the receiver says HELLO, and both bring each other up to date', async () => {
  const { time, hub, computer, phone } = await startLinked();
  computer.syncs.length = phone.syncs.length = 0;
  hub.tamper = () => undefined;
  computer.chat(1);
  await settled();
  hub.tamper = (mailbox, data) => data;
  computer.chat(2);
  await time.advance(1_000);
  assert.deepEqual(phone.chats, [2]);
  assert.deepEqual([computer.syncs, phone.syncs], [[{ restarted: false }], [{ restarted: false }]]);
});

test('what the server alters, repeats or brings in another order is dropped, and never ends the link', async () => {
  const { time, hub, computer, phone } = await startLinked();
  let late = null;
  hub.tamper = (mailbox, data) => {
    const { waiting } = hub.mailboxes.get(mailbox);
    waiting.push(Uint8Array.from(data, (byte, i) => byte ^ Number(i === data.length - 1)), Uint8Array.of(3), Uint8Array.of(9, 9), data.slice(0, -1));
    if (late) waiting.push(late);
    late = data;
    return data;
  };
  for (let id = 1; id <= 10; id++) computer.chat(id);
  await time.advance(1_000);
  assert.deepEqual(phone.chats, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.ok(phone.link.state.dropped >= 10);
  assert.equal(phone.link.state.status, 'open');
});

test('an hour in which it sent: the next epoch, without a loss', async () => {
  const { time, hub, computer, phone } = await startLinked();
  for (let hour = 1; hour <= 3; hour++) {
    time.jump(3_600_000);
    await time.advance(20_000);
  }

  computer.chat(1);
  await settled();
  assert.deepEqual(phone.chats, [1]);
  const mailbox = [...hub.mailboxes.keys()].find((name) => hub.mailboxes.get(name).consumer === phone.session);
  const epochs = hub.envelopes(mailbox).map((envelope) => new DataView(envelope.buffer).getUint32(1));
  assert.deepEqual([...new Set(epochs)], [0, 1, 2, 3]);
});

test('back-pressure: ready waits while much waits, and more than 4 MiB is refused', async () => {
  const { time, hub, computer } = await startLinked();
  hub.capacity = 0;
  const chunk = { type: MessageType.FileChunk, id: 1, offset: 0, payload: new Uint8Array(32_768) };
  for (let i = 0; i < 8; i++) computer.link.send(chunk);
  let isReady = false;
  void computer.link.ready().then(() => { isReady = true; });
  await time.advance(1_000);
  assert.equal(isReady, false);
  assert.throws(() => { for (let i = 0; i < 200; i++) computer.link.send(chunk); }, RangeError);
  hub.capacity = 1000;
  await time.advance(60_000);
  assert.equal(isReady, true);
  assert.throws(() => computer.link.send({ ...chunk, payload: new Uint8Array(61_440) }), RangeError);
});

test('a page whose storage fails goes on, and leaves nothing that would be resumed', async () => {
  const { time, computer, phone } = await startLinked();
  computer.stored.save = () => { throw new Error('full'); };
  phone.chat(1);
  await settled();
  assert.equal(computer.stored.load(), null);
  time.jump(3_700_000);
  computer.chat(2);
  await settled();
  assert.deepEqual([computer.chats, phone.chats], [[1], [2]]);
  computer.reload();
  computer.pairing.start();
  await settled();
  assert.equal(computer.state.step, 'showing');
});

test('what is stored and is not whole is not resumed', async () => {
  const { computer } = await startLinked();
  const record = JSON.parse(computer.stored.load());
  for (const broken of ['{', 'null', '{}', JSON.stringify({ ...record, version: 2 }), JSON.stringify({ ...record, role: 'phone' }),
    JSON.stringify({ ...record, sender: { epoch: -1, chain: record.sender.chain } }), JSON.stringify({ ...record, receiver: { ...record.receiver, key: 'ff' } })]) {
    computer.stored.save(broken);
    computer.reload();
    computer.pairing.start();
    await settled();
    assert.equal(computer.state.step, 'showing', broken);
    assert.equal(computer.stored.load(), null);
  }
});

test('a copy of a link that is over is not resumed: nobody knows any more which epochs it has used', async () => {
  for (const forgotten of [true, false]) {
    const { hub, time, computer, phone } = await startLinked();
    const record = computer.stored.load();
    computer.chat(1);
    if (forgotten) computer.link.unlink();
    await settled();
    assert.equal(phone.state.step, forgotten ? 'dead' : 'linked');
    const copy = new TestPage(hub, time, 'computer', { ...computer.stored, load: () => record, erase: () => {}, save: () => {} });
    copy.pairing.start();
    await settled();
    assert.equal(copy.state.step, forgotten ? 'showing' : 'linked');
  }
});

test('in a browser: the tab keeps the link, and all tabs know the epochs; without either nothing is kept', (context) => {
  context.after(() => {
    delete globalThis.sessionStorage;
    delete globalThis.localStorage;
  });
  globalThis.localStorage = storage();
  globalThis.sessionStorage = storage();
  const store = link.sessionLinkStore('computer');
  store.save('record');
  assert.equal(store.takeEpoch('link/a', 0), 0);
  assert.equal(link.sessionLinkStore('computer').load(), 'record');
  assert.equal(link.sessionLinkStore('phone').load(), null);
  // A duplicate: its own sessionStorage, and the same localStorage.
  globalThis.sessionStorage = storage(new Map(globalThis.sessionStorage.entries));
  const copy = link.sessionLinkStore('computer');
  assert.equal(copy.load(), 'record');
  assert.deepEqual([copy.takeEpoch('link/a', 1), store.takeEpoch('link/a', 1), copy.takeEpoch('link/a', 2), store.takeEpoch('link/b', 0)], [1, 2, 3, 0]);
  for (let i = 0; i < 100; i++) store.takeEpoch(`link/${i}`, 0);
  assert.ok(Math.max(...[...globalThis.localStorage.entries.values()].map(({ length }) => length)) < 2_000);
  copy.erase();
  assert.deepEqual([copy.load(), store.load()], [null, 'record']);

  // What is over leaves nothing, and a link that is not stays known.
  for (let i = 0; i < 100; i++) store.forget(`link/${i}`);
  store.takeEpoch('link/c', -1);
  assert.deepEqual([store.isKnown('link/c'), copy.isKnown('link/c'), store.isKnown('link/b'), store.takeEpoch('link/c', 0)], [true, true, false, 0]);
  store.forget('link/c');
  assert.deepEqual([store.isKnown('link/c'), globalThis.localStorage.entries.size], [false, 0]);

  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get: () => { throw new Error('SecurityError'); } });
  link.sessionLinkStore('computer').save('other');
  assert.equal(link.sessionLinkStore('computer').load(), null);
});

test('start without listeners loses nothing: what comes before start waits', async () => {
  const { hub, time, computer } = await start();
  const page = new TestPage(hub, time, 'phone');
  const pairing = new link.PhonePairing(page.post, { name: 'p', platform: '', store: link.memoryLinkStore(), time });
  pairing.claim(computer.state.url);
  await settled();
  pairing.choose(computer.state.number);
  await settled();
  computer.chat(1);
  await settled();
  const heard = [];
  pairing.state.link.onMessage(({ id }) => heard.push(id));
  assert.deepEqual(heard, []);
  pairing.state.link.start();
  await settled();
  assert.deepEqual(heard, [1]);
});
