"""Counts by task type, queue and minute, until they are written: bounded in every direction."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.type_counts import MOST_COUNTED, count_types
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.type_counts import KEPT_MINUTES, MINUTE_S, TypeCountsRecord, bucket_of

MOST_NAMES = 100  # of types that a handler takes by their beginning, in one minute
LONGEST_NAME = 200  # characters of such a type

MINUTE_NS = MINUTE_S * NANOSECONDS

Counts = dict[tuple[QueueKeys, str], TypeCountsRecord]
"""What was done in one minute, by queue and type."""


class TypeCounter:
    """The counts of one server; used on the event loop only.

    Args:
        pattern_of: returns the pattern by which a type finds its handler: the type itself, the
            beginning of types with ``*`` behind it, or ``*`` if it finds none.
    """

    def __init__(self, pattern_of: Callable[[str], str]) -> None:
        self._pattern_of = pattern_of
        self._minutes: dict[int, Counts] = {}
        self._names: dict[int, set[str]] = {}

    @property
    def minutes(self) -> list[int]:
        """The minutes that are not written yet, the earliest first."""
        return sorted(self._minutes)

    def add(
        self,
        keys: QueueKeys,
        task_type: str,
        *,
        ended_ns: int,
        is_failure: bool,
        run_ns: int | None = None,
        waited_ns: int | None = None,
    ) -> None:
        """Count an attempt that has ended."""
        minute = ended_ns // MINUTE_NS
        counts = self._minutes.get(minute)
        if counts is None:
            counts = self._begin(minute)
        record = counts.get((keys, task_type))
        if record is None:
            name = self._name(minute, task_type)
            record = counts.setdefault((keys, name), TypeCountsRecord())
        record.count += 1
        record.failures += is_failure
        if run_ns is not None:
            _count(record.run, run_ns)
        if waited_ns is not None:
            _count(record.wait, waited_ns)

    def take(self, minute: int) -> Counts:
        """Return the counts of a minute, which are counted here no longer."""
        self._names.pop(minute, None)
        return self._minutes.pop(minute, {})

    def put_back(
        self, minute: int, counts: Mapping[tuple[QueueKeys, str], TypeCountsRecord]
    ) -> None:
        """Let counts that could not be written wait again."""
        present = self._minutes.get(minute)
        if present is None:
            present = self._begin(minute)
        for key, record in counts.items():
            present.setdefault(key, TypeCountsRecord()).add(record)

    def _begin(self, minute: int) -> Counts:
        """Return the counts of a minute that is new; of too many, the earliest gives way."""
        counts = self._minutes[minute] = {}
        self._names[minute] = set()
        while len(self._minutes) > KEPT_MINUTES:
            self.take(min(self._minutes))
        return counts

    def _name(self, minute: int, task_type: str) -> str:
        """Return by which name a type is counted."""
        pattern = self._pattern_of(task_type)
        names = self._names[minute]
        if pattern == task_type or task_type in names:
            return task_type
        if len(names) >= MOST_NAMES or len(task_type) > LONGEST_NAME or not task_type.strip():
            return pattern
        names.add(task_type)
        return task_type


def calls(minute: int, counts: Counts) -> Iterator[tuple[Counts, Operation[None]]]:
    """Yield the calls that write the counts of a minute, each with what it writes."""
    by_queue: dict[QueueKeys, Counts] = {}
    for key, record in counts.items():
        by_queue.setdefault(key[0], {})[key] = record
    for keys, of_queue in by_queue.items():
        items = iter(of_queue.items())
        while some := dict(islice(items, MOST_COUNTED)):
            named = {name: record for (_keys, name), record in some.items()}
            yield some, count_types(keys, minute, named)


def _count(buckets: dict[str, int], duration_ns: int) -> None:
    bucket = bucket_of(duration_ns)
    buckets[bucket] = buckets.get(bucket, 0) + 1
