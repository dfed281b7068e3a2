// The client of sessions in Node, on each carrier alone, behind a proxy that cuts every connection after some bytes: in a head, in a frame, between two.
// Usage: node --experimental-websocket cuts.mjs MODULE PORT   (prints one line of JSON)
import { createServer, connect } from 'node:net';
import { pathToFileURL } from 'node:url';

const [, , modulePath, port] = process.argv;
const { Session, SessionCode } = await import(pathToFileURL(modulePath));
const PUBLISHED = 100;

/** Resets both ends of each connection after 2000 to 8000 bytes in both directions together. */
async function startProxy() {
  const sockets = new Set();
  let cuts = 0;
  // The same sizes in every run.
  let seed = 1;
  const server = createServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1');
    seed = (seed * 48271) % 0x7fffffff;
    let left = 2000 + (seed % 6000);
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      sockets.add(from);
      from.on('data', (data) => {
        if (left <= 0) return;
        if (data.length < left) to.write(data);
        else {
          cuts++;
          to.write(data.subarray(0, left), () => {
            client.resetAndDestroy();
            upstream.resetAndDestroy();
          });
        }

        left -= data.length;
      });
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        sockets.delete(from);
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    cuts: () => cuts,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function run(carrier) {
  const proxy = await startProxy();
  const session = new Session(`http://127.0.0.1:${proxy.port}/session`, { carriers: [carrier], firstDelay: 5, maxDelay: 50, pollInterval: 20 });
  for (let tries = 0; ; tries++) {
    try {
      await session.connect({ signal: AbortSignal.timeout(10_000) });
      break;
    } catch (error) {
      if (tries === 5) throw error;
    }
  }

  const topic = `lab/cuts-${carrier}`;
  const events = [];
  const others = new Set();
  const codes = new Set([await session.subscribe(topic)]);
  const publishing = (async () => {
    for (let i = 0; i < PUBLISHED; i++) codes.add(await session.publish(topic, `${i} ${'x'.repeat(i)}`));
  })();
  for await (const notice of session.read({ signal: AbortSignal.timeout(60_000) })) {
    if (notice.type !== 'event') others.add(notice.type);
    else if (events.push(Number(notice.data.split(' ')[0])) === PUBLISHED) break;
  }

  await publishing;
  await session.close();
  proxy.stop();
  return {
    carrier, cuts: proxy.cuts(), others: [...others],
    isOk: [...codes].every((code) => code === SessionCode.Ok), isInOrder: events.length === PUBLISHED && events.every((event, i) => event === i),
  };
}

console.log(JSON.stringify(await Promise.all(['websocket', 'streaming', 'longPolling', 'polling'].map(run))));
