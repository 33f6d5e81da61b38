"""Whether a call may try to reach Redis now, and for how long.

Most calls just begin: `AsyncAdmission.measure_at` is in the future, and no node is away. Only the
others ask here, so what is written here costs them alone.
"""

import logging

from pyasynq.broker.runners.runner_async import LOCAL_CLOCK, AsyncRunner
from pyasynq.clock import Clock
from pyasynq.errors import ConfigError, NotReplicatedError, PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.fail_fast import LONGEST_S, FailFast
from pyasynq.options import Duration, duration_fault, to_seconds

logger = logging.getLogger("pyasynq.client")

MEASURE_AGAIN_S = 60.0


class AsyncAdmission:
    """Measures the clock of Redis now and then, and lets calls fail fast while Redis is away.

    Args:
        clock: what learns the time of Redis.
        patience_s: for how long a call tries to reach Redis if it does not say; 0 for one try.

    Attributes:
        patience_s: as given.
        measure_at: from this time of the monotonic clock on, a call must `begin`.
        away: by queue, of those whose node of a cluster is away; while there is one, a call must
            `check_node`.
    """

    def __init__(self, clock: Clock, *, patience_s: float) -> None:
        self.patience_s = patience_s
        self.measure_at: float = float("-inf")
        self.away: dict[str, FailFast] = {}
        self._clock = clock
        self._fail_fast = FailFast(clock)
        self._is_clock_local = False
        self._is_cluster = False

    async def begin(self, runner: AsyncRunner | None, patience: Duration | None) -> float:
        """Let a call begin that has a patience of its own, or must learn the time of Redis first.

        Args:
            runner: of the call; None if the client was closed in the meantime.
            patience: of the call, if it has its own.

        Returns:
            For how long it may try, in seconds.

        Raises:
            ConfigError: the patience is wrong.
            RedisUnavailableError: Redis did not answer, or has not a moment ago.
        """
        if patience is not None:
            ConfigError.raise_if([duration_fault("patience", patience)])
        patience_s = self._seconds(patience)
        began = self._clock.monotonic()
        if began < self.measure_at or runner is None:
            return patience_s
        self._is_cluster = runner.is_cluster
        self._fail_fast.check(patience_s)
        if not self._fail_fast.is_on:
            self.measure_at = began + MEASURE_AGAIN_S  # others need not measure, too
        if runner.is_cluster:
            return await self._begin_in_a_cluster(runner, patience_s)
        try:
            await runner.measure_clock(limit_s=patience_s or None)
        except RedisUnavailableError as error:
            self.note(error, patience)
            raise
        if runner.time_refusal and not self._is_clock_local:
            self._is_clock_local = True
            logger.warning(LOCAL_CLOCK, runner.time_refusal)
        self.measure_at = began + MEASURE_AGAIN_S
        self._fail_fast.succeeded()
        return max(0.0, patience_s - (self._clock.monotonic() - began))

    async def _begin_in_a_cluster(self, runner: AsyncRunner, patience_s: float) -> float:
        """Learn the time of any node; one that is away leaves half of the time for the others."""
        began = self._clock.monotonic()
        try:
            await runner.measure_clock(limit_s=patience_s / 2 or None)
        except RedisUnavailableError:
            self.measure_at = began + LONGEST_S  # the node of the queue may answer
        return max(0.0, patience_s - (self._clock.monotonic() - began))

    def check_node(self, queue: str, patience: Duration | None) -> None:
        """Let one call per second try whether the node of a queue answers again.

        Raises:
            RedisUnavailableError: another call has just failed.
        """
        fail_fast = self.away.get(queue)
        if fail_fast is not None:
            fail_fast.check(self._seconds(patience))

    def note(
        self, refusal: PyasynqError, patience: Duration | None, queue: str | None = None
    ) -> None:
        """Let calls fail fast for a moment if Redis was not reached; in a cluster, to one queue.

        Args:
            refusal: why a task was not stored, or the clock not measured.
            patience: of the call, if it has its own.
            queue: of the task; None if the call was not about one.
        """
        if isinstance(refusal, NotReplicatedError):
            return  # Redis answers
        if isinstance(refusal, RedisUnavailableError):
            patience_s = self._seconds(patience)
            if queue is not None and self._is_cluster:
                fail_fast = self.away.setdefault(queue, FailFast(self._clock))
                fail_fast.failed(refusal, patience_s)
                return
            self.measure_at = float("-inf")  # so that the next call asks whether it may try
            self._fail_fast.failed(refusal, patience_s)

    def _seconds(self, patience: Duration | None) -> float:
        return self.patience_s if patience is None else to_seconds(patience)
