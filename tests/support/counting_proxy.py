"""A TCP proxy in front of a Redis that counts what passes: commands, round trips and bytes."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import hiredis

from tests.support.ports import free_port


@dataclass
class Count:
    """What a client sent and received.

    Attributes:
        commands: how many arrived, scripts as one.
        round_trips: how often the client sent something after it had received something.
        sent: bytes of the commands.
        received: bytes of the answers.
    """

    commands: int = 0
    round_trips: int = 0
    sent: int = 0
    received: int = 0


class CountingProxy:
    """Passes bytes on and counts them, in `count`. Runs on a loop in its own thread."""

    def __init__(self, upstream_port: int) -> None:
        self.count = Count()
        self._port = free_port()
        self._upstream_port = upstream_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._accept(), self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _accept(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # the transports say goodbye

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        conversation = _Conversation(self)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(_pump(reader, requests, conversation.asked))
                    pumps.create_task(_pump(answers, writer, conversation.answered))
        finally:
            requests.transport.abort()
            writer.transport.abort()


class _Conversation:
    """One connection; knows whose turn it is."""

    def __init__(self, proxy: CountingProxy) -> None:
        self._proxy = proxy
        self._commands = hiredis.Reader()
        self._is_asking = False

    def asked(self, data: bytes) -> None:
        count = self._proxy.count
        count.sent += len(data)
        count.round_trips += not self._is_asking
        self._is_asking = True
        self._commands.feed(data)
        while self._commands.gets() is not False:
            count.commands += 1

    def answered(self, data: bytes) -> None:
        self._proxy.count.received += len(data)
        self._is_asking = False


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, on_data) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 20):
            on_data(data)
            sink.write(data)
            await sink.drain()
    sink.close()
