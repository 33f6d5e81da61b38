"""All queues at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyasynq.inspector import Inspector, QueueInfo
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
    """Every queue, their sums, and Redis.

    Attributes:
        queues: sorted by name.
        states: tasks of all queues, by state.
        processed, failed: of all queues, today (UTC).
        redis: fields of INFO.
    """

    queues: Sequence[QueueInfo]
    states: dict[TaskState, int]
    processed: int
    failed: int
    redis: dict[str, str]

    @property
    def error_rate(self) -> float | None:
        """Share of today's tasks that failed, from 0 to 1; None if there was none."""
        return self.failed / self.processed if self.processed else None


def overview(inspector: Inspector) -> Overview:
    """Read the counts of all queues and what Redis says of itself."""
    queues = inspector.queues.infos()
    return Overview(
        queues=queues,
        states={state: sum(getattr(queue, state.value) for queue in queues) for state in STATES},
        processed=sum(queue.processed for queue in queues),
        failed=sum(queue.failed for queue in queues),
        redis=inspector.redis.info(),
    )
