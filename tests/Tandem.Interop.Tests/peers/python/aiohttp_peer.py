"""aiohttp, as server and as client."""

import asyncio

import aiohttp
from aiohttp import WSMsgType, web

import control
from control import SUBPROTOCOL, WINDOW_BITS, listen, tell, words

MAX_MESSAGE = control.MAX_MESSAGE + 1  # the least that is refused

# What its client offers: the argument is the window that the server is asked for.
COMPRESS = {"plain": 0, "deflate": 15, "window": WINDOW_BITS}


async def echo(socket, name, protocol):
    code, reason = 1005, ""
    # Not "async for": that hides the close frame and its reason.
    while True:
        message = await socket.receive()
        if message.type == WSMsgType.TEXT:
            if message.data.startswith("!"):
                await obey(socket, message.data)
            else:
                await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        else:
            if message.type == WSMsgType.CLOSE:
                code, reason = message.data or 1005, message.extra
            break
    tell(id=name, protocol=protocol, code=code, reason=reason)


async def obey(socket, text):
    verb, code, reason = words(text)
    if verb == "!ping":
        await socket.ping(b"interop")
    elif verb == "!close":
        await socket.close(code=code, message=reason.encode())


def handler(compress):
    async def handle(request):
        socket = web.WebSocketResponse(protocols=[SUBPROTOCOL], compress=compress, max_msg_size=MAX_MESSAGE)
        await socket.prepare(request)
        await echo(socket, request.path[1:], socket.ws_protocol)
        return socket

    return handle


async def connect(id, url, protocols, profile):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=protocols, compress=COMPRESS[profile], max_msg_size=MAX_MESSAGE) as socket:
            await echo(socket, id, socket.protocol)


async def main():
    ports = {}
    for profile in ("plain", "deflate"):
        application = web.Application()
        application.router.add_get("/{id}", handler(profile == "deflate"))
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports[profile] = site._server.sockets[0].getsockname()[1]  # it has no public way to tell
    tell(version=aiohttp.__version__, ports=ports)
    await listen(connect)


asyncio.run(main())
