"""Own sampling: feeds the sampler with what is read anyway, as long as somebody may look."""

import time
from collections.abc import Mapping

from pyasynq.admin.metrics.sampler import QueueSample, Sampler
from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PyasynqError
from pyasynq.inspector import AsyncInspector
from pyasynq.inspector.snapshot import QueueCounts, Snapshot


class Sampling:
    """The samples of one application, whichever of its event loops takes them.

    Args:
        lasting_s: for how long samples are taken after somebody has last looked.
        most_measured: how many queues are measured with each sample.
    """

    def __init__(self, *, lasting_s: float, most_measured: int) -> None:
        self.sampler: Sampler = Sampler()
        self._lasting_s, self._most_measured = lasting_s, most_measured
        self._until = 0.0
        self._memory: dict[str, int] = {}
        self._is_measurable = True

    @property
    def goes_on(self) -> bool:
        """Whether somebody has looked not long ago."""
        return time.monotonic() < self._until

    def look(self) -> None:
        """Note that somebody looks."""
        self._until = time.monotonic() + self._lasting_s

    async def take(self, snapshot: Snapshot, inspector: AsyncInspector) -> None:
        """Take a sample if one is due; measure the memory of some queues, a few with each sample.

        Raises:
            RedisUnavailableError: Redis did not answer.
        """
        now_s = snapshot.at_ns / NANOSECONDS
        if not self.goes_on or not self.sampler.is_due(now_s):
            return
        self.sampler.take(now_s, samples_of(snapshot, self._memory))
        if self._is_measurable:
            await self._measure(snapshot, inspector)

    async def _measure(self, snapshot: Snapshot, inspector: AsyncInspector) -> None:
        """Measure those queues that have not been measured for the longest time."""
        known = {name: used for name, used in self._memory.items() if name in snapshot.queues}
        order = {name: at for at, name in enumerate(known)}  # the latest stand at the end
        names = sorted(
            (name for name in self.sampler.queues if name in snapshot.queues),
            key=lambda name: order.get(name, -1),
        )
        for name in names[: self._most_measured]:
            known.pop(name, None)
            try:
                used = (await inspector.queues.info(name)).memory_usage
            except PyasynqError as error:
                if concerns_redis_as_a_whole(error):
                    raise
                continue  # it was deleted meanwhile, or cannot be read
            if used is None:  # Redis does not tell, and will not for other queues
                self._is_measurable = False
                return
            known[name] = used
        self._memory = known


def samples_of(snapshot: Snapshot, memory: Mapping[str, int]) -> dict[str, QueueSample]:
    """Return what a snapshot tells of each queue.

    Args:
        snapshot: of all queues.
        memory: bytes of those that were measured.
    """
    return {
        name: QueueSample(
            processed=counts.processed,
            failed=counts.failed,
            size=counts.size,
            pending=counts.pending,
            retry=counts.retry,
            archived=counts.archived,
            latency_s=_latency_s(counts, snapshot.at_ns),
            memory=memory.get(name),
        )
        for name, counts in snapshot.queues.items()
    }


def _latency_s(counts: QueueCounts, now_ns: int) -> float | None:
    if not counts.pending:
        return 0.0
    since_ns = counts.oldest_pending_ns
    return None if since_ns is None else max(0, now_ns - since_ns) / NANOSECONDS
