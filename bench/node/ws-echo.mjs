// The echo that ws is meant to be used for: ws-echo.mjs PORT [deflate]. / echoes, /broadcast sends every message to all who are connected to it.
import { WebSocketServer } from 'ws';

const port = Number(process.argv[2]);
const deflates = process.argv[3] === 'deflate';
if (!Number.isInteger(port) || port < 1 || port > 65535 || (process.argv[3] && !deflates)) {
  console.error('usage: ws-echo.mjs PORT [deflate]');
  process.exit(2);
}

const members = new Set();
const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: deflates && { threshold: 64 } });
server.on('connection', (socket, request) => {
  socket.on('error', () => {}); // a client that has gone
  if (request.url !== '/broadcast') {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    return;
  }

  members.add(socket);
  socket.on('close', () => members.delete(socket));
  socket.on('message', (data, binary) => {
    for (const member of members) member.send(data, { binary });
  });
});
server.on('listening', () => console.log(`echo at ws://127.0.0.1:${port}/, process ${process.pid}, Node ${process.version}`));
