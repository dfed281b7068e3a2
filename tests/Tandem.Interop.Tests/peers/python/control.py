"""The pipe to the tests (../README.md): commands come in as JSON lines, reports go out as JSON lines."""

import asyncio
import json
import sys

PROFILES = ("plain", "deflate", "noContext", "window")
WINDOW_BITS = 10
SUBPROTOCOL = "tandem.test"
MAX_MESSAGE = 16 * 1024 * 1024


def tell(**line):
    print(json.dumps(line), flush=True)


def words(text):
    """A command and its arguments; the reason of a close may have spaces."""
    verb, _, rest = text.partition(" ")
    code, _, reason = rest.partition(" ")
    return verb, int(code) if code else None, reason


async def run(connect, command):
    try:
        await connect(**command)
    except Exception as error:
        tell(id=command["id"], error=repr(error))


async def listen(connect):
    """Starts connect for each command, and returns when the tests have ended."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running = set()
    while line := await reader.readline():
        task = asyncio.ensure_future(run(connect, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
