"""Listens for what other processes publish: cancellations, and tasks that become due soon."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from pyasynq.broker.runners import redis_errors
from pyasynq.connection.subscription import listen
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.component import Life
from pyasynq.wire.keys import global_keys
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.subscriber")


class Subscriber:
    """The loop that listens.

    Args:
        on_cancel: called with the ID of a task to cancel (Go Asynq's channel).
        on_due: called with the due time, in nanoseconds, of a task that was just scheduled
            (a channel of pyasynq).
    """

    name = "subscriber"

    def __init__(
        self,
        resources: ServerResources,
        *,
        on_cancel: Callable[[str], None],
        on_due: Callable[[int], None],
    ) -> None:
        self._connector = resources.connector
        self._outage = resources.outage
        self._on_cancel = on_cancel
        self._on_due = on_due

    async def run(self, life: Life) -> None:
        """Listen until the stop; the connections look after themselves."""
        keys = global_keys(self._connector.namespace)
        # Two subscriptions: an ACL for Go Asynq may permit the one channel and not the other.
        try:
            async with asyncio.TaskGroup() as group:
                for channel, receive in ((keys.cancel, self._cancel), (keys.due, self._announce)):
                    listening = group.create_task(
                        self._listen(channel, receive), name=f"pyasynq subscriber of {channel}"
                    )
                    life.on_stop(listening.cancel)
                life.started()
        except ExceptionGroup as failures:
            raise failures.exceptions[0]  # noqa: B904 - the group says nothing more

    async def _listen(self, channel: str, receive: Callable[[bytes], None]) -> None:
        component = f"{self.name} of {channel}"

        def tell(error: Exception) -> bool:
            if self._connector.is_cluster:  # only one of its nodes may be away
                return False
            self._outage.failed(_trouble(error), component=component)
            return True

        messages = listen(
            self._connector,
            channel,
            on_down=tell,
            on_up=lambda: self._outage.worked(component=component),
        )
        async with contextlib.aclosing(messages):
            async for _channel, payload in messages:
                receive(payload)

    def _cancel(self, payload: bytes) -> None:
        self._on_cancel(payload.decode("utf-8", "surrogateescape"))

    def _announce(self, payload: bytes) -> None:
        """Pass on ``<nanoseconds> <queue>``; other programs may publish anything, so check it."""
        due_ns = payload.split(b" ", 1)[0]
        if due_ns.isdigit() and len(due_ns) < 20:  # noqa: PLR2004 - digits of 2⁶³
            self._on_due(int(due_ns))


def _trouble(error: Exception) -> PyasynqError:
    """Return the error that other components meet for the same reason."""
    text = str(error)
    if redis_errors.is_wrong_setting(text):
        return redis_errors.wrong_setting(text)
    return RedisUnavailableError(f"redis is not available: {text}")
