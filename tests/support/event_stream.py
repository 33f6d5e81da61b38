"""Listens to the events of the web UI as a browser does, in this process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

WITHIN_S = 15.0


class EventSource:
    """One stream: what came so far, and what a test waits for."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.raw = b""
        self.is_over = False
        self.accepts = asyncio.Event()  # a browser that takes nothing has cleared it
        self.accepts.set()
        self._gone = asyncio.Event()
        self._changed = asyncio.Event()
        self._taken = 0

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.accepts.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {key.decode(): value.decode() for key, value in message["headers"]}
        else:
            self.raw += message.get("body", b"")
            self.is_over = not message.get("more_body", False)
        self._changed.set()

    def leave(self) -> None:
        """Close the page."""
        self._gone.set()

    @property
    def events(self) -> list[tuple[str, Any]]:
        """All events so far."""
        found = []
        for block in self.raw.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found

    async def next(self) -> tuple[str, Any]:
        """Return the next event that nobody has asked for."""
        await self.until(lambda: len(self.events) > self._taken)
        self._taken += 1
        return self.events[self._taken - 1]

    async def until(self, holds: Any) -> None:
        """Wait until something holds of this stream."""
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def listening(app: Any, **scope: Any) -> AsyncIterator[EventSource]:
    """Open a stream of an application, and leave it at the end."""
    source = EventSource()
    path = scope.pop("path", "/api/x/events")
    given = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        **scope,
    }
    answering = asyncio.create_task(app(given, source.receive, source.send))
    answering.add_done_callback(lambda _done: source._changed.set())
    try:
        await source.until(lambda: source.status or answering.done())
        yield source
    finally:
        source.leave()
        source.accepts.set()
        await answering
