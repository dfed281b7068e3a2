// Text, chat and files of a link (docs/link-protocol.md), each end against the other over a wire that can be cut.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

async function load(path) {
  const { outputFiles } = await build({ entryPoints: [fileURLToPath(new URL(path, import.meta.url))], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { difference, isInsidePair, TextReceiver, TextSender } = await load('src/link/text-sync.ts');
const { ChatLog } = await load('src/link/chat-log.ts');
const { FileReceiver, FileSender } = await load('src/link/file-transfer.ts');
const { FileCancelCode, MessageType } = await load('src/link/generated.ts');

/** Random numbers that are the same in every run: mulberry32. */
function random(seed) {
  return (bound) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}

/** A sender and a receiver of a text, and what is under way between them, in order. */
function textEnds() {
  const down = [];
  const up = [];
  const sender = new TextSender((message) => down.push(message));
  const receiver = new TextReceiver((message) => up.push(message));
  const deliver = {
    down(count = Infinity) {
      for (; count > 0 && down.length > 0; count--) {
        const message = down.shift();
        if (message.type === MessageType.TextState) receiver.state(message);
        else receiver.edit(message);
      }
      receiver.flush();
    },
    up(count = Infinity) {
      for (; count > 0 && up.length > 0; count--) {
        const message = up.shift();
        if (message.type === MessageType.TextSeen) sender.seen(message.revision);
        else sender.wanted();
      }
    },
    all() {
      while (down.length + up.length > 0) {
        deliver.down();
        deliver.up();
      }
    },
  };
  return { sender, receiver, down, up, deliver };
}

const alphabet = ['a', 'b', 'ß', '你', '好', '😀', '👩‍💻', '\n'];

test('Text: two ends agree whatever is edited, delivered late, and lost', () => {
  for (let seed = 0; seed < 300; seed++) {
    const pick = random(seed);
    const { sender, receiver, down, up, deliver } = textEnds();
    for (let step = 0; step < 120; step++) {
      const what = pick(10);
      const { content } = sender.view;
      if (what < 6) {
        let from = pick(content.length + 1);
        let to = Math.min(content.length, from + pick(5));
        if (isInsidePair(content, from)) from--;
        if (isInsidePair(content, to)) to++;
        const inserted = Array.from({ length: pick(4) }, () => alphabet[pick(alphabet.length)]).join('');
        const next = content.slice(0, from) + inserted + content.slice(to);
        const start = pick(next.length + 1);
        sender.change(next, start, start + pick(next.length - start + 1));
      } else if (what === 6) {
        deliver.down(pick(4));
      } else if (what === 7) {
        deliver.up(pick(4));
      } else if (what === 8 && pick(3) === 0) {
        // Lost, as with a session that has ended: both ends say HELLO.
        down.splice(0, pick(down.length + 1));
        up.splice(0, pick(up.length + 1));
        receiver.restart();
        sender.restart();
      } else {
        // Lost without anybody's noticing: the next edit shows it.
        if (pick(8) === 0) down.splice(pick(down.length + 1), 1);
      }
      assert.ok(down.filter((message) => message.type === MessageType.TextEdit).length <= 16);
    }
    sender.restart();
    deliver.all();
    assert.deepEqual(receiver.view, sender.view, `seed ${seed}`);
    assert.ok(sender.isSeen, `seed ${seed}`);
  }
});

test('Text: an edit is the smallest replacement and cuts no surrogate pair', () => {
  assert.deepEqual(difference('Hello world', 'Hello brave world'), { position: 6, deleted: 0, inserted: 'brave ' });
  assert.deepEqual(difference('aaa', 'aa'), { position: 2, deleted: 1, inserted: '' });
  // Both begin with the same high half, U+1F600 and U+1F601; and end with the same low half, U+1F600 and U+1FA00.
  assert.deepEqual(difference('x😀y', 'x😁y'), { position: 1, deleted: 2, inserted: '😁' });
  assert.deepEqual(difference('x\u{1f600}', 'x\u{1fa00}'), { position: 1, deleted: 2, inserted: '\u{1fa00}' });
  assert.deepEqual(difference('😀', '😀😀'), { position: 2, deleted: 0, inserted: '😀' });
});

test('Text: half a pair, as some keyboards type it, travels as U+FFFD until the other half is there', () => {
  const { sender, receiver, deliver } = textEnds();
  sender.change('a\ud83d');
  deliver.all();
  assert.equal(receiver.view.content, 'a\ufffd');
  sender.change('a\ud83d', 1, 2);
  deliver.all();
  assert.deepEqual(receiver.view, { content: 'a\ufffd', compositionStart: 1, compositionEnd: 2 });
  sender.change('a\ud83d\ude00');
  deliver.all();
  assert.equal(receiver.view.content, 'a😀');
});

test('Text: 16 edits at most are under way; what is typed meanwhile is one', () => {
  const { sender, receiver, down, deliver } = textEnds();
  for (let i = 1; i <= 1000; i++) sender.change('x'.repeat(i));
  assert.equal(down.length, 16);
  deliver.down();
  deliver.up();
  assert.equal(down.length, 1);
  assert.equal(down[0].inserted.length, 1000 - 16);
  // What was seen stays seen, and what was never sent was not.
  sender.seen(0);
  sender.seen(99);
  sender.change('');
  assert.equal(down.length, 2);
  sender.change('x'.repeat(1000));
  deliver.all();
  assert.equal(receiver.view.content.length, 1000);
});

test('Text: of several edits that came together the last is seen', () => {
  const { sender, up, deliver } = textEnds();
  for (const text of ['a', 'ab', 'abc']) sender.change(text);
  deliver.down();
  assert.deepEqual(up, [{ type: MessageType.TextSeen, revision: 3 }]);
});

test('Text: an edit that does not fit is dropped and the text wanted once, until it comes', () => {
  const up = [];
  const receiver = new TextReceiver((message) => up.push(message));
  receiver.state({ revision: 5, content: 'x😀', compositionStart: 0, compositionEnd: 0 });
  const edit = { baseRevision: 5, position: 0, deleted: 0, inserted: '', compositionStart: 0, compositionEnd: 0 };
  for (const wrong of [{ baseRevision: 4 }, { baseRevision: 6 }, { position: 4 }, { deleted: 4 }, { position: 2 }, { position: 2, deleted: 1 }, { deleted: 2 }, { compositionEnd: 4 }, { compositionStart: 2, compositionEnd: 1 },
    { inserted: 'x'.repeat(16_384) }]) {
    assert.equal(receiver.edit({ ...edit, ...wrong }), false);
    assert.deepEqual(receiver.view.content, 'x😀');
  }
  assert.deepEqual(up, [{ type: MessageType.TextWant }]);
  assert.equal(receiver.state({ revision: 0, content: 'x'.repeat(16_385), compositionStart: 0, compositionEnd: 0 }), false);
  receiver.state({ revision: 5, content: 'x', compositionStart: 0, compositionEnd: 0 });
  assert.ok(receiver.edit(edit));
  receiver.edit(edit);
  assert.equal(up.length, 2);
});

test('Text: a want that was lost is said again once the ends have said HELLO', () => {
  const up = [];
  const receiver = new TextReceiver((message) => up.push(message), { revision: 5, content: 'x' });
  const edit = { baseRevision: 0, position: 0, deleted: 0, inserted: 'y', compositionStart: 0, compositionEnd: 0 };
  receiver.edit(edit);
  receiver.restart();
  receiver.edit(edit);
  assert.equal(up.length, 2);
});

test('Text: a flood of wants gets one state', () => {
  const { sender, down } = textEnds();
  sender.change('text');
  for (let i = 0; i < 100; i++) sender.wanted();
  assert.equal(down.filter((message) => message.type === MessageType.TextState).length, 1);
});

test('Text: after a reload the whole text is sent, also one that was deleted', () => {
  const { sender, receiver, deliver } = textEnds();
  sender.change('text');
  deliver.all();
  sender.change('');
  const down = [];
  const again = new TextSender((message) => down.push(message), sender.stored);
  again.restart();
  for (const message of down) receiver.state(message);
  assert.equal(receiver.view.content, '');
  const fresh = [];
  new TextSender((message) => fresh.push(message)).restart();
  assert.deepEqual(fresh, []);
});

test('Chat: shown once, kept until seen, over a reload of each end', () => {
  const wire = [];
  let sender = new ChatLog((message) => wire.push(message));
  let receiver = new ChatLog(() => {});
  sender.say('one', 1);
  sender.say('two', 2, true);
  assert.deepEqual(wire.map(({ id, flags }) => [id, flags]), [[1, 0], [2, 1]]);
  assert.deepEqual(wire.map((message) => receiver.receive(message)), [true, true]);
  receiver = new ChatLog(() => {}, JSON.parse(JSON.stringify(receiver.stored)));
  sender.seen(1);
  sender = new ChatLog((message) => wire.push(message), JSON.parse(JSON.stringify(sender.stored)));
  sender.restart();
  assert.deepEqual(wire.splice(2).map((message) => [message.text, receiver.receive(message)]), [['two', false]]);
  sender.seen(2);
  assert.equal(sender.say('three', 3).id, 3);
});

test('Chat: what is not fetched is bounded', () => {
  const log = new ChatLog(() => {});
  while (log.hasRoom) log.say('x', 0);
  assert.equal(log.stored.unseen.length, 256);
});

// ---- Files

const sha256 = () => {
  const hash = createHash('sha256');
  return { update: (bytes) => hash.update(bytes), digest: () => new Uint8Array(hash.digest()) };
};

/** A sender and a receiver of files; what is stored is stored at once, or when store is called. */
function fileEnds({ isSlow = false } = {}) {
  const contents = new Map();
  const kept = new Map();
  const down = [];
  const up = [];
  const told = [];
  const waiting = [];
  let reads = [];
  const make = () => new FileSender(
    { send: (message) => down.push(message), progressed: (id, taken) => told.push(['sent', id, taken]), ended: (id, code) => told.push(['senderEnded', id, code]) },
    sha256,
  );
  const ends = {
    sender: make(), contents, kept, sent: down, answers: up, told, waiting,
    restartSender() {
      ends.sender = make();
      reads = [];
    },
    offer(id, bytes, name = 'name') {
      contents.set(id, bytes);
      ends.sender.offer({ id, size: bytes.length, name, mediaType: '' });
    },
    receiver: new FileReceiver({
      send: (message) => up.push(message),
      offered: (file) => {
        told.push(['offered', file.id]);
        kept.set(file.id, []);
        ends.receiver.accept(file.id, sha256());
      },
      store: (id, bytes) => {
        kept.get(id).push(bytes);
        if (isSlow) waiting.push([id, bytes.length]);
        else ends.receiver.stored(id, bytes.length);
      },
      progressed: () => {},
      ended: (id, code) => told.push(['receiverEnded', id, code]),
    }),
    read() {
      for (let next = ends.sender.next(); next; next = ends.sender.next()) reads.push(next);
    },
    load(count = Infinity) {
      for (const next of reads.splice(0, count)) ends.sender.loaded(next, contents.get(next.id).slice(next.offset, next.offset + next.length));
    },
    down(count = Infinity) {
      for (const message of down.splice(0, count)) {
        switch (message.type) {
          case MessageType.FileOffer: ends.receiver.offered(message); break;
          case MessageType.FileChunk: ends.receiver.chunk(message); break;
          case MessageType.FileEnd: ends.receiver.whole(message); break;
          default: ends.receiver.cancelled(message.id, message.code);
        }
      }
    },
    up(count = Infinity) {
      for (const message of up.splice(0, count)) {
        switch (message.type) {
          case MessageType.FileAccept: ends.sender.accepted(message); break;
          case MessageType.FileTaken: ends.sender.taken(message.id, message.offset); break;
          case MessageType.FileDone: ends.sender.done(message.id); break;
          default: ends.sender.cancelled(message.id, message.code);
        }
      }
    },
    all() {
      do {
        ends.read();
        ends.load();
        ends.down();
        ends.up();
        ends.read();
      } while (down.length + up.length + reads.length > 0);
    },
    whole: (id) => Buffer.concat(kept.get(id)),
  };
  return ends;
}

const drop = (ends) => {
  ends.sent.length = 0;
  ends.answers.length = 0;
};

test('Files: whole files of every size around chunk and window, with their hash', () => {
  for (const size of [0, 1, 32_767, 32_768, 32_769, 65_536, 262_144, 262_145, 700_001]) {
    const ends = fileEnds();
    ends.sender.restart(65_536);
    const bytes = new Uint8Array(randomBytes(size));
    ends.offer(1, bytes);
    ends.all();
    assert.deepEqual(ends.whole(1), Buffer.from(bytes));
    assert.deepEqual(ends.told.filter(([what]) => what.endsWith('Ended')), [['receiverEnded', 1, null], ['senderEnded', 1, null]]);
  }
});

test('Files: no more than 256 KiB beyond what was taken, in chunks that the other end takes', () => {
  const ends = fileEnds({ isSlow: true });
  ends.sender.restart(1024);
  ends.offer(1, new Uint8Array(1_000_000));
  ends.all();
  assert.equal(ends.waiting.length, 256);
  assert.ok(ends.waiting.every(([, length]) => length === 1024));
  for (const [id, length] of ends.waiting.splice(0, 63)) ends.receiver.stored(id, length);
  assert.equal(ends.answers.length, 0);
  ends.receiver.stored(...ends.waiting.shift());
  assert.deepEqual(ends.answers, [{ type: MessageType.FileTaken, id: 1, offset: 65_536 }]);
  ends.all();
  assert.equal(ends.waiting.length, 192 + 64);
});

test('Files: a small one is not held up by a large one', () => {
  const ends = fileEnds();
  ends.offer(1, new Uint8Array(10_000_000));
  ends.offer(2, new Uint8Array(10));
  ends.down();
  ends.up();
  assert.deepEqual([ends.sender.next().id, ends.sender.next().id, ends.sender.next()], [1, 2, null]);
});

test('Files: read one piece at a time, they take turns', () => {
  const ends = fileEnds();
  for (const id of [1, 2, 3]) ends.offer(id, new Uint8Array(100_000));
  ends.down();
  ends.up();
  const turns = [];
  for (let i = 0; i < 6; i++) {
    const next = ends.sender.next();
    turns.push(next.id);
    ends.sender.loaded(next, new Uint8Array(next.length));
  }
  assert.deepEqual(turns, [1, 2, 3, 1, 2, 3]);
});

test('Files: the receiver goes on at any byte, also while another piece is being read', () => {
  const ends = fileEnds();
  const bytes = new Uint8Array(randomBytes(100_000));
  ends.offer(1, bytes);
  ends.sender.accepted({ id: 1, offset: 0 });
  ends.read();
  ends.load();
  ends.read();
  drop(ends);
  ends.sender.accepted({ id: 1, offset: 10_000 });
  ends.load();
  assert.deepEqual(ends.sent, []);
  ends.read();
  ends.load();
  ends.read();
  ends.load();
  ends.read();
  ends.load();
  assert.deepEqual(ends.sent.map(({ offset }) => offset), [10_000, 42_768, 75_536, undefined]);
  assert.deepEqual(Buffer.from(ends.sent.at(-1).hash), createHash('sha256').update(bytes).digest());
});

test('Files: a sender that has not heard that a file has come whole is told again', () => {
  const ends = fileEnds();
  ends.offer(1, new Uint8Array(0));
  ends.down();
  ends.up();
  const [end] = ends.sent;
  ends.down();
  drop(ends);
  ends.receiver.whole(end);
  ends.receiver.offered({ id: 1, size: 0, name: 'name', mediaType: '' });
  assert.deepEqual(ends.answers, [{ type: MessageType.FileDone, id: 1 }, { type: MessageType.FileDone, id: 1 }]);
});

test('Files: cut anywhere, a file goes on where it stopped', () => {
  for (let seed = 0; seed < 100; seed++) {
    const pick = random(seed);
    const ends = fileEnds();
    const bytes = new Uint8Array(randomBytes(1 + pick(900_000)));
    ends.offer(1, bytes);
    for (let cuts = 0; cuts < 6; cuts++) {
      for (let steps = pick(40); steps > 0; steps--) {
        ends.read();
        ends.load(pick(3));
        ends.down(pick(4));
        ends.up(pick(4));
      }
      // Whatever is under way is lost, and sometimes what the sender's page knew.
      drop(ends);
      if (pick(3) === 0) {
        ends.restartSender();
        ends.sender.offer({ id: 1, size: bytes.length, name: 'name', mediaType: '' });
        drop(ends);
      }
      ends.sender.restart(32_768);
    }
    ends.all();
    assert.deepEqual(ends.whole(1), Buffer.from(bytes), `seed ${seed}`);
    assert.equal(ends.told.filter(([what, , code]) => what === 'receiverEnded' && code === null).length, 1, `seed ${seed}`);
    assert.ok(ends.told.some(([what, , code]) => what === 'senderEnded' && code === null), `seed ${seed}`);
  }
});

test('Files: a file that was changed on its way is damaged at both ends', () => {
  const ends = fileEnds();
  ends.offer(1, new Uint8Array(100));
  ends.down();
  ends.up();
  ends.read();
  ends.load();
  ends.sent[0].payload[7] ^= 1;
  ends.all();
  assert.deepEqual(ends.told.filter(([what]) => what.endsWith('Ended')), [['receiverEnded', 1, FileCancelCode.Damaged], ['senderEnded', 1, FileCancelCode.Damaged]]);
});

test('Files: each end can cancel; what was under way does no harm', () => {
  for (const who of ['sender', 'receiver']) {
    const ends = fileEnds();
    ends.offer(1, new Uint8Array(500_000));
    ends.down();
    ends.up();
    ends.read();
    ends.load();
    ends.down(2);
    ends[who].cancel(1);
    ends.all();
    assert.deepEqual(ends.told.filter(([what]) => what.endsWith('Ended')).map(([, , code]) => code), [FileCancelCode.Cancelled, FileCancelCode.Cancelled]);
    assert.equal(ends.sender.next(), null);
  }
});

test('Files: 16 are under way; the next are offered as the first are done', () => {
  const ends = fileEnds();
  for (let id = 1; id <= 40; id++) ends.offer(id, new Uint8Array(10));
  assert.equal(ends.sent.length, 16);
  drop(ends);
  ends.sender.restart(32_768);
  assert.equal(ends.sent.length, 16);
  ends.all();
  assert.equal(ends.told.filter(([what, , code]) => what === 'receiverEnded' && code === null).length, 40);
});

test('Files: a peer that offers more than 16, or sends more than it offered, gets no further', () => {
  const ends = fileEnds();
  const receiver = new FileReceiver({ send: (message) => ends.answers.push(message), offered: () => {}, store: () => assert.fail(), progressed: () => {}, ended: () => {} });
  for (let id = 1; id <= 17; id++) receiver.offered({ id, size: 10, name: '', mediaType: '' });
  assert.deepEqual(ends.answers, [{ type: MessageType.FileCancel, id: 17, code: FileCancelCode.Refused }]);
  receiver.accept(1, sha256());
  receiver.chunk({ id: 99, offset: 0, payload: new Uint8Array(1) });
  receiver.chunk({ id: 1, offset: 1, payload: new Uint8Array(1) });
  receiver.whole({ id: 1, hash: new Uint8Array(32) });
  assert.equal(ends.answers.length, 2);
  receiver.chunk({ id: 1, offset: 0, payload: new Uint8Array(11) });
  assert.deepEqual(ends.answers[2], { type: MessageType.FileCancel, id: 1, code: FileCancelCode.Damaged });
});

test('Files: what a sender that was started again no longer knows is over at the receiver, too', () => {
  const ends = fileEnds();
  ends.offer(5, new Uint8Array(500_000));
  ends.down();
  ends.up();
  ends.read();
  ends.load();
  ends.down();
  drop(ends);
  ends.restartSender();
  ends.receiver.restart();
  ends.all();
  assert.deepEqual(ends.told.at(-1), ['receiverEnded', 5, FileCancelCode.Unreadable]);
});

/** A sender whose page was loaded anew in the middle of a file, and a receiver that has a part of it. */
function interrupted(bytes) {
  const ends = fileEnds();
  ends.offer(7, bytes);
  ends.down();
  ends.up();
  for (let chunk = 0; chunk < 3; chunk++) {
    ends.read();
    ends.load();
    ends.down();
    ends.up();
  }

  ends.restartSender();
  ends.sender.suspend({ id: 7, size: bytes.length, name: 'name', mediaType: '' }, true);
  // HELLO.
  ends.sent.splice(0);
  ends.answers.splice(0);
  ends.sender.restart(32_768);
  ends.receiver.restart();
  assert.deepEqual(ends.answers.map(({ type, offset }) => [type, offset]), [[MessageType.FileAccept, 3 * 32_768]]);
  ends.up();
  assert.deepEqual([ends.sent, ends.sender.next()], [[], null]);
  return ends;
}

const endings = ({ told }) => told.filter(([what]) => what.endsWith('Ended'));

test('files: a sender that has to be given its file again says nothing until then, and goes on where the receiver is', () => {
  const bytes = new Uint8Array(200_000).map((_, i) => i * 7);
  const ends = interrupted(bytes);
  ends.contents.set(7, bytes);
  ends.sender.resume(7);
  const chunks = [];
  for (let round = 0; round < 50; round++) {
    ends.read();
    ends.load();
    chunks.push(...ends.sent.filter(({ type }) => type === MessageType.FileChunk).map(({ offset }) => offset));
    ends.down();
    ends.up();
  }

  assert.equal(chunks[0], 3 * 32_768);
  assert.deepEqual(Buffer.concat(ends.kept.get(7)), Buffer.from(bytes));
  assert.deepEqual(endings(ends), [['receiverEnded', 7, null], ['senderEnded', 7, null]]);
});

test('files: another file of the same size in its place is found out by the hash of the whole', () => {
  const bytes = new Uint8Array(200_000);
  const ends = interrupted(bytes);
  ends.contents.set(7, new Uint8Array(200_000).fill(1, 0, 10));
  ends.sender.resume(7);
  ends.all();
  assert.deepEqual(endings(ends), [['receiverEnded', 7, FileCancelCode.Damaged], ['senderEnded', 7, FileCancelCode.Damaged]]);
});

test('files: what is given up before it was picked again is given up at both ends', () => {
  for (const end of ['sender', 'receiver']) {
    const ends = interrupted(new Uint8Array(200_000));
    ends[end].cancel(7);
    ends.all();
    assert.deepEqual(endings(ends).sort(), [['receiverEnded', 7, FileCancelCode.Cancelled], ['senderEnded', 7, FileCancelCode.Cancelled]]);
  }
});
