"""A stream of server-sent events, from one listener to one browser."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from pyasynq.web.live.listener import Event, Listener
from pyasynq.web.live.live import Live

MEDIA_TYPE = "text/event-stream"
FIRST = b"retry: 1000\n\n"  # milliseconds after which a browser comes again
HEARTBEAT = b":\n\n"
LOOK_S = 1.0  # how often it is looked whether the server stops


class EventStream(Response):
    """An answer that lasts until the browser or the server ends it.

    Args:
        live: whose changes are told.
        listener: who is told them; the stream lets it go.
    """

    media_type = MEDIA_TYPE

    def __init__(self, live: Live, listener: Listener) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})  # nginx would hold events back
        del self.headers["content-length"]
        self._live, self._listener = live, listener

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until somebody ends it."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        try:
            async with _watched(self._listener, receive):
                await send({"type": "http.response.start", **start})
                await self._send(send, FIRST)
                await self._tell(send, _stops(receive))
                self._live.leave(self._listener)  # there is room for another one now
                await self._send(send, b"", more=False)
        except (TimeoutError, OSError):
            pass  # nobody takes it any more
        finally:
            self._live.leave(self._listener)

    async def _tell(self, send: Send, stops: Callable[[], bool]) -> None:
        clock, pace = asyncio.get_running_loop().time, self._live.pace
        quiet_since = clock()
        end = quiet_since + pace.longest_s
        while not self._listener.is_closed and clock() < end and not stops():
            events = await self._listener.events(min(LOOK_S, pace.heartbeat_s))
            if events or clock() - quiet_since >= pace.heartbeat_s:
                await self._send(send, written(events) or HEARTBEAT)
                quiet_since = clock()

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._live.pace.send_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})


def written(events: Sequence[Event]) -> bytes:
    """Return events as they are sent; all but ASCII is escaped, so that every name is valid."""
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events).encode()


@asynccontextmanager
async def _watched(listener: Listener, receive: Receive) -> AsyncIterator[None]:
    """Close a listener inside the block as soon as the browser is gone."""

    async def watch() -> None:
        has_body = False
        while (message := await receive())["type"] != "http.disconnect":
            if has_body:
                return  # a server that has nothing to tell, and does not wait until it has
            has_body = not message.get("more_body", False)
        listener.close()

    watching = asyncio.create_task(watch(), name="pyasynq web: is the browser there")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _stops(receive: Receive) -> Callable[[], bool]:
    """Return what tells whether the server stops, where that can be seen.

    uvicorn waits for every answer before it ends, without a limit unless it was given one, and
    tells applications nothing meanwhile. What it does is to keep no connection any longer.
    """
    request = getattr(receive, "__self__", None)
    if getattr(request, "keep_alive", None) is not True:
        return lambda: False
    return lambda: getattr(request, "keep_alive", True) is False
