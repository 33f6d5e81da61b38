"""What was counted in minutes that are over, until it is written: of an hour at most."""

from collections.abc import Iterator, Mapping
from itertools import islice

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.type_counts import MOST_COUNTED, count_types
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.wire.type_counts import KEPT_MINUTES, MINUTE_S, TypeCountsRecord
from pyasynq.worker.measure.type_tally import Counts, Key

MINUTE_NS = MINUTE_S * NANOSECONDS


class UnwrittenCounts:
    """The counts of one server by minute; used on the event loop only."""

    def __init__(self) -> None:
        self._minutes: dict[int, Counts] = {}

    @property
    def minutes(self) -> list[int]:
        """The minutes that are not written yet, the earliest first."""
        return sorted(self._minutes)

    def put(self, minute: int, counts: Mapping[Key, TypeCountsRecord]) -> None:
        """Let counts wait, beside those of that minute that wait already.

        Of too many minutes the earliest gives way.
        """
        if not counts:
            return
        present = self._minutes.setdefault(minute, {})
        for key, record in counts.items():
            present.setdefault(key, TypeCountsRecord()).add(record)
        while len(self._minutes) > KEPT_MINUTES:
            self.take(min(self._minutes))

    def take(self, minute: int) -> Counts:
        """Return the counts of a minute, which wait no longer."""
        return self._minutes.pop(minute, {})


def calls(
    minute: int, counts: Counts, namespace: str
) -> Iterator[tuple[QueueKeys, Counts, Operation[None]]]:
    """Yield the calls that write the counts of a minute, each with its queue and what it writes."""
    by_queue: dict[str, Counts] = {}
    for key, record in counts.items():
        by_queue.setdefault(key[0], {})[key] = record
    for queue, of_queue in by_queue.items():
        keys, items = queue_keys(queue, namespace), iter(of_queue.items())
        while some := dict(islice(items, MOST_COUNTED)):
            named = {name: record for (_queue, name), record in some.items()}
            yield keys, some, count_types(keys, minute, named)
