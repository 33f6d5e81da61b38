"""What an inspector has read of queues, as readings."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pyasynq.inspector import QueueInfo, ServerInfo
from pyasynq.measurements import queue_metrics
from pyasynq.measurements.metric import Metric
from pyasynq.measurements.reading import Reading
from pyasynq.task import TaskState

REDIS_IS_AWAY = (Reading(queue_metrics.REDIS_UP.name, (), 0.0),)


def queue_readings(
    infos: Sequence[QueueInfo], servers: Sequence[ServerInfo] | None
) -> list[Reading]:
    """Return what is known of some queues.

    Of a queue of which something could not be read, only that is told: a number that is too small
    is worse than none.

    Args:
        infos: the queues.
        servers: those that are alive; None if they could not be read.
    """
    readings = [_number(queue_metrics.REDIS_UP, 1)]
    for info in infos:
        readings.append(_number(queue_metrics.QUEUE_UP, not info.error, info.queue))
        if not info.error:
            readings += _of_queue(info)
    if servers is not None:
        serving = Counter(queue for server in servers for queue in server.queues)
        readings += [
            _number(queue_metrics.QUEUE_SERVERS, serving[info.queue], info.queue) for info in infos
        ]
    return readings


def _of_queue(info: QueueInfo) -> Iterator[Reading]:
    queue = info.queue
    for state in TaskState:
        yield _number(queue_metrics.TASKS_BY_STATE, getattr(info, state.value), queue, state.value)
    yield _number(queue_metrics.SIZE, info.size, queue)
    yield _number(queue_metrics.LATENCY, info.latency.total_seconds(), queue)
    if info.memory_usage is not None:
        yield _number(queue_metrics.MEMORY, info.memory_usage, queue)
    yield _number(queue_metrics.PROCESSED, info.processed_total, queue)
    yield _number(queue_metrics.FAILED, info.failed_total, queue)
    yield _number(queue_metrics.PAUSED, info.is_paused, queue)


def _number(metric: Metric, value: float, *labels: str) -> Reading:
    return Reading(metric.name, labels, float(value))
