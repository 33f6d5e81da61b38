"""Listens for what other processes publish: cancellations, and tasks that become due soon."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from pyasynq.broker.runners import redis_errors
from pyasynq.clock import Clock
from pyasynq.connection.subscription import listen
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.health import Condition, HealthCheck
from pyasynq.wire.keys import global_keys
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.subscriber")

CONNECTS_WITHIN_S = 2.0  # at the start; then it counts that it has not
# A proxy that hangs up on whoever wants to listen would keep the server unready for ever.
IN_VAIN_S = 60.0
CUT_OFF = "cancellations do not arrive: it is not subscribed"
REFUSED = "redis does not let it listen, so cancellations do not arrive"


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
        keys = global_keys(self._connector.namespace)
        self._hears = {each: _Hearing(resources.clock) for each in (keys.cancel, keys.due)}
        self._outage = resources.outage
        self._on_cancel = on_cancel
        self._on_due = on_due

    @property
    def subscribed(self) -> HealthCheck:
        """Whether it listens, or may not; may be asked in any thread."""
        checks = [each.check for each in self._hears.values()]
        # What fails is more to the point than what passes, and a detail more than none.
        return min(checks, key=lambda each: (each.ok, not each.detail))

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
        component, hearing = f"{self.name} of {channel}", self._hears[channel]

        def tell(error: Exception) -> bool:
            hearing.fails()
            if self._connector.is_cluster:  # only one of its nodes may be away
                return False
            self._outage.failed(_trouble(error), component=component)
            return True

        def refused(_error: Exception) -> bool:
            hearing.is_refused()
            return False

        def worked() -> None:
            hearing.works()
            self._outage.worked(component=component)

        messages = listen(self._connector, channel, on_down=tell, on_up=worked, on_refused=refused)
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


class _Hearing:
    """Whether the messages of a channel arrive."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._condition = Condition("subscribed", clock)
        self._began = clock.monotonic()
        self._has_worked = False

    @property
    def check(self) -> HealthCheck:
        """The state at the moment; in any thread."""
        found = self._condition.check
        is_unknown = found.ok and not (self._has_worked or found.detail)
        if is_unknown and self._age_s() > CONNECTS_WITHIN_S:
            self.fails()
        return self._condition.check

    def works(self) -> None:
        """Note that they do."""
        self._has_worked = True
        self._condition.passes()

    def fails(self) -> None:
        """Note that the connection is down."""
        if self._has_worked or self._age_s() < IN_VAIN_S:
            self._condition.fails(CUT_OFF)
        else:
            self.is_refused()

    def is_refused(self) -> None:
        """Note that Redis, or what is in front of it, does not let us listen."""
        self._condition.passes(REFUSED)

    def _age_s(self) -> float:
        return self._clock.monotonic() - self._began


def _trouble(error: Exception) -> PyasynqError:
    """Return the error that other components meet for the same reason."""
    text = str(error)
    if redis_errors.is_wrong_setting(text):
        return redis_errors.wrong_setting(text)
    return RedisUnavailableError(f"redis is not available: {text}")
