// ws for Node, as server and as client.
import { readFileSync } from 'node:fs';
import { WebSocket, WebSocketServer } from 'ws';
import { listen, profiles, subprotocol, tell, windowBits } from './control.mjs';

const maxPayload = 16 * 1024 * 1024;
const deflate = {
  plain: false,
  deflate: true,
  noContext: { serverNoContextTakeover: true, clientNoContextTakeover: true },
  window: { serverMaxWindowBits: windowBits, clientMaxWindowBits: windowBits },
};

function serve(socket, id) {
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? '' : data.toString();
    if (text.startsWith('!')) obey(socket, text);
    else socket.send(data, { binary: isBinary });
  });
  socket.on('error', () => {});
  socket.on('close', (code, reason) => tell({ id, protocol: socket.protocol, code, reason: reason.toString() }));
}

function obey(socket, text) {
  const [verb, code, ...reason] = text.split(' ');
  if (verb === '!ping') {
    socket.ping('interop');
  } else if (verb === '!fragments') {
    const part = '0123456789'.repeat(1000);
    for (let i = 0; i < 3; i++) socket.send(part, { fin: i === 2 });
  } else if (verb === '!close') {
    if (code) socket.close(Number(code), reason.join(' '));
    else socket.close();
  }
}

const ports = {};
for (const profile of profiles) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    maxPayload,
    perMessageDeflate: deflate[profile],
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  });
  server.on('connection', (socket, request) => serve(socket, request.url.slice(1)));
  await new Promise((resolve) => server.on('listening', resolve));
  ports[profile] = server.address().port;
}

const { version } = JSON.parse(readFileSync(new URL('./node_modules/ws/package.json', import.meta.url)));
tell({ version, ports });
listen(({ id, url, protocols, profile }) => {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: deflate[profile], maxPayload });
  serve(socket, id);
});
