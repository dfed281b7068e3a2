"""websockets, as server and as client."""

import asyncio

import websockets
import websockets.version
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from control import MAX_MESSAGE, PROFILES, SUBPROTOCOL, WINDOW_BITS, listen, tell, words

PARAMETERS = {
    "noContext": {"server_no_context_takeover": True, "client_no_context_takeover": True},
    "window": {"server_max_window_bits": WINDOW_BITS, "client_max_window_bits": WINDOW_BITS},
}


def options(profile, factory):
    common = {"max_size": MAX_MESSAGE, "ping_interval": None}
    if profile == "plain":
        return common | {"compression": None}
    if profile == "deflate":
        return common | {"compression": "deflate"}
    return common | {"compression": None, "extensions": [factory(**PARAMETERS[profile])]}


async def echo(socket, name):
    try:
        async for message in socket:
            if isinstance(message, str) and message.startswith("!"):
                await obey(socket, message)
            else:
                await socket.send(message)
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    tell(id=name, protocol=socket.subprotocol, code=socket.close_code, reason=socket.close_reason)


async def obey(socket, text):
    verb, code, reason = words(text)
    if verb == "!ping":
        await socket.ping("interop")
    elif verb == "!fragments":
        await socket.send(["0123456789" * 1000] * 3)
    elif verb == "!close":
        await socket.close(code, reason)


async def connect(id, url, protocols, profile):
    async with websockets.connect(url, subprotocols=protocols or None, **options(profile, ClientPerMessageDeflateFactory)) as socket:
        await echo(socket, id)


async def main():
    ports = {}
    for profile in PROFILES:
        server = await websockets.serve(
            lambda socket: echo(socket, socket.path[1:]), "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], **options(profile, ServerPerMessageDeflateFactory)
        )
        ports[profile] = server.sockets[0].getsockname()[1]
    tell(version=websockets.version.version, ports=ports)
    await listen(connect)


asyncio.run(main())
