"""The connections of one App: made on first use, one set for blocking code, one per event loop.

Forked processes, threads, and event loops that come and go may all use the same App. A forked
process gets its own connections. A loop that ends in an orderly way, as with `asyncio.run`, closes
its connections; a loop that was closed in another way is forgotten.
"""

import asyncio
import os
import threading
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pyasynq.clock import Clock, SystemClock
from pyasynq.connection.connector import ConnectionSource
from pyasynq.options import Duration
from pyasynq.tracing import Tracing

if TYPE_CHECKING:
    from pyasynq.client import Client
    from pyasynq.client_async import AsyncClient
    from pyasynq.inspector import AsyncInspector, Inspector


class Kinds(NamedTuple):
    """What makes clients in the place of `Client` and `AsyncClient`, with the same arguments."""

    client: "Callable[..., Client]"
    async_client: "Callable[..., AsyncClient]"


class _Blocking(msgspec.Struct):
    """What blocking code of this process uses."""

    client: "Client | None" = None
    inspector: "Inspector | None" = None

    def close(self) -> None:
        if self.client is not None:
            self.client.close()
        if self.inspector is not None:
            self.inspector.close()


class _OfLoop(msgspec.Struct):
    """What one event loop uses.

    Attributes:
        end: an async generator that closes all of it when the loop ends its generators.
    """

    client: "AsyncClient | None" = None
    inspector: "AsyncInspector | None" = None
    end: AsyncGenerator[None] | None = None

    async def close(self) -> None:
        if self.client is not None:
            await self.client.close()
        if self.inspector is not None:
            await self.inspector.close()


class _Process(msgspec.Struct):
    """What this process has opened; a fork starts with nothing."""

    blocking: _Blocking = msgspec.field(default_factory=_Blocking)
    loops: dict[asyncio.AbstractEventLoop, _OfLoop] = msgspec.field(default_factory=dict)
    lock: threading.Lock = msgspec.field(default_factory=threading.Lock)
    pid: int = msgspec.field(default_factory=os.getpid)


