// What the TypeScript side of the link protocol makes of fixed inputs, for the C# side to check: tests/vectors/link-typescript.json. In the form of link-crypto.json and link-messages.json.
import { hex, link } from './link-testing.mjs';

const { AnswerFlags, EndCode, HelloFlags, MailType, MessageType } = link;

/** Bytes that count up. */
const count = (first, length = 32) => Uint8Array.from({ length }, (_, i) => first + i);

export function vectors() {
  const secret = 'c5d8a7f0-31be-4c92-8e6a-5f0d1b2a3c4e';
  return {
    about: 'Written by apps/web/link.test.mjs (run it with TANDEM_WRITE_VECTORS=1). Bytes are hexadecimal; private keys are 32 bytes, most significant first.',
    secrets: [secretOf(secret)],
    handshakes: [scanned(secret), trusted()],
    envelopes: envelopes(),
    messages: messages(),
  };
}

function secretOf(code) {
  const { routingId, psk } = link.derive(code);
  return { code, address: link.codeUrl('https://example.org', code), routingId: hex(routingId), psk: hex(psk), ticket: link.ticketOf(routingId) };
}

function scanned(code) {
  const { routingId, psk } = link.derive(code);
  const [computerNonce, phoneNonce] = [count(0x20), count(0x90)];
  const payload = {
    flags: AnswerFlags.Login, commitment: link.commitmentTo(computerNonce), origin: 'https://例え.example', browser: '浏览器', address: '192.0.2.7', loginId: 'l',
  };
  const { handshaken, ...vector } = handshake(link.patterns.NNpsk0, routingId, { psk }, { psk }, payload);
  const number = Number(link.pairingNumber(handshaken.hash, phoneNonce, computerNonce));
  return { ...vector, code, psk: hex(psk), computerNonce: hex(computerNonce), commitment: hex(payload.commitment), phoneNonce: hex(phoneNonce), number };
}

function trusted() {
  const [phone, computer] = [link.keyPairOf(count(0x61)), link.keyPairOf(count(0x35))];
  const routingId = link.trustedRoutingId(phone, computer.publicKey);
  const payload = { flags: 0, commitment: new Uint8Array(32), origin: 'http://10.0.0.1:8080', browser: '', address: '', loginId: '' };
  const { handshaken, ...vector } = handshake(link.patterns.KK, routingId, { local: phone, remote: computer.publicKey }, { local: computer, remote: phone.publicKey }, payload);
  return {
    ...vector, phoneStatic: hex(phone.secretKey), phoneStaticPublic: hex(phone.publicKey), computerStatic: hex(computer.secretKey), computerStaticPublic: hex(computer.publicKey),
  };
}

function handshake(pattern, routingId, phoneKeys, computerKeys, payload) {
  const prologue = link.prologueOf(routingId);
  const phone = new link.Handshake(pattern, true, prologue, { ...phoneKeys, ephemeral: link.keyPairOf(count(0x40)) });
  const computer = new link.Handshake(pattern, false, prologue, { ...computerKeys, ephemeral: link.keyPairOf(count(0xa0)) });
  const claimPayload = link.encodePayload(link.payloads.ClaimPayload, { name: '手机', platform: '' });
  const claim = phone.write(claimPayload);
  computer.read(claim);
  const answerPayload = link.encodePayload(link.payloads.AnswerPayload, payload);
  const answer = computer.write(answerPayload);
  phone.read(answer);
  const handshaken = phone.split();
  return {
    handshaken,
    protocol: pattern.name,
    routingId: hex(routingId),
    phoneEphemeral: hex(phone.ephemeral.secretKey),
    computerEphemeral: hex(computer.ephemeral.secretKey),
    claimPayload: hex(claimPayload),
    claim: hex(link.concat([MailType.Claim], claim)),
    answerPayload: hex(answerPayload),
    answer: hex(link.concat([MailType.Answer], answer)),
    hash: hex(handshaken.hash),
    phoneKey: hex(handshaken.initiatorKey),
    computerKey: hex(handshaken.responderKey),
    phoneInbox: link.inboxOf(phone.ephemeral.publicKey),
    computerInbox: link.inboxOf(computer.ephemeral.publicKey),
  };
}

/** A sender that starts again twice, and skips an epoch once. */
function envelopes() {
  const chainKey = count(0x05);
  let sender = new link.EnvelopeSender(chainKey, () => 0);
  const sealed = [];
  for (const [i, { hex: message }] of messages().entries()) {
    if (i === 3 || i === 5) sender = new link.EnvelopeSender(sender.record, () => 0);
    if (i === 5) sender.takeEpoch = (epoch) => epoch + 1;
    sealed.push({ message, envelope: hex(sender.seal(new Uint8Array(Buffer.from(message, 'hex')))) });
  }

  return { chainKey: hex(chainKey), envelopes: sealed };
}

function messages() {
  return [
    ['hello', { type: MessageType.Hello, flags: HelloFlags.Answer | HelloFlags.Resync, instance: 2 ** 53 - 1, largestChunk: 32_768, name: '电脑', platform: 'Linux' }],
    ['half of a surrogate pair is U+FFFD', { type: MessageType.Chat, id: 128, time: 1_800_000_000_000, flags: 0, text: 'a\ud83d' }],
    ['end', { type: MessageType.End, code: EndCode.ProtocolError, reason: link.faults.BadPadding }],
    ['an edit', { type: MessageType.TextEdit, baseRevision: 16_384, position: 127, deleted: 0, compositionStart: 1, compositionEnd: 3, inserted: '😀' }],
    ['63 bytes', { type: MessageType.FileChunk, id: 1, offset: 0, payload: count(0, 60) }],
    ['64 bytes', { type: MessageType.FileChunk, id: 1, offset: 0, payload: count(0, 61) }],
    ['a large message', { type: MessageType.FileChunk, id: 2 ** 53 - 1, offset: 2 ** 40, payload: count(0, 300) }],
  ].map(([name, message]) => {
    const { type, ...fields } = message;
    for (const [field, value] of Object.entries(fields)) if (value instanceof Uint8Array) fields[field] = hex(value);
    if (fields.text) fields.text = fields.text.replace('\ud83d', '\ufffd');
    return { name, message: Object.keys(MessageType).find((key) => MessageType[key] === type), fields, hex: hex(link.encodeMessage(message)) };
  });
}
