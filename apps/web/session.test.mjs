// Checks the client of sessions without a network: against the vectors that the server's tests write, and the example of docs/session-protocol.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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

const { decodeBody, decodeFrame, encodeBody, encodeFrame } = await load('src/session/codec.ts');
const { FrameType } = await load('src/session/generated.ts');
const { SessionClient } = await load('src/session/client.ts');
const { EventStreamReader } = await load('src/session/event-stream.ts');
const vectors = JSON.parse(readFileSync(new URL('../../tests/vectors/session-frames.json', import.meta.url), 'utf8'));

const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (array) => Buffer.from(array).toString('hex');

/** The fields as the vectors write them. */
function plain({ type, ...fields }) {
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Uint8Array) fields[name] = hex(value);
    if (typeof value === 'bigint') fields[name] = value.toString(16).padStart(16, '0');
  }

  return fields;
}

for (const { name, frame, fields, hex: wire } of vectors.frames) {
  test(`vector: ${name}`, () => {
    const decoded = decodeFrame(bytes(wire));
    assert.equal(decoded.type, FrameType[frame]);
    assert.deepEqual(plain(decoded), fields);
    assert.equal(hex(encodeFrame(decoded)), wire);
  });
}

for (const { name, hex: wire, fault } of vectors.malformed) {
  test(`malformed vector: ${name}`, () => assert.throws(() => decodeFrame(bytes(wire)), { name: 'ProtocolError', fault }));
}

for (const { name, first, frames, hex: wire } of vectors.bodies) {
  test(`vector of a body: ${name}`, () => {
    const body = decodeBody(bytes(wire), 2048);
    assert.deepEqual([body.first, body.frames.map(hex)], [first, frames]);
    assert.equal(hex(encodeBody(first, frames.map(bytes))), wire);
  });
}

for (const { name, hex: wire, fault } of vectors.malformedBodies) {
  test(`malformed vector of a body: ${name}`, () => assert.throws(() => decodeBody(bytes(wire), 2048), { name: 'ProtocolError', fault }));
}

test('server-sent events, wherever the stream is cut', () => {
  const stream = Buffer.from(': a comment\n\nid: 300\ndata: IgcqaGk=\n\ndata: BAE=\n\nevent: other\nid: 301\ndata: KAA=\n\nid: 302\ndata: IgcqaGk=\n');
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second += 7) {
      const frames = [];
      const reader = new EventStreamReader((frame, number) => frames.push([hex(frame), number]));
      for (const chunk of [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)]) reader.take(chunk);
      assert.deepEqual(frames, [['22072a6869', 300], ['0401', 0], ['2800', 301]]);
    }
  }

  assert.throws(() => new EventStreamReader(() => {}).take(Buffer.from('data: !\n\n')), SyntaxError);
  assert.throws(() => new EventStreamReader(() => {}).take(Buffer.from('id: -1\n')), SyntaxError);
});

/** A client whose server is the test: what it tells, and a clock that the test moves. */
function start() {
  const told = [];
  const time = { now: 0 };
  const client = new SessionClient({
    ready: () => {},
    told: (notice) => told.push(notice),
    replied: (request, code) => told.push({ type: 'reply', request, code }),
    closed: (code, reason) => told.push({ type: 'closed', code, reason }),
  }, () => time.now);
  const sent = () => {
    const frames = [];
    for (let frame = client.take(); frame; frame = client.take()) frames.push(decodeFrame(frame.bytes));
    return frames;
  };
  const receive = (...frames) => { for (const frame of frames) client.receive(encodeFrame(frame)); };
  const opened = (more = {}) => ({
    type: FrameType.Opened, flags: 0, session: 'S', token: 'T1', received: 0, timeToLive: 60, heartbeat: 25, maxFrame: 131072, maxRequests: 256, ...more,
  });
  return { client, told, time, sent, receive, opened };
}

