// The WebSocket API of the WHATWG, in whatever has it: Chromium, Firefox, Node. A classic script, because all three can run one.
function interop({ id, url, protocols }) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string' || !data.startsWith('!')) {
        socket.send(data);
        return;
      }
      const [verb, code, ...reason] = data.split(' ');
      if (verb !== '!close') return;
      if (code) socket.close(Number(code), reason.join(' '));
      else socket.close();
    };
    socket.onclose = ({ code, reason }) => resolve({ id, protocol: socket.protocol, code, reason });
  });
}
