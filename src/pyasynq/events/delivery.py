"""Delivers events to listeners, apart from what they are about.

An event is put into the inbox of each listener that asked for it, which takes no time; an asyncio
task of its own delivers what is in an inbox. So a listener that is slow, hangs or fails delays
neither the work nor another listener. Each listener gets an event of its own, so that whatever it
does to it, no other one sees that.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from pyasynq.events.event import Event, EventName
from pyasynq.events.inbox import Count, Inbox
from pyasynq.events.listeners import Listener
from pyasynq.lifecycle.component import Life

logger = logging.getLogger("pyasynq.notifier")

LAST_WAIT_S = 0.2  # for a listener that was cancelled


class Delivery:
    """The inboxes of some listeners; used on one event loop only.

    Args:
        threads: where plain functions run, as many at once as there are listeners.
        count: see `Inbox`.
        grace_s: how long listeners may go on at the stop.
    """

    def __init__(
        self, listeners: Sequence[Listener], threads: Executor, *, count: Count, grace_s: float
    ) -> None:
        self._threads = threads
        self._grace_s = grace_s
        self._inboxes = [Inbox(each, count, threads) for each in listeners]
        self._by_name: dict[EventName, list[Inbox]] = {}
        for inbox in self._inboxes:
            for name in inbox.listener.names:
                self._by_name.setdefault(name, []).append(inbox)
        self._deliveries: list[asyncio.Task[None]] = []

    @property
    def is_quiet(self) -> bool:
        """Whether every listener has returned from every event; ask on the loop."""
        return all(each.is_quiet for each in self._inboxes)

    @property
    def has_leftovers(self) -> bool:
        """Whether a listener has not ended, on the loop or in a thread."""
        is_on_loop = any(not each.done() for each in self._deliveries)
        return is_on_loop or any(inbox.is_in_thread for inbox in self._inboxes)

    def has_listener(self, name: EventName) -> bool:
        """Whether anybody listens for the events called *name*."""
        return name in self._by_name

    def publish(self, name: EventName, make: Callable[[], Event]) -> None:
        """Put an event called *name* into the inboxes; *make* is called once for each of them."""
        for inbox in self._by_name.get(name, ()):
            inbox.put(make())

    async def run(self, life: Life, *, at_stop: Callable[[], None] | None = None) -> None:
        """Deliver until the stop, and then what is left, for as long as the grace lasts.

        Args:
            at_stop: called at the stop, when it may publish the last event.
        """
        self._deliveries = [
            asyncio.create_task(inbox.run(), name=f"pyasynq notifier of {inbox.listener.label}")
            for inbox in self._inboxes
        ]
        life.stops_within_s = self._grace_s + 2 * LAST_WAIT_S
        life.started()
        await life.stopping.wait()
        if at_stop is not None:
            at_stop()
        for inbox in self._inboxes:
            inbox.close()
        await self._end(life)

    async def _end(self, life: Life) -> None:
        """Wait for the listeners, no longer than the stop allows; then leave them behind."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._grace_s
        try:
            late = await life.budget.wait(
                self._deliveries, lambda: min(end - loop.time(), life.budget.all_s - LAST_WAIT_S)
            )
            for delivery in late:
                delivery.cancel()
            if late:
                await asyncio.wait(late, timeout=LAST_WAIT_S)
        finally:
            for delivery in self._deliveries:
                delivery.cancel()
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._log_leftovers()

    def _log_leftovers(self) -> None:
        for inbox in self._inboxes:
            if inbox or inbox.is_in_thread:
                logger.warning(
                    "listener %s did not end within %g s; %d events are not delivered to it",
                    inbox.listener.label,
                    self._grace_s,
                    len(inbox),
                )
