"""Tornado, as server and as client."""

import asyncio

import tornado
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from control import MAX_MESSAGE, SUBPROTOCOL, listen, tell, words


def answer(socket, message):
    if not isinstance(message, str) or not message.startswith("!"):
        return socket.write_message(message, binary=isinstance(message, bytes))
    verb, code, reason = words(message)
    if verb == "!ping":
        socket.ping(b"interop")
    elif verb == "!close":
        socket.close(code, reason or None)
    return None


def end(socket, name, protocol):
    code = 1005 if socket.close_code is None else socket.close_code
    tell(id=name, protocol=protocol, code=code, reason=socket.close_reason)


class Echo(WebSocketHandler):
    def check_origin(self, origin):
        return True

    def open(self, *args):
        self.protocol = self.selected_subprotocol  # it cannot be asked once the connection is closing

    def select_subprotocol(self, subprotocols):
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    async def on_message(self, message):
        if (sending := answer(self, message)) is not None:
            await sending

    def on_close(self):
        end(self, self.request.path[1:], self.protocol)


class CompressedEcho(Echo):
    def get_compression_options(self):
        return {}


async def connect(id, url, protocols, profile):
    socket = await websocket_connect(
        url, subprotocols=protocols or None, compression_options=None if profile == "plain" else {}, max_message_size=MAX_MESSAGE
    )
    protocol = socket.selected_subprotocol
    while (message := await socket.read_message()) is not None:
        if (sending := answer(socket, message)) is not None:
            await sending
    end(socket, id, protocol)


async def main():
    ports = {}
    for profile, handler in (("plain", Echo), ("deflate", CompressedEcho)):
        server = HTTPServer(Application([("/.*", handler)], websocket_max_message_size=MAX_MESSAGE))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        ports[profile] = sockets[0].getsockname()[1]
    tell(version=tornado.version, ports=ports)
    await listen(connect)


asyncio.run(main())
