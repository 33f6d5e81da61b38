"""What a server measures, as readings: gathered when somebody asks, in any thread."""

from collections.abc import Iterator, Mapping

from pyasynq.measurements import worker_metrics
from pyasynq.measurements.histogram import Histogram
from pyasynq.measurements.label import LONGEST, label_value
from pyasynq.measurements.metric import Metric
from pyasynq.measurements.reading import Reading, together
from pyasynq.shown import shown
from pyasynq.version import __version__
from pyasynq.worker.assembly import Parts
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.counters import Count, Counters
from pyasynq.worker.measure.measures import Measures


def always(*, is_ready: bool, counters: Counters, measures: Measures) -> Iterator[Reading]:
    """Yield what is known of a server before it starts and after its end, too."""
    yield _number(worker_metrics.INFO, 1, __version__)
    yield _number(worker_metrics.PROCESSES, 1)
    yield _number(worker_metrics.READY, is_ready)
    yield from _counted(counters.all())
    yield from _measured(measures)


def of_parts(parts: Parts, *, slots: int) -> Iterator[Reading]:
    """Yield what is known of a server while it works."""
    used = len(parts.executor.running)
    yield _number(worker_metrics.SLOTS, used, "used")
    yield _number(worker_metrics.SLOTS, max(0, slots - used), "free")
    yield _number(worker_metrics.UNWRITTEN, parts.finisher.unwritten)
    yield _number(worker_metrics.HEARTBEAT_AGE, parts.heartbeater.age_s)
    yield _number(worker_metrics.REDIS_OUTAGE, parts.outage.is_on)
    yield _number(worker_metrics.REDIS_CONNECTS, parts.connector.opened)
    for component, count in parts.outage.failures.items():
        yield _number(worker_metrics.REDIS_ERRORS, count, component)
    yield from _of_types(parts)


def _of_types(parts: Parts) -> list[Reading]:
    """Return what was done, by queue and type; types that are shown alike are one."""
    found = list[Reading]()
    for (queue, name), done in parts.tally.all():
        labels = queue, _label(name)
        for outcome, count in done.outcomes.copy().items():
            found.append(_number(worker_metrics.TASKS_FINISHED, count, *labels, outcome))
            if outcome == "lost":
                found.append(_number(worker_metrics.LEASES_LOST, count, queue))
        if done.started:
            runs, waits = done.runs.distribution(), done.waits.distribution()
            found.append(Reading(worker_metrics.TASK_DURATION.name, labels, runs))
            found.append(Reading(worker_metrics.TASK_WAIT.name, labels, waits))
    # After what has finished, so that no more has finished than was started.
    for (queue, name), count in parts.tally.started(lambda: _in_hand(parts)).items():
        found.append(_number(worker_metrics.TASKS_STARTED, count, queue, _label(name)))
    return together(worker_metrics.WORKER_METRICS, [found])


def _in_hand(parts: Parts) -> list[RunningTask]:
    """Return the tasks whose handlers were started and whose outcomes are not in Redis."""
    running = parts.executor.running
    return [each for each in parts.held.copy().values() if each.ended_at or each in running]


def _label(name: str) -> str:
    """Return a type as a label: what can be shown of it, and not without end.

    It is cut first: what `shown` cuts is the same for different types of one length.
    """
    return shown(label_value(name), LONGEST)


def _measured(measures: Measures) -> Iterator[Reading]:
    histograms: Mapping[Metric, Histogram] = {
        worker_metrics.FETCH_SIZE: measures.fetch_sizes,
        worker_metrics.FLUSH_SIZE: measures.flush_sizes,
        worker_metrics.LOOP_DELAY: measures.loop_delays,
        worker_metrics.FORWARD_LATENESS: measures.forward_lateness,
    }
    for metric, histogram in histograms.items():
        yield Reading(metric.name, (), histogram.distribution())


def _counted(counts: list[Count]) -> Iterator[Reading]:
    """Yield the counters that metrics are made of."""
    events: dict[tuple[str, str], int] = {}
    for count in counts:
        match count.name:
            case "recovered":
                yield _number(worker_metrics.TASKS_RECOVERED, count.value, count.queue, count.kind)
            case "aggregated":
                yield _number(worker_metrics.AGGREGATED, count.value, count.queue)
            case "unreplicated":
                yield _number(worker_metrics.UNREPLICATED, count.value)
            case "attempts_dropped" | "statistics_dropped":
                yield _number(worker_metrics.RECORDS_DROPPED, count.value, count.queue, count.kind)
            case "events_dropped" | "listener_failures":
                key = count.name, count.kind
                events[key] = events.get(key, 0) + count.value
    for (name, event), value in events.items():
        is_drop = name == "events_dropped"
        metric = worker_metrics.EVENTS_DROPPED if is_drop else worker_metrics.LISTENER_FAILURES
        yield _number(metric, value, event)


def _number(metric: Metric, value: float, *labels: str) -> Reading:
    return Reading(metric.name, labels, float(value))
