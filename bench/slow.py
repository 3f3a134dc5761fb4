#!/usr/bin/env python3
"""A TCP proxy whose connections together send so many bytes a second to the other side.

    bench/slow.py PORT HOST:PORT BYTES

What comes back is not limited. (toxiproxy limits each connection by itself.)
"""
import asyncio
import socket
import sys
import time

PORT, UPSTREAM, RATE = int(sys.argv[1]), sys.argv[2].split(":"), int(sys.argv[3])
PIECE = 16384
free_at = 0.0


async def wait_for(n):
    """Waits until the line, which takes one piece after the other, has sent n bytes more.

    Who was woken late on a busy machine goes on as if in time.
    """
    global free_at
    free_at = max(free_at, time.monotonic() - 0.05) + n / RATE
    await asyncio.sleep(max(0, free_at - time.monotonic()))


async def pump(reader, writer, slow):
    try:
        while data := await reader.read(PIECE):
            if slow:
                await wait_for(len(data))
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (OSError, asyncio.CancelledError):
        writer.close()


async def serve(reader, writer):
    try:
        back, there = await asyncio.open_connection(*UPSTREAM)
    except OSError:
        writer.close()
        return
    await asyncio.gather(pump(reader, there, True), pump(back, writer, False))
    there.close()
    writer.close()


async def main():
    # little is taken ahead, so that who sends sees how slow it is
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
    listening.bind(("127.0.0.1", PORT))
    server = await asyncio.start_server(serve, sock=listening, limit=PIECE)
    await server.serve_forever()


asyncio.run(main())
