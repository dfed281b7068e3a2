// Pairing as the computer and as the phone see it, against each other: the state tables of docs/link-protocol.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link, settled, start, startLinked, TestPage } from './link-testing.mjs';

const { EndCode, MailType, MessageType, SessionCode } = link;

test('a code is scanned, the number compared, and both are linked', async () => {
  const { hub, computer, phone } = await start();
  assert.match(computer.state.url, /^http:\/\/192\.168\.1\.5:8080\/phone#[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(phone.pairing.claim(computer.state.url), true);
  await settled();
  assert.deepEqual(phone.states, ['idle', 'claiming', 'asked', 'choosing']);
  assert.deepEqual(computer.states, ['starting', 'starting', 'showing', 'claimed', 'numbered']);
  assert.deepEqual(computer.state.phone, { name: 'phone', platform: 'Test' });
  assert.deepEqual(phone.state.computer, { origin: 'http://192.168.1.5:8080', browser: 'Test 1 on Linux', address: '192.168.1.5', loginId: null });
  assert.equal(new Set(phone.state.numbers).size, 3);
  assert.ok(phone.state.numbers.includes(computer.state.number) && phone.state.numbers.every((number) => /^\d\d$/.test(number)));
  phone.pairing.choose(computer.state.number);
  await settled();
  assert.equal(computer.state.step, 'linked');
  assert.equal(phone.state.step, 'linked');
  assert.deepEqual(phone.link.state.peer, { name: 'computer', platform: 'Test' });
  assert.ok([...hub.mailboxes.keys()].every((name) => name.startsWith('link/')));
  computer.chat(1);
  phone.chat(7);
  await settled();
  assert.deepEqual([phone.chats, computer.chats], [[1], [7]]);
});

test('showing: a new code every 30 s, two can be claimed, older ones cannot', async () => {
  const { time, hub, computer, phone } = await start();
  const urls = [computer.state.url];
  for (let i = 0; i < 3; i++) {
    await time.advance(30_000);
    urls.push(computer.state.url);
    assert.equal([...hub.mailboxes.keys()].filter((name) => name.startsWith('ticket/')).length, 2);
  }

  assert.equal(new Set(urls).size, 4);
  phone.pairing.claim(urls[1]);
  await settled();
  assert.deepEqual([phone.state.step, phone.state.why, phone.state.alarm], ['dead', 'noSuchCode', false]);
  phone.pairing.claim(urls[2]);
  await settled();
  assert.equal(phone.state.step, 'choosing');
});

test('showing: a claim that does not open is counted, and nothing else', async () => {
  const { hub, computer, phone } = await start();
  const ticket = [...hub.mailboxes.keys()][0];
  for (const claim of ['01', '02ff', `01${'00'.repeat(200)}`]) hub.send(ticket, new Uint8Array(Buffer.from(claim, 'hex')));
  await settled();
  assert.deepEqual([computer.state.step, computer.state.failedClaims], ['showing', 3]);
  phone.pairing.claim(computer.state.url);
  await settled();
  assert.equal(computer.state.step, 'numbered');
});

test('showing: a ticket that the server cannot open is tried again, later and later', async () => {
  const { time, computer } = await start();
  computer.session.openMailbox = async () => SessionCode.Unavailable;
  await time.advance(60_000);
  assert.equal(computer.state.step, 'starting');
  delete computer.session.openMailbox;
  await time.advance(30_000);
  assert.equal(computer.state.step, 'showing');
});

test('claimed: codes are no longer changed', async () => {
  const { time, computer, phone } = await start();
  phone.pairing.claim(computer.state.url);
  await time.advance(45_000);
  assert.equal(computer.state.step, 'numbered');
  assert.ok(!computer.states.slice(3).includes('showing'));
});

test('claimed: a code that was on its way when the one before was claimed is not shown, nor can it be claimed', async () => {
  const { time, hub, computer, phone } = await start();
  const { url } = computer.state;
  const { openMailbox } = computer.session;
  let open = null;
  computer.session.openMailbox = (mailbox) => {
    if (!mailbox.startsWith('ticket/')) return openMailbox.call(computer.session, mailbox);
    return new Promise((resolve) => { open = () => resolve(openMailbox.call(computer.session, mailbox)); });
  };
  await time.advance(30_000);
  assert.equal(computer.state.url, url);
  phone.pairing.claim(url);
  await settled();
  open();
  await settled();
  assert.equal(computer.state.step, 'numbered');
  assert.equal([...hub.mailboxes.keys()].filter((name) => name.startsWith('ticket/')).length, 1);
});

test('a code that is claimed twice is an alarm, on both sides', async () => {
  const { time, hub, computer, phone } = await start();
  const other = new TestPage(hub, time, 'phone');
  const { url } = computer.state;
  phone.pairing.claim(url);
  await settled();
  other.pairing.claim(url);
  await settled();
  assert.deepEqual([computer.state.step, computer.state.why, computer.state.alarm], ['dead', 'secondClaim', true]);
  assert.deepEqual([phone.state.step, phone.state.why, phone.state.alarm], ['dead', 'secondClaim', true]);
  await time.advance(60_000);
  assert.deepEqual([other.state.step, other.state.why], ['dead', 'noAnswer']);
  computer.pairing.newCode();
  await settled();
  assert.equal(computer.state.step, 'showing');
  assert.notEqual(computer.state.url, url);
});

test('claimed: the same claim again is a repetition, and what does not open is nobody', async () => {
  const { hub, computer, phone } = await start();
  phone.pairing.claim(computer.state.url);
  await settled();
  const { mailbox, data } = hub.sent.find(({ data: [type] }) => type === MailType.Claim);
  hub.send(mailbox, data);
  hub.send(mailbox, Uint8Array.from(data, (byte, i) => byte ^ Number(i === 100)));
  await settled();
  assert.equal(computer.state.step, 'numbered');
});

for (const [name, act, why] of [
  ['the wrong number', ({ pairing, state }, number) => pairing.choose(state.numbers.find((other) => other !== number)), 'wrongNumber'],
  ['none of these', ({ pairing }) => pairing.noneOfThese(), 'noneOfThese'],
  ['refused', ({ pairing }) => pairing.refuse(), 'refused'],
]) {
  test(`choosing: ${name} ends it on both sides`, async () => {
    const { computer, phone } = await start();
    phone.pairing.claim(computer.state.url);
    await settled();
    act(phone, computer.state.number);
    await settled();
    assert.deepEqual([phone.state.step, phone.state.why], ['dead', why]);
    assert.deepEqual([computer.state.step, computer.state.why, computer.state.alarm], ['dead', why, false]);
    assert.equal(phone.stored.load(), null);
  });
}

test('60 s after the claim it is too late, on both sides', async () => {
  const { time, computer, phone } = await start();
  phone.pairing.claim(computer.state.url);
  await time.advance(59_000);
  assert.deepEqual([computer.state.step, phone.state.step], ['numbered', 'choosing']);
  await time.advance(1_000);
  assert.deepEqual([computer.state.why, phone.state.why], ['tooSlow', 'tooSlow']);
});

test('claiming: a computer that does not answer costs 60 s', async () => {
  const { time, hub, phone } = await start();
  const secret = link.createSecret();
  await hub.connect().openMailbox(link.ticketOf(link.derive(secret).routingId));
  phone.pairing.claim(secret);
  await time.advance(59_999);
  assert.equal(phone.state.step, 'claiming');
  await time.advance(1);
  assert.deepEqual([phone.state.step, phone.state.why], ['dead', 'noAnswer']);
});

test('claiming: too many tries are said to be that, and what passes is waited for', async () => {
  const { time, hub, computer, phone } = await start();
  for (const code of [SessionCode.Forbidden, SessionCode.Busy]) {
    hub.refuse = (mailbox) => (mailbox.startsWith('ticket/') ? code : undefined);
    phone.pairing.claim(computer.state.url);
    await settled();
    assert.deepEqual([phone.state.step, phone.state.why], ['dead', 'tooManyTries']);
  }

  hub.refuse = (mailbox) => (mailbox.startsWith('ticket/') ? SessionCode.Unavailable : undefined);
  phone.pairing.claim(computer.state.url);
  await time.advance(5_000);
  assert.equal(phone.state.step, 'claiming');
  hub.refuse = () => undefined;
  await time.advance(2_000);
  assert.equal(phone.state.step, 'choosing');
});

test('claiming: an answer that does not open is dropped, and the right one behind it is taken', async () => {
  const { hub, computer, phone } = await start();
  hub.tamper = (mailbox, data) => {
    if (data[0] === MailType.Answer) hub.mailboxes.get(mailbox).waiting.push(Uint8Array.from(data, (byte, i) => byte ^ Number(i === 90)), Uint8Array.of(2, 4, 9));
    return data;
  };
  phone.pairing.claim(computer.state.url);
  await settled();
  assert.equal(phone.state.step, 'choosing');
});

test('who stands between the ends with keys of his own cannot show the number, nor open what is sealed', async () => {
  const { hub, computer, phone } = await start();
  // He has photographed the code, claims in the phone's place, and answers the phone himself.
  const { routingId, psk } = link.derive(computer.state.secret);
  hub.tamper = (mailbox, data) => {
    if (data[0] !== MailType.Claim) return data;
    const own = new link.Handshake(link.patterns.NNpsk0, true, link.prologueOf(routingId), { psk });
    return link.concat(Uint8Array.of(1), own.write(link.encodePayload(link.payloads.ClaimPayload, { name: 'phone', platform: 'Test' })));
  };
  phone.pairing.claim(computer.state.url);
  await settled();
  assert.equal(computer.state.step, 'claimed');
  assert.equal(phone.state.step, 'claiming');
});

/** A computer that answers a claim and then says what the test wants. Returns its code. */
async function playComputer({ hub, time }, commitment, say) {
  const secret = link.createSecret();
  const { routingId, psk } = link.derive(secret);
  const post = new link.Post(hub.connect());
  const told = [];
  await post.open(link.ticketOf(routingId), {
    delivered: async (claim) => {
      const handshake = new link.Handshake(link.patterns.NNpsk0, false, link.prologueOf(routingId), { psk });
      handshake.read(claim.slice(1));
      const payload = { flags: 0, commitment, origin: 'http://x', browser: 'x', address: '', loginId: '' };
      const answer = link.concat(Uint8Array.of(MailType.Answer), handshake.write(link.encodePayload(link.payloads.AnswerPayload, payload)));
      const channel = link.Channel.after(handshake, 'computer', post, time);
      await post.open(channel.inbox, { delivered: (envelope) => told.push(channel.open(envelope)), closed: () => {} });
      channel.courier.send(() => answer, answer.length);
      say(channel);
    },
    closed: () => {},
  });
  return { secret, told };
}

/** A phone that claims a code, and once it is answered says what the test wants. */
async function playPhone({ hub, time }, secret, say) {
  const { routingId, psk } = link.derive(secret);
  const handshake = new link.Handshake(link.patterns.NNpsk0, true, link.prologueOf(routingId), { psk });
  const post = new link.Post(hub.connect());
  const claim = link.concat(Uint8Array.of(MailType.Claim), handshake.write(link.encodePayload(link.payloads.ClaimPayload, { name: 'x', platform: '' })));
  let channel = null;
  const told = [];
  await post.open(link.inboxOf(handshake.ephemeral.publicKey), {
    delivered: (message) => {
      if (channel) return void told.push(channel.open(message));
      handshake.read(message.slice(1));
      channel = link.Channel.after(handshake, 'phone', post, time);
      say(channel);
    },
    closed: () => {},
  });
  await post.send(link.ticketOf(routingId), claim);
  return told;
}

test('asked: a number that is not what was committed to is an alarm', async () => {
  const world = await start();
  const { secret, told } = await playComputer(world, link.commitmentTo(new Uint8Array(32)), (channel) => {
    channel.send({ type: MessageType.Reveal, nonce: new Uint8Array(32).fill(1) });
  });
  world.phone.pairing.claim(secret);
  await settled();
  assert.deepEqual([world.phone.state.step, world.phone.state.why, world.phone.state.alarm], ['dead', 'forged', true]);
  assert.deepEqual(told.map(({ type, code }) => [type, code]), [[MessageType.Nonce, undefined], [MessageType.End, EndCode.ProtocolError]]);
});

for (const [name, message] of [
  ['a chat', { type: MessageType.Chat, id: 1, time: 0, flags: 0, text: 'x' }],
  ['CONFIRMED', { type: MessageType.Confirmed }],
  ['HELLO', { type: MessageType.Hello, flags: 0, instance: 1, largestChunk: 1024, name: '', platform: '' }],
]) {
  test(`out of turn: ${name} before its time ends the pairing with ProtocolError, on both sides`, async () => {
    const world = await start();
    const { computer, phone } = world;
    const told = await playPhone(world, computer.state.secret, (channel) => channel.send(message));
    await settled();
    assert.deepEqual([computer.state.step, computer.state.why, computer.state.reason], ['dead', 'protocolError', link.faults.OutOfTurn]);
    assert.deepEqual(told, [{ type: MessageType.End, code: EndCode.ProtocolError, reason: link.faults.OutOfTurn }]);

    const played = await playComputer(world, new Uint8Array(32), (channel) => channel.send(message));
    phone.pairing.claim(played.secret);
    await settled();
    assert.deepEqual([phone.state.step, phone.state.why], ['dead', 'protocolError']);
    assert.equal(played.told.at(-1).code, EndCode.ProtocolError);
  });
}

test('a message of a later version is skipped, in pairing too', async () => {
  const world = await start();
  await playPhone(world, world.computer.state.secret, (channel) => {
    channel.courier.send(() => channel.sender.seal(Uint8Array.of(0x7e, 1, 2)), 3);
    channel.send({ type: MessageType.Nonce, nonce: new Uint8Array(32) });
  });
  await settled();
  assert.equal(world.computer.state.step, 'numbered');
});

test('linked: a message that breaks a rule ends the link with ProtocolError', async () => {
  const { computer, phone } = await startLinked();
  phone.link.send({ type: MessageType.Confirmed });
  await settled();
  assert.deepEqual([phone.state.why, phone.state.reason], ['protocolError', link.faults.OutOfTurn]);
  assert.equal(computer.state.step, 'showing');
});

test('the owner of the computer asks for another code while a phone is asked', async () => {
  const { computer, phone } = await start();
  phone.pairing.claim(computer.state.url);
  await settled();
  computer.pairing.newCode();
  await settled();
  assert.equal(computer.state.step, 'showing');
  assert.deepEqual([phone.state.step, phone.state.why], ['dead', 'denied']);
});

test('denied in the moment in which the phone has picked the number: it says what has happened, too', async () => {
  const { hub, computer, phone } = await start();
  phone.pairing.claim(computer.state.url);
  await settled();
  hub.tamper = () => undefined;
  const { number } = computer.state;
  phone.pairing.choose(number);
  await settled();
  hub.tamper = (mailbox, data) => data;
  assert.deepEqual([phone.state.step, computer.state.step], ['linked', 'numbered']);
  computer.pairing.newCode();
  await settled();
  assert.deepEqual([phone.state.step, phone.state.why], ['dead', 'denied']);
});

test('the inbox of the phone is taken over: dead', async () => {
  const { hub, computer, phone } = await start();
  phone.pairing.claim(computer.state.url);
  await settled();
  const inbox = hub.sent.find(({ data: [type] }) => type === MailType.Answer).mailbox;
  hub.open(inbox, hub.connect());
  await settled();
  assert.deepEqual([phone.state.step, phone.state.why], ['dead', 'takenOver']);
});

for (const role of ['computer', 'phone']) {
  test(`linked: the ${role} unlinks, and both have forgotten the link`, async () => {
    const world = await startLinked();
    const { computer, phone, time } = world;
    const { link: one } = computer;
    const { link: other } = phone;
    world[role].link.unlink();
    await settled();
    assert.deepEqual([one.state.status, other.state.status], ['ended', 'ended']);
    assert.deepEqual([one.state.end.byUs, other.state.end.byUs], [role === 'computer', role === 'phone']);
    assert.equal(computer.state.step, 'showing');
    assert.deepEqual([phone.state.step, phone.state.why], ['dead', 'unlinked']);
    assert.deepEqual([computer.stored.load(), phone.stored.load()], [null, null]);
    phone.pairing.claim(computer.state.url);
    await settled();
    phone.pairing.choose(computer.state.number);
    await time.advance(1_000);
    assert.equal(computer.state.step, 'linked');
  });
}

test('a login is said to the phone, and nothing of its link is stored', async () => {
  const { hub, time, phone } = await start();
  const page = new TestPage(hub, time, 'computer');
  page.pairing = new link.ComputerPairing(page.post, { origin: 'http://x', browser: 'x', name: 'c', platform: '', loginId: 'L1', store: page.store, time: page.time });
  page.pairing.start();
  await settled();
  phone.pairing.claim(page.pairing.state.url);
  await settled();
  assert.equal(phone.state.computer.loginId, 'L1');
  phone.pairing.choose(page.pairing.state.number);
  await settled();
  page.pairing.state.link.start();
  const heard = [];
  page.pairing.state.link.onMessage(({ type }) => heard.push(type));
  phone.link.send({ type: MessageType.LoginApproved });
  await settled();
  assert.deepEqual(heard, [MessageType.LoginApproved]);
  assert.deepEqual([page.stored.load(), phone.stored.load()], [null, null]);
});
