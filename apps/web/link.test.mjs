// Checks what a link is made of, without a network: against the vectors that the tests of the C# side write, and against Node's own primitives.
import assert from 'node:assert/strict';
import { createECDH, hkdfSync, createDecipheriv } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { bytes, hex, link } from './link-testing.mjs';
import { vectors as ownVectors } from './link-vectors.mjs';

const { MailType, MessageType } = link;
const vector = (name) => JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}.json`, import.meta.url), 'utf8'));
const crypto = vector('link-crypto');
const messages = vector('link-messages');

// ---- Messages

/** The fields as the vectors write them. */
function plain({ type, ...fields }) {
  for (const [name, value] of Object.entries(fields)) if (value instanceof Uint8Array) fields[name] = hex(value);
  return fields;
}

const senderOf = (type) => (link.layouts[type]?.direction === 'computer' ? 'computer' : 'phone');

for (const { name, message, fields, hex: wire } of messages.messages) {
  test(`vector: ${name}`, () => {
    const type = MessageType[message];
    const decoded = link.decodeMessage(bytes(wire), senderOf(type));
    assert.equal(decoded.type, type);
    assert.deepEqual(plain(decoded), fields);
    assert.equal(hex(link.encodeMessage(decoded)), wire);
  });
}

for (const { name, hex: wire, fault } of messages.malformed) {
  test(`malformed vector: ${name}`, () => {
    const decode = () => link.decodeMessage(bytes(wire), senderOf(bytes(wire)[0]));
    // A type that is not known is skipped.
    if (fault === 'UnknownType') assert.equal(decode(), null);
    else assert.throws(decode, { name: 'LinkError', fault });
  });
}

test('a message that is cut is an error at every place, and so is what goes on behind it', () => {
  for (const { hex: wire } of messages.messages) {
    const whole = bytes(wire);
    // A payload goes to the end, wherever that is.
    if (whole[0] === MessageType.FileChunk) continue;
    for (let length = 1; length < whole.length; length++) assert.throws(() => link.decodeMessage(whole.slice(0, length), senderOf(whole[0])), { name: 'LinkError' });
    assert.throws(() => link.decodeMessage(link.concat(whole, [0]), senderOf(whole[0])), { fault: 'TrailingBytes' });
  }
});

test('a type that only the other end sends is an error', () => {
  assert.throws(() => link.decodeMessage(bytes('03'), 'computer'), { fault: 'WrongDirection' });
  assert.throws(() => link.decodeMessage(link.concat([2], new Uint8Array(32)), 'phone'), { fault: 'WrongDirection' });
});

test('nothing is written that the other end would not read', () => {
  const chat = { type: MessageType.Chat, id: 1, time: 0, flags: 0, text: 'x' };
  assert.throws(() => link.encodeMessage({ ...chat, text: 'x'.repeat(49_153) }), RangeError);
  assert.throws(() => link.encodeMessage({ ...chat, id: 0 }), RangeError);
  assert.throws(() => link.encodeMessage({ ...chat, id: 1.5 }), RangeError);
  assert.throws(() => link.encodeMessage({ type: MessageType.Nonce, nonce: new Uint8Array(31) }), RangeError);
  assert.throws(() => link.encodeMessage({ type: MessageType.FileChunk, id: 1, offset: 0, payload: new Uint8Array(61_440) }), RangeError);
});

test('text that is too long is cut between characters', () => {
  assert.equal(link.fit('a😀b', 4), 'a');
  assert.equal(link.fit('a😀b', 5), 'a😀');
  assert.equal(link.fit('您好', 5), '您');
});

// ---- The secret

for (const { name, text, secret } of crypto.codes) {
  test(`code: ${name}`, () => assert.equal(link.parseSecret(text)?.replaceAll('-', ''), secret));
}

for (const { name, text } of crypto.notCodes) {
  test(`not a code: ${name}`, () => assert.equal(link.parseSecret(text), null));
}

for (const { code, address, routingId, psk, ticket } of crypto.secrets) {
  test(`secret: ${code}`, () => {
    const derived = link.derive(link.parseSecret(code));
    assert.equal(hex(derived.routingId), routingId);
    assert.equal(hex(derived.psk), psk);
    assert.equal(link.ticketOf(derived.routingId), ticket);
    assert.equal(link.codeUrl('https://example.org/', link.parseSecret(code)), address);
    assert.equal(link.parseSecret(address), link.parseSecret(code));
  });
}

test('a new secret is a code, and never the same', () => {
  const secrets = new Set(Array.from({ length: 1000 }, () => link.createSecret()));
  assert.equal(secrets.size, 1000);
  for (const secret of secrets) assert.equal(link.parseSecret(link.codeUrl('http://x', secret)), secret);
});

// ---- P-256

for (const { name, hex: point } of crypto.invalidPoints) {
  test(`not a public key: ${name}`, () => assert.throws(() => link.checkPublicKey(bytes(point)), { fault: 'InvalidPoint' }));
}

test('keys and shared secrets are those of another implementation', () => {
  for (let i = 0; i < 10; i++) {
    const own = link.createKeyPair();
    const other = createECDH('prime256v1');
    other.generateKeys();
    assert.equal(hex(link.sharedSecret(own.secretKey, bytes(other.getPublicKey('hex')))), other.computeSecret(own.publicKey).toString('hex').padStart(64, '0'));
    other.setPrivateKey(Buffer.from(own.secretKey));
    assert.equal(hex(own.publicKey), other.getPublicKey('hex'));
  }
});

// ---- The handshake

const keyPair = (secret) => link.keyPairOf(bytes(secret));

function ends(vector) {
  const prologue = link.prologueOf(bytes(vector.routingId));
  const isTrusted = vector.protocol.includes('KK');
  const pattern = isTrusted ? link.patterns.KK : link.patterns.NNpsk0;
  assert.equal(pattern.name, vector.protocol);
  const keys = (own, others) => (isTrusted ? { local: keyPair(vector[`${own}Static`]), remote: bytes(vector[`${others}StaticPublic`]) } : { psk: bytes(vector.psk) });
  return {
    phone: new link.Handshake(pattern, true, prologue, { ...keys('phone', 'computer'), ephemeral: keyPair(vector.phoneEphemeral) }),
    computer: new link.Handshake(pattern, false, prologue, { ...keys('computer', 'phone'), ephemeral: keyPair(vector.computerEphemeral) }),
  };
}

for (const vector of crypto.handshakes) {
  test(`handshake: ${vector.protocol}`, () => {
    const { phone, computer } = ends(vector);
    assert.equal(hex(link.concat([MailType.Claim], phone.write(bytes(vector.claimPayload)))), vector.claim);
    assert.equal(hex(computer.read(bytes(vector.claim).slice(1))), vector.claimPayload);
    assert.equal(hex(link.concat([MailType.Answer], computer.write(bytes(vector.answerPayload)))), vector.answer);
    assert.equal(hex(phone.read(bytes(vector.answer).slice(1))), vector.answerPayload);
    for (const end of [phone, computer]) {
      const { hash, initiatorKey, responderKey } = end.split();
      assert.deepEqual([hex(hash), hex(initiatorKey), hex(responderKey)], [vector.hash, vector.phoneKey, vector.computerKey]);
    }

    assert.equal(link.inboxOf(phone.ephemeral.publicKey), vector.phoneInbox);
    assert.equal(link.inboxOf(phone.remoteEphemeral), vector.computerInbox);
    for (const [end, role] of [[phone, 'phone'], [computer, 'computer']]) {
      const channel = link.Channel.after(end, role, null, { now: () => 0 });
      assert.deepEqual([channel.inbox, channel.peerInbox], role === 'phone' ? [vector.phoneInbox, vector.computerInbox] : [vector.computerInbox, vector.phoneInbox]);
      assert.deepEqual(channel.sender.seal(bytes('03')), new link.EnvelopeSender(bytes(vector[`${role}Key`]), () => 0).seal(bytes('03')));
    }

    if (vector.number === undefined) return;
    assert.equal(hex(link.commitmentTo(bytes(vector.computerNonce))), vector.commitment);
    assert.equal(Number(link.pairingNumber(bytes(vector.hash), bytes(vector.phoneNonce), bytes(vector.computerNonce))), vector.number);
  });

  test(`handshake: ${vector.protocol}, cut or with any bit flipped it does not open, and the right one behind it does`, () => {
    const { phone, computer } = ends(vector);
    const claim = bytes(vector.claim).slice(1);
    for (const length of [0, 1, 64, 65, 66, 80, 81, claim.length - 1]) assert.throws(() => computer.read(claim.slice(0, length)), { name: 'HandshakeError' });
    for (let bit = 0; bit < claim.length * 8; bit += 7) assert.throws(() => computer.read(flip(claim, bit)), { name: 'HandshakeError' });
    assert.equal(hex(computer.read(claim)), vector.claimPayload);
    phone.write(bytes(vector.claimPayload));
    const answer = bytes(vector.answer).slice(1);
    for (let bit = 0; bit < answer.length * 8; bit += 11) assert.throws(() => phone.read(flip(answer, bit)), { name: 'HandshakeError' });
    assert.equal(hex(phone.read(answer)), vector.answerPayload);
  });
}

test('handshake: other keys, another routing id or another psk do not open', () => {
  const [vector] = crypto.handshakes;
  const claim = bytes(vector.claim).slice(1);
  const psk = bytes(vector.psk);
  const prologue = link.prologueOf(bytes(vector.routingId));
  assert.throws(() => new link.Handshake(link.patterns.NNpsk0, false, prologue, { psk: flip(psk, 3) }).read(claim), { name: 'HandshakeError' });
  assert.throws(() => new link.Handshake(link.patterns.NNpsk0, false, flip(prologue, 200), { psk }).read(claim), { name: 'HandshakeError' });
  const trusted = crypto.handshakes[1];
  const keys = { local: keyPair(trusted.computerStatic), remote: link.createKeyPair().publicKey };
  assert.throws(() => new link.Handshake(link.patterns.KK, false, link.prologueOf(bytes(trusted.routingId)), keys).read(bytes(trusted.claim).slice(1)), { name: 'HandshakeError' });
});

test('trusted ends have the same routing id', () => {
  const vector = crypto.handshakes[1];
  assert.equal(hex(link.trustedRoutingId(keyPair(vector.phoneStatic), bytes(vector.computerStaticPublic))), vector.routingId);
  assert.equal(hex(link.trustedRoutingId(keyPair(vector.computerStatic), bytes(vector.phoneStaticPublic))), vector.routingId);
});

// ---- The number

for (const { hash, phoneNonce, computerNonce, commitment, number } of crypto.numbers) {
  test(`number: ${number}`, () => {
    assert.equal(hex(link.commitmentTo(bytes(computerNonce))), commitment);
    assert.equal(link.pairingNumber(bytes(hash), bytes(phoneNonce), bytes(computerNonce)), String(number).padStart(2, '0'));
    const derived = Buffer.from(hkdfSync('sha256', bytes(phoneNonce + computerNonce), bytes(hash), 'number', 8)).readBigUInt64BE();
    assert.equal(Number(derived % 100n), number);
  });
}

test('the choices: three different numbers, the right one at each place', () => {
  const places = new Set();
  for (let i = 0; i < 300; i++) {
    const choices = link.choicesWith('07');
    assert.equal(new Set(choices).size, 3);
    assert.ok(choices.every((number) => /^\d\d$/.test(number)));
    places.add(choices.indexOf('07'));
  }

  assert.deepEqual([...places].sort(), [0, 1, 2]);
});

// ---- Envelopes

const chainKey = () => bytes(crypto.chain.chainKey);
const sender = (now = () => 0) => new link.EnvelopeSender(chainKey(), now);
const at = (epoch) => {
  const { next } = crypto.chain.epochs.find((other) => other.epoch === epoch - 1) ?? {};
  return epoch === 0 ? { epoch, chain: crypto.chain.chainKey } : { epoch, chain: next };
};

test('envelopes: those of the vectors, sealed and opened', () => {
  const receiver = new link.EnvelopeReceiver(chainKey());
  let current = null;
  let epoch = -1;
  for (const { message, envelope } of crypto.envelopes) {
    const wire = bytes(envelope);
    const epochOfWire = new DataView(wire.buffer).getUint32(1);
    if (epochOfWire !== epoch) current = new link.EnvelopeSender(at(epochOfWire), () => 0);
    epoch = epochOfWire;
    assert.equal(hex(current.seal(bytes(message))), envelope);
    const opened = receiver.open(wire);
    assert.equal(opened.result, 'opened');
    assert.equal(hex(link.unpad(opened.plaintext)), message);
  }
});

test('the chain: what is stored is behind the epoch that is used, on both sides', () => {
  for (const { epoch, key, next } of crypto.chain.epochs) {
    if (epoch > 2) continue;
    const one = new link.EnvelopeSender(at(epoch), () => 0);
    const envelope = one.seal(bytes('03'));
    assert.deepEqual(one.record, { epoch: epoch + 1, chain: next });
    const decipher = createDecipheriv('aes-256-gcm', bytes(key), Buffer.alloc(12));
    decipher.setAAD(envelope.slice(0, 13));
    decipher.setAuthTag(envelope.slice(-16));
    assert.equal(hex(Buffer.concat([decipher.update(envelope.slice(13, -16)), decipher.final()])).slice(0, 4), '0103');
    const receiver = new link.EnvelopeReceiver(chainKey());
    receiver.open(envelope);
    assert.deepEqual(receiver.record, { epoch, counter: 0, key, next: { epoch: epoch + 1, chain: next } });
    assert.equal(new link.EnvelopeReceiver(receiver.record).open(envelope).result, 'repeated');
  }
});

test('the chain: an epoch may be 1024 ahead, and no more', () => {
  const last = crypto.chain.epochs.at(-1);
  assert.equal(last.epoch, 1024);
  const far = new link.EnvelopeSender({ epoch: 1025, chain: last.next }, () => 0).seal(bytes('03'));
  const receiver = new link.EnvelopeReceiver(chainKey());
  assert.equal(receiver.open(far).result, 'unopened');
  const near = sender();
  near.takeEpoch = () => 1024;
  assert.deepEqual(receiver.open(near.seal(bytes('03'))).hasHole, true);
  assert.equal(receiver.record.key, last.key);
  assert.equal(receiver.open(far).result, 'opened');
});

test('envelopes: a repetition, one out of order and one of an older epoch are dropped; a hole and a new epoch are seen', () => {
  const one = sender();
  const [a, b, c] = [1, 2, 3].map(() => one.seal(bytes('03')));
  const receiver = new link.EnvelopeReceiver(chainKey());
  assert.deepEqual([receiver.open(a).result, receiver.open(a).result], ['opened', 'repeated']);
  assert.equal(receiver.open(c).hasHole, true);
  assert.equal(receiver.open(b).result, 'repeated');
  const next = new link.EnvelopeSender(one.record, () => 0);
  const [d, e] = [next.seal(bytes('03')), next.seal(bytes('03'))];
  assert.equal(receiver.open(d).hasHole, true);
  assert.equal(receiver.open(e).hasHole, false);
  assert.equal(receiver.open(one.seal(bytes('03'))).result, 'repeated');
});

test('envelopes: cut or with any bit flipped they do not open, and nothing is changed by that', () => {
  const envelope = sender().seal(bytes('0601'));
  const receiver = new link.EnvelopeReceiver(chainKey());
  const before = receiver.record;
  for (let length = 0; length < envelope.length; length++) assert.notEqual(receiver.open(envelope.slice(0, length)).result, 'opened');
  for (let bit = 0; bit < envelope.length * 8; bit++) {
    // The epochs that these bits lead to cost a walk along the chain each, and are there once.
    if (bit >= 8 && bit < 40 && bit !== 39 && bit !== 8) continue;
    assert.equal(receiver.open(flip(envelope, bit)).result, 'unopened', `bit ${bit}`);
  }

  assert.deepEqual(receiver.record, before);
  assert.equal(receiver.open(envelope).result, 'opened');
});

test('envelopes: the next epoch after 2^20, after an hour, and not before it is stored', () => {
  let now = 0;
  const one = sender(() => now);
  const stored = [];
  one.store = () => stored.push(one.record.epoch);
  const epochOf = () => new DataView(one.seal(bytes('03')).buffer).getUint32(1);
  assert.equal(epochOf(), 0);
  now = 3_599_999;
  assert.equal(epochOf(), 0);
  now = 3_600_000;
  assert.equal(epochOf(), 1);
  assert.deepEqual(stored, [1, 2]);
  one.store = () => { throw new Error('full'); };
  now = 7_200_000;
  assert.throws(() => one.seal(bytes('03')), { message: 'full' });
  one.store = () => {};
  assert.equal(epochOf(), 3);
});

test('padding: to a multiple of 64 and no further, with zeros', () => {
  for (const length of [0, 1, 62, 63, 64, 125, 126, 127, 128, 16_382, 16_383, 61_440]) {
    const message = new Uint8Array(length).fill(7);
    const padded = link.pad(message);
    assert.equal(padded.length % 64, 0);
    assert.deepEqual(link.unpad(padded), message);
    assert.throws(() => link.unpad(link.concat(padded, new Uint8Array(64))), { fault: 'BadPadding' });
    assert.throws(() => link.unpad(padded.slice(0, -1)), { fault: 'BadPadding' });
  }

  for (const [plaintext, fault] of [
    [new Uint8Array(0), 'BadPadding'], [Uint8Array.of(62, ...new Uint8Array(62), 1), 'BadPadding'], [Uint8Array.of(64, ...new Uint8Array(63)), 'BadPadding'],
    [Uint8Array.of(0x80, 0, ...new Uint8Array(62)), 'BadPadding'], [link.concat([0x81, 0xe0, 3], new Uint8Array(61_441), new Uint8Array(60)), 'MessageTooLarge'],
  ]) assert.throws(() => link.unpad(plaintext), { fault });
});

function flip(array, bit) {
  const flipped = Uint8Array.from(array);
  flipped[bit >> 3] ^= 1 << (bit & 7);
  return flipped;
}

// ---- For the other side

test('the vectors that the C# side checks are what this side makes', () => {
  const url = new URL('../../tests/vectors/link-typescript.json', import.meta.url);
  const text = `${JSON.stringify(ownVectors(), null, 2)}\n`;
  if (process.env['TANDEM_WRITE_VECTORS'] === '1') writeFileSync(url, text);
  assert.ok(existsSync(url) && readFileSync(url, 'utf8') === text, 'run: TANDEM_WRITE_VECTORS=1 node --test link.test.mjs');
});
