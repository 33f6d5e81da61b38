"""All queues at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyasynq.inspector.infos import QueueInfo
from pyasynq.task import TaskState

STATES = (
    TaskState.ACTIVE,
    TaskState.PENDING,
    TaskState.AGGREGATING,
    TaskState.SCHEDULED,
    TaskState.RETRY,
    TaskState.ARCHIVED,
    TaskState.COMPLETED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All queues, their sums, and Redis.

    Attributes:
        queues: sorted by name.
        states: how many tasks are in each state, in all queues.
        processed, failed: of all queues, today (UTC).
        redis: fields of INFO.
    """

    queues: Sequence[QueueInfo]
    states: Mapping[TaskState, int]
    processed: int
    failed: int
    redis: Mapping[str, str]

    @property
    def error_rate(self) -> float | None:
        """Share of today's tasks that failed, from 0 to 1; None if none was processed."""
        return self.failed / self.processed if self.processed else None


def overview(queues: Sequence[QueueInfo], redis: Mapping[str, str]) -> Overview:
    """Sum up all queues.

    Args:
        queues: as `inspector.queues.infos()` returns them.
        redis: as `inspector.redis.info()` returns it.
    """
    return Overview(
        queues=queues,
        states={state: sum(getattr(queue, state.value) for queue in queues) for state in STATES},
        processed=sum(queue.processed for queue in queues),
        failed=sum(queue.failed for queue in queues),
        redis=redis,
    )