test('the example of the protocol: a WebSocket is lost before the event arrives, and nothing is lost or doubled', () => {
  const { client, told, sent, receive, opened } = start();
  client.attach();
  assert.deepEqual(sent().map(({ type, received, token }) => [type, received, token]), [[FrameType.Open, 0, '']]);
  receive(opened());
  client.ledger.subscribe('chat', false);
  client.move();
  assert.equal(hex(client.take().bytes), '1001000463686174');
  receive({ type: FrameType.Subscribed, request: 1, topicId: 7, flags: 0, presence: 1, position: [[1234567890, 41]] });
  client.ledger.publish('chat', 'hi');
  client.move();
  const publish = client.take();
  assert.deepEqual([hex(publish.bytes), publish.number], ['12020104636861746869', 2]);

  client.attach();
  assert.deepEqual(sent().map(({ type, received, token }) => [type, received, token]), [[FrameType.Open, 1, 'T1']]);
  receive(opened({ flags: 1, token: 'T2', received: 2 }));
  receive({ type: FrameType.Event, topicId: 7, origin: 1234567890, offset: 42, flags: 1, payload: Buffer.from('hi') });
  receive({ type: FrameType.Reply, request: 2, status: 0, text: '' });
  assert.deepEqual(sent(), [{ type: FrameType.Ack, received: 3 }]);
  assert.deepEqual(told.map(({ type }) => type), ['opened', 'reply', 'opened', 'event', 'reply']);
  assert.equal(told[3].data, 'hi');
});

test('a lost session: subscribed again from the position, publishes repeated with their numbers, in that order; messages counted', () => {
  const { client, told, sent, receive, opened } = start();
  client.attach();
  sent();
  receive(opened({ maxRequests: 2 }));
  client.ledger.subscribe('a', true);
  client.move();
  sent();
  receive({ type: FrameType.Subscribed, request: 1, topicId: 1, flags: 0, presence: 0, position: [[5, 10]] });
  receive({ type: FrameType.Event, topicId: 1, origin: 5, offset: 11, flags: 0, payload: bytes('00') });
  receive({ type: FrameType.Gap, topicId: 1, missed: 2, position: [[5, 13], [6, 1]] });
  for (const data of ['p1', 'p2', 'p3']) client.ledger.publish('a', data);
  client.ledger.send('m');
  client.move();
  assert.deepEqual(sent().map(({ type, request }) => [type, request]), [[FrameType.Publish, 2], [FrameType.Publish, 3], [FrameType.Ack, undefined]]);
  receive({ type: FrameType.Reply, request: 2, status: 0, text: '' });
  sent();

  client.attach();
  sent();
  told.length = 0;
  receive(opened({ token: 'T9', maxRequests: 2 }));
  assert.deepEqual(told, [{ type: 'lost', unconfirmedMessages: 1 }, { type: 'opened', resumed: false }]);
  const again = sent();
  assert.deepEqual(again.map(({ type, request }) => [type, request]), [[FrameType.Subscribe, 5], [FrameType.Publish, 3]]);
  assert.deepEqual([again[0].flags, again[0].position], [3, [[5, 13], [6, 1]]]);
  receive({ type: FrameType.Subscribed, request: 5, topicId: 9, flags: 1, presence: 0, position: [[5, 13], [6, 1]] });
  // What the position covers was seen.
  receive({ type: FrameType.Event, topicId: 9, origin: 5, offset: 13, flags: 0, payload: bytes('00') });
  receive({ type: FrameType.Event, topicId: 9, origin: 5, offset: 14, flags: 0, payload: bytes('01') });
  assert.deepEqual(sent().map(({ type, request }) => [type, request]), [[FrameType.Publish, 4], [FrameType.Ack, undefined]]);
  assert.deepEqual(told.slice(2).map(({ type }) => type), ['event']);
});

test('a subscriber outlives more nodes than a position has room for origins: nothing is seen twice, and the newest are told to the next node', () => {
  const { client, told, sent, receive, opened } = start();
  const publish = (origin, offset) => receive({ type: FrameType.Event, topicId: 1, origin, offset, flags: 0, payload: bytes('00') });
  const seen = () => told.filter(({ type }) => type === 'event').length;
  client.attach();
  sent();
  receive(opened());
  client.ledger.subscribe('a', false);
  client.move();
  sent();
  receive({ type: FrameType.Subscribed, request: 1, topicId: 1, flags: 0, presence: 0, position: [] });
  // The older a node, the further it has counted; the first is heard of throughout.
  for (let origin = 1; origin <= 100; origin++) {
    publish(origin, 1001 - origin);
    publish(1, 1000 + origin);
    const before = seen();
    for (const recent of [1, origin, Math.max(1, origin - 62), Math.max(1, origin - 90)]) publish(recent, recent === 1 ? 1000 + origin : 1001 - recent);
    assert.equal(seen(), before);
    sent();
  }

  assert.equal(seen(), 200);
  const resubscribe = (more) => {
    client.attach();
    sent();
    receive(opened(more));
    const [{ request, position }] = sent();
    return { request, origins: position.map(([origin]) => origin).sort((one, other) => one - other) };
  };
  const { request, origins } = resubscribe({ token: 'T2' });
  assert.deepEqual(origins, [1, ...Array.from({ length: 63 }, (_, i) => 38 + i)]);
  // A node that names fewer: the others are not told again, but what was seen of them is not told twice; nor is what lies before where a node begins.
  receive({ type: FrameType.Subscribed, request, topicId: 1, flags: 0, presence: 0, position: [[100, 1]] });
  for (const origin of [100, 99, 38]) publish(origin, 1001 - origin);
  assert.equal(seen(), 200);
  publish(99, 903);
  assert.equal(seen(), 201);
  assert.deepEqual(resubscribe({ token: 'T3' }).origins, [99, 100]);
});

