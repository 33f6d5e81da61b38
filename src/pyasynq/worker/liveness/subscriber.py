"""Listens for what other processes announce: cancellations, and tasks that become due soon."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from pyasynq.connection.connector import Connector
from pyasynq.connection.subscription import listen
from pyasynq.lifecycle.component import Life
from pyasynq.wire.keys import global_keys

logger = logging.getLogger("pyasynq.subscriber")


class Subscriber:
    """The loop that listens.

    Args:
        on_cancel: called with the ID of a task that shall be cancelled (Go Asynq's channel).
        on_due: called with the time, in nanoseconds, at which a task becomes due that was just
            scheduled (a channel of ours).
    """

    name = "subscriber"

    def __init__(
        self,
        connector: Connector,
        *,
        on_cancel: Callable[[str], None],
        on_due: Callable[[int], None],
    ) -> None:
        self._connector = connector
        self._on_cancel = on_cancel
        self._on_due = on_due

    async def run(self, life: Life) -> None:
        """Listen until the stop; the connections look after themselves."""
        keys = global_keys(self._connector.namespace)
        # Two subscriptions: an ACL for Go Asynq may permit the one channel and not the other.
        listening = [
            asyncio.create_task(self._listen(keys.cancel, self._cancel), name="pyasynq cancel"),
            asyncio.create_task(self._listen(keys.due, self._announce), name="pyasynq due"),
        ]
        life.started()
        stopped = asyncio.create_task(life.stopping.wait(), name="pyasynq subscriber stop")
        try:
            await asyncio.wait({*listening, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, *listening):
                task.cancel()
        for ended in await asyncio.gather(*listening, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _listen(self, channel: str, hear: Callable[[bytes], None]) -> None:
        async with contextlib.aclosing(listen(self._connector, channel)) as messages:
            async for _channel, payload in messages:
                hear(payload)

    def _cancel(self, payload: bytes) -> None:
        self._on_cancel(payload.decode("utf-8", "surrogateescape"))

    def _announce(self, payload: bytes) -> None:
        """Pass on ``<nanoseconds> <queue>``; anybody can publish anything, so look at it first."""
        due_ns = payload.split(b" ", 1)[0]
        if due_ns.isdigit() and len(due_ns) < 20:  # noqa: PLR2004 - digits of 2⁶³
            self._on_due(int(due_ns))
