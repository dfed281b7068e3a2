// Ends that trust each other, and link again without a code: docs/link-protocol.md, trusted computers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link, settled, startLinked, storage, TestHub, TestPage, TestTime } from './link-testing.mjs';

const { MailType } = link;

test('trusted ends are kept in the browser, the newest 16, and what is not whole is left out', () => {
  const kept = storage();
  const store = new link.TrustStore(kept, 'key');
  const own = link.createKeyPair();
  for (let i = 0; i < 17; i++) store.add(link.trustedEnd(own, link.createKeyPair().publicKey, { name: `${i}`, platform: '' }, i));
  assert.deepEqual(new link.TrustStore(kept, 'key').list().map(({ name }) => name), Array.from({ length: 16 }, (_, i) => `${i + 1}`));
  const [first] = store.list();
  kept.setItem('key', JSON.stringify([{ ...first, id: 'x' }, null, { ...first, secretKey: 'ff' }, first]));
  assert.deepEqual(new link.TrustStore(kept, 'key').list(), [first]);
  kept.setItem('key', '{');
  assert.deepEqual(new link.TrustStore(kept, 'key').list(), []);
});

async function startTrusted() {
  const world = await startLinked();
  const { computer, phone } = world;
  for (const page of [computer, phone]) page.trust = new link.TrustStore(null, page.role);
  phone.link.offerTrust(phone.trust);
  await settled();
  assert.deepEqual([phone.link.state.trust, computer.link.state.trust], ['offered', 'asked']);
  computer.link.offerTrust(computer.trust);
  await settled();
  assert.deepEqual([phone.link.state.trust, computer.link.state.trust], ['agreed', 'agreed']);
  return world;
}

async function relink({ computer, phone, time }) {
  computer.link?.unlink();
  await settled();
  for (const page of [computer, phone]) page.reload();
  computer.pairing.start();
  await settled();
  phone.pairing.relink(phone.trust.list()[0]);
  await time.advance(1_000);
}

test('both owners agree, and link again without a code and without a number', async () => {
  const world = await startTrusted();
  const { computer, phone } = world;
  const [one, other] = [computer.trust.list()[0], phone.trust.list()[0]];
  assert.equal(one.id, other.id);
  assert.deepEqual([one.name, other.name], ['phone', 'computer']);
  await relink(world);
  assert.deepEqual([computer.state.step, phone.state.step], ['linked', 'linked']);
  assert.deepEqual(phone.states, ['idle', 'claiming', 'linked']);
  computer.chat(1);
  phone.chat(2);
  await settled();
  assert.deepEqual([phone.chats, computer.chats], [[1], [2]]);
  assert.deepEqual([phone.link.state.trust, computer.link.state.trust], ['agreed', 'agreed']);
});

test('both ask at once: that is agreeing', async () => {
  const { computer, phone } = await startLinked();
  const stores = [computer, phone].map(({ role }) => new link.TrustStore(null, role));
  computer.link.offerTrust(stores[0]);
  phone.link.offerTrust(stores[1]);
  await settled();
  assert.deepEqual([phone.link.state.trust, computer.link.state.trust], ['agreed', 'agreed']);
  assert.equal(stores[0].list()[0].id, stores[1].list()[0].id);
});

test('revoked: both have forgotten the keys, and the ticket is there no more', async () => {
  const world = await startTrusted();
  const { computer, phone } = world;
  const [end] = phone.trust.list();
  computer.link.revokeTrust();
  await settled();
  assert.deepEqual([phone.link.state.trust, computer.link.state.trust], ['none', 'none']);
  assert.deepEqual([computer.trust.list(), phone.trust.list()], [[], []]);
  phone.trust.add(end);
  await relink(world);
  assert.deepEqual([phone.state.step, phone.state.why, computer.state.step], ['dead', 'noSuchCode', 'showing']);
});

test('a trusted ticket is kept open for longer than tickets are; the list says which', async () => {
  const world = await startTrusted();
  const { computer, phone, time, hub } = world;
  computer.link.unlink();
  await settled();
  for (const page of [computer, phone]) page.reload();
  computer.pairing.start();
  await time.advance(200_000);
  const [{ id }] = computer.trust.list();
  assert.ok(hub.mailboxes.has(`ticket/${id}`));
  computer.trust.revoke(id);
  await settled();
  assert.ok(!hub.mailboxes.has(`ticket/${id}`));
});

test('an old claim that the server delivers again changes nothing on the screen', async () => {
  const world = await startTrusted();
  const { computer, hub, time } = world;
  await relink(world);
  const { mailbox, data } = hub.sent.findLast(({ data: [type] }) => type === MailType.Claim);
  computer.link.unlink();
  await settled();
  assert.equal(computer.state.step, 'showing');
  hub.send(mailbox, data);
  await time.advance(100_000);
  assert.ok(computer.states.slice(-4).every((step) => step === 'showing'));
});

/** The two, trusting each other, and the phone's page is gone with all that it had. */
async function losePhone() {
  const world = await startTrusted();
  const { computer, phone, hub, time } = world;
  // What each end trusts is there from the start of its page on.
  for (const [page, resume] of [[computer, () => computer.pairing.start()], [phone, () => phone.pairing.resume()]]) {
    page.reload();
    resume();
  }
  await time.advance(1_000);
  const lost = new TestPage(hub, time, 'phone');
  lost.trust = phone.trust;
  lost.load();
  return { ...world, lost };
}

