// Links over a server that is running: TANDEM_LINK says where it has them, such as http://127.0.0.1:8080/link. Without it nothing is tested here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link } from './link-testing.mjs';

const { MessageType } = link;
const base = process.env['TANDEM_LINK'];
const deadline = { skip: !base, timeout: 60_000 };

/** The first state that fits. */
function until(observable, fits) {
  return new Promise((resolve) => {
    let stop = () => {};
    stop = observable.subscribe((state) => {
      if (!fits(state)) return;
      resolve(state);
      queueMicrotask(() => stop());
    });
  });
}

const isAt = (...steps) => ({ step }) => steps.includes(step);

function listen(established) {
  const heard = [];
  const waiting = [];
  established.onMessage((message) => {
    heard.push(message);
    for (const check of [...waiting]) check();
  });
  established.start();
  return {
    heard,
    count: (wanted) => new Promise((resolve) => {
      const check = () => { if (heard.length >= wanted) resolve(heard); };
      waiting.push(check);
      check();
    }),
  };
}

async function start(carriers) {
  const options = { carriers, pollInterval: 100 };
  const posts = [await link.Post.connect(base, options), await link.Post.connect(base, options)];
  const stores = [link.memoryLinkStore(), link.memoryLinkStore()];
  const trusts = [new link.TrustStore(null, 'computer'), new link.TrustStore(null, 'phone')];
  const address = await link.fetchAddress(base);
  const createComputer = (post) => new link.ComputerPairing(post, {
    origin: new URL(base).origin, browser: 'Node', name: 'computer', platform: process.platform, address, store: stores[0], trust: trusts[0],
  });
  const createPhone = (post) => new link.PhonePairing(post, { name: 'phone', platform: process.platform, store: stores[1], trust: trusts[1] });
  return { options, posts, stores, trusts, address, createComputer, createPhone, computer: createComputer(posts[0]), phone: createPhone(posts[1]) };
}

async function pair({ computer, phone }) {
  computer.start();
  const { url } = await until(computer, isAt('showing'));
  phone.claim(url);
  const { computer: asker } = await until(phone, isAt('choosing', 'dead'));
  phone.choose((await until(computer, isAt('numbered'))).number);
  const states = await Promise.all([until(computer, isAt('linked')), until(phone, isAt('linked', 'dead'))]);
  return { asker, links: states.map((state) => state.link) };
}

for (const carriers of [['websocket'], ['streaming'], ['longPolling'], ['polling']]) {
  test(`${carriers}: paired, a megabyte one way and chat the other, reloaded, unlinked`, deadline, async (context) => {
    if (carriers[0] === 'websocket' && !globalThis.WebSocket) return context.skip('Node 20 has its WebSocket behind --experimental-websocket');
    const world = await start(carriers);
    const { asker, links: [one, other] } = await pair(world);
    assert.equal(asker.address, world.address);
    assert.notEqual(asker.address, '');
    const [computer, phone] = [listen(one), listen(other)];
    const sending = (async () => {
      for (let offset = 0; offset < 1_048_576; offset += 32_768) {
        await one.ready();
        one.send({ type: MessageType.FileChunk, id: 1, offset, payload: new Uint8Array(32_768).fill(offset >> 15) });
      }
    })();
    for (let id = 1; id <= 20; id++) other.send({ type: MessageType.Chat, id, time: 0, flags: 0, text: `chat ${id}` });
    assert.deepEqual((await computer.count(20)).map(({ id }) => id), Array.from({ length: 20 }, (_, i) => i + 1));
    await sending;
    const chunks = await phone.count(32);
    assert.ok(chunks.every(({ offset, payload }, i) => offset === i * 32_768 && payload.length === 32_768 && payload.every((byte) => byte === i)));
    await until(one, ({ roundTrip, greeted }) => roundTrip !== null && greeted);

    one.stop();
    await world.posts[0].end();
    other.send({ type: MessageType.Chat, id: 21, time: 0, flags: 0, text: 'meanwhile' });
    const post = await link.Post.connect(base, world.options);
    const reloaded = world.createComputer(post);
    reloaded.start();
    const { link: resumed } = await until(reloaded, isAt('linked'));
    const again = listen(resumed);
    assert.equal((await again.count(1))[0].text, 'meanwhile');
    resumed.send({ type: MessageType.Chat, id: 1, time: 0, flags: 0, text: 'back' });
    assert.equal((await phone.count(33))[32].text, 'back');
    assert.equal(phone.heard.length, 33);
    other.unlink();
    assert.equal((await until(resumed, ({ status }) => status === 'ended')).end.why, 'unlinked');
    await until(reloaded, isAt('showing'));
    reloaded.stop();
    await Promise.all([post.end(), world.posts[1].end()]);
  });
}

test('a code that nobody shows, and a trusted computer that is linked again', deadline, async () => {
  const world = await start(['streaming']);
  const { computer, phone, trusts, posts } = world;
  phone.claim(link.createSecret());
  assert.equal((await until(phone, isAt('dead'))).why, 'noSuchCode');
  phone.reset();
  const { links: [one, other] } = await pair(world);
  listen(one);
  listen(other);
  one.offerTrust(trusts[0]);
  await until(other, ({ trust }) => trust === 'asked');
  other.offerTrust(trusts[1]);
  await until(one, ({ trust }) => trust === 'agreed');
  other.unlink();
  await until(computer, isAt('showing'));
  phone.reset();
  phone.relink(trusts[1].list()[0]);
  for (const { link: again } of await Promise.all([until(phone, isAt('linked')), until(computer, isAt('linked'))])) listen(again);
  phone.state.link.unlink();
  await until(computer, isAt('showing'));
  computer.stop();
  await Promise.all(posts.map((post) => post.end()));
});
