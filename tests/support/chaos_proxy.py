"""A TCP proxy in front of a Redis that breaks connections on purpose."""

import asyncio
import contextlib
import socket
import struct
import sys
import threading
from types import TracebackType
from typing import Self

from tests.support.ports import free_port

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class ChaosProxy:
    """Passes bytes on, until it is asked to break something. Runs on a loop in its own thread.

    Attributes:
        port: where it listens.
        cut_after: once, the server runs the next request that holds these bytes, and the
            connection is reset before the client sees the answer.
        cuts: how many answers were really cut.
        hangs_up: new connections are accepted and reset at once.
        delay_s: for how long each answer is held back.
        connections: how many were accepted so far.
    """

    def __init__(self, upstream_port: int) -> None:
        self.port = free_port()
        self.cut_after: bytes | None = None
        self.cuts = 0
        self.hangs_up = False
        self.delay_s = 0.0
        self.connections = 0
        self._upstream_port = upstream_port
        self._flows = asyncio.Event()
        self._flows.set()
        self._requests_flow = asyncio.Event()
        self._requests_flow.set()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._closed: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse()
        self.cut()
        self._on_loop(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def accept(self) -> None:
        """Listen, on the same port as before."""
        self._on_loop(self._accept())

    def refuse(self) -> None:
        """Refuse new connections; the open ones stay."""
        self._on_loop(self._refuse())

    def cut(self) -> None:
        """Reset every open connection."""
        self._on_loop(self._cut())

    def hold_answers(self) -> None:
        """Let requests arrive, and keep the answers."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def release_answers(self) -> None:
        """Pass the answers on that were kept."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def hold_requests(self) -> None:
        """Keep the requests, so that the server receives nothing."""
        self._loop.call_soon_threadsafe(self._requests_flow.clear)

    def release_requests(self) -> None:
        """Pass the requests on that were kept."""
        self._loop.call_soon_threadsafe(self._requests_flow.set)

    def _on_loop(self, step) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result()

    async def _accept(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._closed.append(self._server)
            self._server = None
            await asyncio.sleep(0)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            self._reset(writer)

    async def _settle(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if sys.version_info >= (3, 13):  # which complains of what was accepted and never served
            for server in self._closed:
                server.abort_clients()
        await asyncio.sleep(0)  # the transports say goodbye

    @staticmethod
    def _reset(writer: asyncio.StreamWriter) -> None:
        own = writer.get_extra_info("socket")
        if own is not None and not writer.is_closing():
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.hangs_up:
            self._reset(writer)
            return
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        self._writers.add(requests)
        doomed = asyncio.Event()
        pumps = {
            asyncio.ensure_future(self._pass_requests(reader, requests, doomed)),
            asyncio.ensure_future(self._pass_answers(answers, writer, doomed)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers.discard(requests)
            requests.transport.abort()

    async def _pass_requests(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while data := await source.read(1 << 16):
            if self.cut_after is not None and self.cut_after in data:
                self.cut_after = None
                doomed.set()
            await self._requests_flow.wait()
            sink.write(data)
            await sink.drain()

    async def _pass_answers(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        while data := await source.read(1 << 16):
            if doomed.is_set():
                self.cuts += 1
                self._reset(sink)
                return
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._flows.wait()
            sink.write(data)
            await sink.drain()