test('a phone that has lost its page links again, and the computer need not do anything', async () => {
  const { computer, phone, lost, hub, time } = await losePhone();
  const old = computer.link;
  phone.session.vanish();
  lost.pairing.relink(lost.trust.list()[0]);
  await time.advance(1_000);
  assert.deepEqual(lost.states, ['idle', 'claiming', 'linked']);
  assert.deepEqual([computer.states, computer.state.replaced], [['starting', 'linked', 'linked'], true]);
  assert.deepEqual([old.state.status, old.state.end], ['ended', { why: 'replaced', reason: '', byUs: true }]);
  lost.chat(1);
  computer.chat(1);
  await settled();
  assert.deepEqual([computer.chats, lost.chats], [[1], [1]]);
  // And the computer's page may be reloaded, and the phone lost once more.
  computer.reload();
  computer.pairing.start();
  await time.advance(1_000);
  computer.chat(2);
  await settled();
  assert.deepEqual(lost.chats, [1, 2]);
  const third = new TestPage(hub, time, 'phone');
  third.pairing.relink(lost.trust.list()[0]);
  await time.advance(1_000);
  assert.deepEqual([third.state.step, lost.state.step, lost.state.why], ['linked', 'dead', 'replaced']);
});

test('while linked the ticket of that phone alone is open, for as long as both trust each other', async () => {
  const { computer, hub, time } = await losePhone();
  const { id } = computer.trust.list()[0];
  computer.trust.add(link.trustedEnd(link.createKeyPair(), link.createKeyPair().publicKey, { name: 'other', platform: '' }, 0));
  await time.advance(200_000);
  assert.deepEqual([...hub.mailboxes.keys()].filter((name) => name.startsWith('ticket/')), [`ticket/${id}`]);
  computer.link.revokeTrust();
  await settled();
  assert.deepEqual([...hub.mailboxes.keys()].filter((name) => name.startsWith('ticket/')), []);
});

test('trust that is agreed while linked opens the ticket; a link of another page of this computer closes it', async () => {
  const time = new TestTime();
  const hub = new TestHub(time);
  const pages = ['computer', 'phone'].map((role) => Object.assign(new TestPage(hub, time, role), { trust: new link.TrustStore(null, role) }));
  for (const page of pages) page.load();
  const [computer, phone] = pages;
  computer.pairing.start();
  await settled();
  phone.pairing.claim(computer.state.url);
  await settled();
  phone.pairing.choose(computer.state.number);
  await settled();
  const tickets = () => [...hub.mailboxes.keys()].filter((name) => name.startsWith('ticket/'));
  assert.deepEqual(tickets(), []);
  phone.link.offerTrust(phone.trust);
  await settled();
  computer.link.offerTrust(computer.trust);
  await settled();
  const [{ id }] = computer.trust.list();
  assert.deepEqual(tickets(), [`ticket/${id}`]);
  const copy = new TestPage(hub, time, 'computer', computer.stored);
  copy.pairing.start();
  await settled();
  assert.deepEqual([computer.link.state.status, tickets()], ['takenOver', []]);
});

test('an old claim that the server delivers again does nothing to a link that is up', async () => {
  const { computer, phone, lost, hub, time } = await losePhone();
  lost.pairing.relink(lost.trust.list()[0]);
  await time.advance(1_000);
  assert.deepEqual([phone.state.step, phone.state.why, phone.link.state.end.byUs], ['dead', 'replaced', false]);
  const { link: established } = computer;
  const { mailbox, data } = hub.sent.findLast(({ data: [type] }) => type === MailType.Claim);
  hub.send(mailbox, data);
  await time.advance(100_000);
  assert.equal(computer.link, established);
  assert.equal(established.state.status, 'open');
  lost.chat(1);
  await settled();
  assert.deepEqual(computer.chats, [1]);
});

test('trust is asked again where the answer may be lost: one end starts again in between', async () => {
  const { computer, phone, time } = await startLinked();
  for (const page of [computer, phone]) page.trust = new link.TrustStore(null, page.role);
  phone.link.offerTrust(phone.trust);
  await settled();
  phone.reload();
  phone.pairing.resume();
  await time.advance(1_000);
  assert.equal(phone.link.state.trust, 'offered');
  computer.link.offerTrust(computer.trust);
  await settled();
  assert.deepEqual([phone.link.state.trust, computer.link.state.trust], ['agreed', 'agreed']);
  assert.equal(phone.trust.list().length, 1);
});

test('an offer of trust that is lost is made again when both bring each other up to date', async () => {
  const { hub, computer, phone, time } = await startLinked();
  hub.tamper = () => undefined;
  phone.link.offerTrust(new link.TrustStore(null, 'phone'));
  await settled();
  hub.tamper = (mailbox, data) => data;
  assert.equal(computer.link.state.trust, 'none');
  phone.chat(1);
  await time.advance(1_000);
  assert.equal(computer.link.state.trust, 'asked');
});
