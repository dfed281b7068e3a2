// Checks the parts of the page that compute something, against published test vectors and against Node.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

async function load(path) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(path, import.meta.url))],
    bundle: true, format: 'esm', write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { sha1 } = await load('src/shared/sha1.ts');
const { toHex, fromHex, mask, utf8, utf8Text } = await load('src/shared/bytes.ts');
const { acceptSteps } = await load('src/tutorial/accept.ts');
const { decodeFrame, segments } = await load('src/tutorial/frame-fields.ts');
const { parseWireMessage } = await load('src/tutorial/wire-messages.ts');
const { costBetween, distribution, quantile, Recent } = await load('src/lab/statistics.ts');
const { ratesOf, takeEvents } = await load('src/inspect/report.ts');

test('SHA-1: FIPS 180-4 examples, and every length around the block boundaries', () => {
  assert.equal(toHex(sha1(utf8('abc'))), 'a9993e364706816aba3e25717850c26c9cd0d89d');
  assert.equal(toHex(sha1(utf8(''))), 'da39a3ee5e6b4b0d3255bfef95601890afd80709');
  for (let length = 0; length < 200; length++) {
    const bytes = randomBytes(length);
    assert.equal(toHex(sha1(bytes)), createHash('sha1').update(bytes).digest('hex'));
  }
});

test('RFC 6455 section 1.3: the accept value of the example', () => {
  assert.equal(acceptSteps('dGhlIHNhbXBsZSBub25jZQ==').accept, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('hex input', () => {
  assert.deepEqual([...fromHex('48 65,0x6c:6C 6f')], [0x48, 0x65, 0x6c, 0x6c, 0x6f]);
  assert.equal(fromHex('4'), null);
  assert.equal(fromHex('zz'), null);
});

const frame = (header, payload) => parseWireMessage(JSON.stringify({ type: 'frame', direction: 'in', header, payload }));

test('RFC 6455 section 5.7: a masked Hello, field by field', () => {
  const hello = decodeFrame(frame('818537fa213d', '48656c6c6f'));
  assert.equal(toHex(hello.wire), '818537fa213d7f9f4d5158');
  assert.deepEqual([hello.fin, hello.opcode, hello.masked, hello.length, hello.lengthForm], [true, 1, true, 5, 7]);
  assert.equal(utf8Text(mask(hello.wirePayload, hello.maskingKey)), 'Hello');
});

test('RFC 6455 section 5.2: the forms of the length, and every bit of the diagram once', () => {
  assert.equal(decodeFrame(frame('827e0100', '')).length, 256);
  assert.equal(decodeFrame(frame('827f0000000000010000', '')).length, 65536);
  for (const width of [16, 32]) {
    const long = decodeFrame(frame('82ff000000000001000037fa213d', '00'.repeat(20)));
    const cells = segments(long.fields, width, Infinity);
    assert.equal(cells.reduce((sum, cell) => sum + cell.bits, 0), 8 * long.wire.length);
    assert.ok(cells.every((cell) => Math.floor(cell.start / width) === Math.floor((cell.start + cell.bits - 1) / width)));
  }
});

test('messages of the observer that are not understood are ignored', () => {
  assert.equal(parseWireMessage('not json'), null);
  assert.equal(parseWireMessage('null'), null);
  assert.equal(parseWireMessage('{"type":"something newer"}'), null);
});

test('the lab: what it has cost between two samples, and nothing where nothing came', () => {
  const first = { time: 1000, count: { requests: 2, up: 100, down: 50 }, messages: 4 };
  const last = { time: 31_000, count: { requests: 12, up: 300, down: 250 }, messages: 8 };
  assert.deepEqual(costBetween(first, last), { bytesPerMessage: 100, upPerMessage: 50, requestsPerMinute: 20 });
  assert.deepEqual(costBetween(first, first), { bytesPerMessage: null, upPerMessage: null, requestsPerMinute: null });
});

test('the lab: quantiles and distribution of the latest values', () => {
  const recent = new Recent(4);
  assert.equal(quantile(recent.sorted(), 0.5), null);
  assert.deepEqual(distribution(recent.sorted(), [1]), [null]);
  for (const value of [100, 9, 3, 2, 5]) recent.add(value);
  assert.deepEqual(recent.sorted(), [2, 3, 5, 9]);
  assert.equal(quantile(recent.sorted(), 0.5), 5);
  assert.equal(quantile(recent.sorted(), 0.95), 9);
  assert.deepEqual(distribution(recent.sorted(), [1, 2, 4, 10]), [0, 25, 50, 100]);
});

const report = (time, messages, busy) => ({
  time, figures: { messagesReceived: messages, messagesSent: 2 * messages, bytesReceived: 10 * messages, bytesSent: 20 * messages, busySeconds: busy },
});

test('rates are differences over the time that has passed, and none where a server was started anew', () => {
  assert.equal(ratesOf(null, report(0, 0, [])), null);
  assert.deepEqual(ratesOf(report(1000, 100, [1, 2]), report(3000, 300, [1.5, 2])), {
    messagesReceived: 100, messagesSent: 200, bytesReceived: 1000, bytesSent: 2000, busy: [0.25, 0],
  });
  assert.equal(ratesOf(report(1000, 100, []), report(1000, 100, [])), null);
  assert.equal(ratesOf(report(1000, 100, []), report(2000, 5, [])), null);
});

test('server-sent events, however the network has cut them', () => {
  assert.deepEqual(takeEvents('data: 1\n\ndata: 2\n\nda'), { events: ['1', '2'], rest: 'da' });
  assert.deepEqual(takeEvents('data: 3\n'), { events: [], rest: 'data: 3\n' });
});