test('acknowledgements: before 200 ms, or 64 frames, or with something else; none while the application does not read', () => {
  const { client, time, sent, receive, opened } = start();
  client.attach();
  sent();
  receive(opened());
  const message = { type: FrameType.ServerMessage, flags: 0, payload: bytes('00') };
  receive(message);
  assert.deepEqual(sent(), []);
  time.now = 175;
  assert.ok(client.nextTick <= 1);
  client.tick();
  assert.deepEqual(sent(), [{ type: FrameType.Ack, received: 1 }]);
  receive(...Array(64).fill(message));
  assert.deepEqual(sent(), [{ type: FrameType.Ack, received: 65 }]);
  client.isHolding = true;
  receive(...Array(100).fill(message));
  time.now = 1000;
  client.tick();
  assert.deepEqual(sent(), []);
  client.isHolding = false;
  assert.deepEqual(sent(), [{ type: FrameType.Ack, received: 165 }]);
});

test('heartbeat: PING after a silence of this side, PONG for PING, and two silent heartbeats of the server are its end', () => {
  const { client, time, sent, receive, opened } = start();
  client.attach();
  sent();
  receive(opened());
  receive({ type: FrameType.Ping, opaque: 300 });
  assert.deepEqual(sent(), [{ type: FrameType.Pong, opaque: 300 }]);
  time.now = 25_000;
  assert.equal(client.tick(), true);
  assert.deepEqual(sent(), [{ type: FrameType.Ping, opaque: 0 }]);
  time.now = 49_999;
  assert.equal(client.tick(), true);
  time.now = 50_000;
  assert.equal(client.tick(), false);
});

test('a server that breaks a rule is told which, and the session is closed', () => {
  for (const [frame, reason] of [
    [{ type: FrameType.Ack, received: 1 }, 'more is acknowledged than was sent'],
    [{ type: FrameType.Publish, request: 1, flags: 0, topic: 'x', payload: bytes('') }, 'the frame type is not one that this side sends'],
    [{ type: FrameType.Opened, flags: 0, session: 'S', token: 'T', received: 0, timeToLive: 1, heartbeat: 1, maxFrame: 2048, maxRequests: 1 }, 'OPEN or OPENED on a carrier that has had it'],
  ]) {
    const { client, told, sent, receive, opened } = start();
    client.attach();
    sent();
    receive(opened(), frame);
    assert.deepEqual(told.at(-1), { type: 'closed', code: 1, reason });
    assert.deepEqual(sent(), [{ type: FrameType.Close, code: 1, reason }]);
    assert.equal(client.token, '');
  }
});

test('a client that has closed its session hears nothing more', () => {
  const { client, told, sent, receive, opened } = start();
  client.attach();
  sent();
  client.close();
  receive(opened());
  assert.deepEqual(told, []);
  assert.deepEqual(sent(), [{ type: FrameType.Close, code: 0, reason: '' }]);
});

test('a body: frames that are known already are skipped, and one that is missing is an error', () => {
  const { client, told, sent, receive, opened } = start();
  client.attach();
  sent();
  receive(opened());
  const message = (text) => encodeFrame({ type: FrameType.ServerMessage, flags: 1, payload: Buffer.from(text) });
  client.receiveBody(encodeBody(1, [message('1'), message('2')]));
  client.receiveBody(encodeBody(1, [message('1'), encodeFrame({ type: FrameType.Ping, opaque: 1 }), message('2'), message('3')]));
  assert.deepEqual(told.slice(1).map(({ data }) => data), ['1', '2', '3']);
  client.receiveBody(encodeBody(5, [message('5')]));
  assert.equal(told.at(-1).reason, 'the first frame of a body is not the one that was expected');
});
