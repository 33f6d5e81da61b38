"""What was done of task types in the last hour, as workers count it if asked to; pure."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyasynq.clock import NANOSECONDS, to_datetime, to_span
from pyasynq.wire.handled import ANY_TEXT, Handled
from pyasynq.wire.type_counts import (
    KEPT_MINUTES,
    MINUTE_S,
    Buckets,
    TypeCountsRecord,
    share_ns,
)

ByMinute = Mapping[int, TypeCountsRecord]
"""Counts by minute since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """How long something took; exact to a tenth. None if nothing was counted.

    Attributes:
        p50: half of it took no longer than this.
        p95: 95 % of it did not.
        p99: 99 % of it did not.
    """

    p50: timedelta | None = None
    p95: timedelta | None = None
    p99: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCounts:
    """What was done of one task type in some time.

    Attributes:
        count: how many attempts ended, failures included, as the counter `processed` of a queue.
        failures: how many of them failed, as its counter `failed`.
        run: how long they ran.
        waiting: how long their tasks were pending before.
    """

    count: int = 0
    failures: int = 0
    run: Percentiles = Percentiles()
    waiting: Percentiles = Percentiles()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMinute:
    """What was done of one task type in one minute.

    Attributes:
        at: the beginning of the minute.
        counts: what was done.
    """

    at: datetime
    counts: TypeCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeInfo:
    """A task type, and what was done of it in the last hour.

    Attributes:
        type: the type. One with ``*`` behind it stands for types that begin so: those that a
            server handles, or those whose statistics have no line of their own.
        servers: how many servers that are alive have a handler for it, as far as they tell.
        queues: the queues it has statistics in, sorted.
        counts: what was done, in all queues.
    """

    type: str
    servers: int
    queues: tuple[str, ...]
    counts: TypeCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTypeStats:
    """What was done of one task type in one queue.

    Attributes:
        queue: the queue.
        counts: of the last hour.
        minutes: of each minute, 60 in all, the earliest first.
    """

    queue: str
    counts: TypeCounts
    minutes: tuple[TypeMinute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeStats:
    """What was done of one task type in the last hour, minute by minute.

    Attributes:
        type: the type.
        servers: how many servers that are alive have a handler for it, as far as they tell.
        counts: of the last hour, in all queues.
        minutes: of each minute in all queues, 60 in all, the earliest first.
        queues: the same for each queue it has statistics in, sorted.
    """

    type: str
    servers: int
    counts: TypeCounts
    minutes: tuple[TypeMinute, ...]
    queues: tuple[QueueTypeStats, ...]


def names_of(handled: Sequence[Handled], counted: Collection[str]) -> set[str]:
    """Return the names of all types that servers handle or have counted.

    A handler takes the types that begin with its pattern. It is left out where types are counted
    that begin so: these say more.
    """
    ordered = sorted(counted)
    patterns = {name for each in handled for name in each.types or ()}
    return {*counted, *(each for each in patterns if not _is_known_better(each, ordered))}


def handlers_of(task_type: str, handled: Iterable[Handled]) -> int:
    """Return how many servers have a handler for *task_type*, which may end with ``*``."""
    return sum(1 for each in handled if each.handles(task_type))


def first_minute(now_s: int) -> int:
    """Return the first of the 60 minutes that are shown: the last one that is over is the last."""
    return now_s // MINUTE_S - KEPT_MINUTES


def type_info(
    task_type: str, servers: int, by_queue: Mapping[str, ByMinute], now_s: int
) -> TypeInfo:
    """Return a type with what was done of it in each queue."""
    since = first_minute(now_s)
    shown = {queue: _since(since, counts) for queue, counts in by_queue.items()}
    return TypeInfo(
        type=task_type,
        servers=servers,
        queues=tuple(sorted(queue for queue, counts in shown.items() if counts)),
        counts=_summed(record for counts in shown.values() for record in counts.values()),
    )


def type_stats(
    task_type: str, servers: int, by_queue: Mapping[str, ByMinute], now_s: int
) -> TypeStats:
    """Return a type with what was done of it in each minute and each queue."""
    since = first_minute(now_s)
    shown = {
        queue: counts for queue in sorted(by_queue) if (counts := _since(since, by_queue[queue]))
    }
    return TypeStats(
        type=task_type,
        servers=servers,
        counts=_summed(record for counts in shown.values() for record in counts.values()),
        minutes=_minutes(list(shown.values()), since),
        queues=tuple(
            QueueTypeStats(
                queue=queue, counts=_summed(counts.values()), minutes=_minutes([counts], since)
            )
            for queue, counts in shown.items()
        ),
    )


def _is_known_better(pattern: str, ordered: Sequence[str]) -> bool:
    """Whether one of the names, in their order, begins with what stands before ``*``."""
    if not pattern.endswith(ANY_TEXT):
        return False
    beginning = pattern.removesuffix(ANY_TEXT)
    at = bisect_left(ordered, beginning)
    return at < len(ordered) and ordered[at].startswith(beginning)


def _since(minute: int, counts: ByMinute) -> ByMinute:
    """Return the counts of the hour that begins with *minute*."""
    hour = range(minute, minute + KEPT_MINUTES)
    return {each: record for each, record in counts.items() if each in hour}


def _minutes(several: Sequence[ByMinute], since: int) -> tuple[TypeMinute, ...]:
    return tuple(
        TypeMinute(
            at=to_datetime(minute * MINUTE_S * NANOSECONDS),
            counts=_summed(counts[minute] for counts in several if minute in counts),
        )
        for minute in range(since, since + KEPT_MINUTES)
    )


def _summed(records: Iterable[TypeCountsRecord]) -> TypeCounts:
    total = TypeCountsRecord()
    for each in records:
        total.add(each)
    if not total.count:
        return _NOTHING
    return TypeCounts(
        count=total.count,
        failures=total.failures,
        run=_percentiles(total.run),
        waiting=_percentiles(total.wait),
    )


def _percentiles(buckets: Buckets) -> Percentiles:
    return Percentiles(p50=_span(buckets, 0.5), p95=_span(buckets, 0.95), p99=_span(buckets, 0.99))


def _span(buckets: Buckets, share: float) -> timedelta | None:
    found_ns = share_ns(buckets, share)
    return None if found_ns is None else to_span(found_ns / NANOSECONDS)


_NOTHING = TypeCounts()
