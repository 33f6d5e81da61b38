"""A reverse proxy of HTTP, as nginx is one: it may take a prefix off, and pass Host on or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.ports import free_port


@asynccontextmanager
async def web_proxy(
    upstream_port: int, *, strips: str = "", keeps_host: bool = True
) -> AsyncIterator[int]:
    """Run it around a block; gives its port.

    Args:
        upstream_port: of a server on this machine.
        strips: a prefix that it takes off paths.
        keeps_host: whether it passes the Host of the visitor on, or that of the server.
    """

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *headers = head.split("\r\n")[:-2]
        method, target, version = request.split(" ")
        named = dict(each.split(": ", 1) for each in headers)
        named = {name.lower(): value for name, value in named.items()} | {"connection": "close"}
        if not keeps_host:
            named["host"] = f"127.0.0.1:{upstream_port}"
        lines = [f"{method} {target.removeprefix(strips) or '/'} {version}"]
        lines += [f"{name}: {value}" for name, value in named.items()]
        body = await reader.readexactly(int(named.get("content-length", 0)))
        from_server, to_server = await asyncio.open_connection("127.0.0.1", upstream_port)
        to_server.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        writer.write(await from_server.read())
        for each in (to_server, writer):
            each.close()

    port = free_port()
    async with await asyncio.start_server(pass_on, "127.0.0.1", port):
        yield port