class Clients:
    """Opens the clients and inspectors of one App.

    Args:
        source: where Redis is; may be set again before the first use.
        clock: where to get the time; the machine's clock if not given.
        max_payload_size: see `ServerConfig`; may be set again before the first use.
        enqueue_patience: see `Client`.
        tracing: likewise; may be set again before the first use.
    """

    def __init__(
        self,
        source: ConnectionSource,
        clock: Clock | None,
        *,
        max_payload_size: int,
        enqueue_patience: Duration,
        tracing: Tracing | None = None,
    ) -> None:
        self.tracing = tracing
        self.source = source
        self._enqueue_patience = enqueue_patience
        self.max_payload_size = max_payload_size
        self._clock = clock
        self._kinds: Kinds | None = None
        self._is_on_demand = False
        self._process = _Process()
        self._inherited: list[_Process] = []
        self._has_warned = False

    @contextmanager
    def replaced(
        self,
        source: ConnectionSource,
        clock: Clock | None,
        kinds: Kinds | None = None,
        *,
        on_demand: bool = False,
    ) -> Iterator[None]:
        """Use another Redis and another clock inside a block; close its connections after it.

        Args:
            kinds: what makes the clients; the usual ones if not given.
            on_demand: whether tasks run only when a test says so.
        """
        before = self.source, self._clock, self._process, self._kinds, self._is_on_demand
        self.source, self._clock, self._process = source, clock, _Process()
        self._kinds, self._is_on_demand = kinds, on_demand
        try:
            yield
        finally:
            self.close()
            self.source, self._clock, self._process, self._kinds, self._is_on_demand = before

    @property
    def clock(self) -> Clock:
        """Where the clients get the time."""
        return self._clock or SystemClock()

    @property
    def is_on_demand(self) -> bool:
        """Whether tasks run only when a test says so."""
        return self._is_on_demand

    def client(self) -> "Client":
        """Return the client of this process; any thread may use it."""
        mine = self._mine()
        client = mine.blocking.client
        if client is not None:
            return client
        from pyasynq.client import Client  # noqa: PLC0415 - an App may only run tasks

        with mine.lock:
            if mine.blocking.client is None:
                make = Client if self._kinds is None else self._kinds.client
                mine.blocking.client = make(
                    self.source,
                    clock=self._clock,
                    enqueue_patience=self._enqueue_patience,
                    max_payload_size=self.max_payload_size,
                    tracing=self.tracing,
                )
            return mine.blocking.client

    def inspector(self) -> "Inspector":
        """Return the inspector of this process; any thread may use it."""
        from pyasynq.inspector import Inspector  # noqa: PLC0415 - as above

        mine = self._mine()
        with mine.lock:
            if mine.blocking.inspector is None:
                mine.blocking.inspector = Inspector(self.source, clock=self._clock)
            return mine.blocking.inspector

    def opened_async_client(self) -> "AsyncClient | None":
        """Return the client of the running loop; None if it has none yet."""
        ours = self._mine().loops.get(asyncio.get_running_loop())
        return ours.client if ours else None

    async def async_client(self) -> "AsyncClient":
        """Return the client of the running loop."""
        mine = await self._of_this_loop()
        if mine.client is None:
            from pyasynq.client_async import AsyncClient  # noqa: PLC0415 - as above

            make = AsyncClient if self._kinds is None else self._kinds.async_client
            mine.client = make(
                self.source,
                clock=self._clock,
                enqueue_patience=self._enqueue_patience,
                max_payload_size=self.max_payload_size,
                tracing=self.tracing,
            )
        return mine.client

    async def async_inspector(self) -> "AsyncInspector":
        """Return the inspector of the running loop."""
        from pyasynq.inspector import AsyncInspector  # noqa: PLC0415 - as above

        mine = await self._of_this_loop()
        if mine.inspector is None:
            mine.inspector = AsyncInspector(self.source, clock=self._clock)
        return mine.inspector

    def warn_inside_loop(self, what: str, task_type: str | None = None, *, instead: str) -> None:
        """Warn once, at the caller's caller, if a running event loop is about to be blocked."""
        if asyncio._get_running_loop() is None or self._has_warned:  # noqa: SLF001 - in __all__ of asyncio, and does not raise
            return
        self._has_warned = True
        if task_type is not None:
            what = f"{what} {task_type!r}"
        warnings.warn(
            f"{what} blocks the event loop; use `await {instead}(...)`",
            RuntimeWarning,
            stacklevel=3,
        )

    def close(self) -> None:
        """Close the connections of blocking code; safe to repeat. The next use opens new ones."""
        mine = self._mine()
        with mine.lock:
            blocking, mine.blocking = mine.blocking, _Blocking()
        blocking.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop and of blocking code; safe to repeat."""
        mine = self._mine()
        with mine.lock:
            ours = mine.loops.pop(asyncio.get_running_loop(), None)
        if ours is not None and ours.end is not None:
            await ours.end.aclose()
        self.close()

    def _mine(self) -> _Process:
        """Return what this process opened.

        What a parent process opened is kept but never used: the sockets belong to the parent, so
        destructors must not close them here.
        """
        if self._process.pid != os.getpid():
            self._inherited.append(self._process)
            self._process = _Process()
        return self._process

    async def _of_this_loop(self) -> _OfLoop:
        mine = self._mine()
        loop = asyncio.get_running_loop()
        ours = mine.loops.get(loop)
        if ours is None:
            ours = _OfLoop()
            with mine.lock:
                mine.loops[loop] = ours
                for other in [each for each in mine.loops if each.is_closed()]:
                    del mine.loops[other]
            ours.end = _close_at_the_end(mine, loop, ours)
            # A loop ends every generator that was started on it before it closes.
            await anext(ours.end)
        return ours


async def _close_at_the_end(
    process: _Process, loop: asyncio.AbstractEventLoop, ours: _OfLoop
) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        with process.lock:
            if process.loops.get(loop) is ours:
                del process.loops[loop]
        await ours.close()
