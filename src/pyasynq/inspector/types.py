# Generated from types_async.py by tools/unasync.py: change that file.
"""Task types: who handles them, and what was done of them in the last hour."""

from collections.abc import Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import servers, type_counts
from pyasynq.clock import redis_now_s
from pyasynq.errors import ConfigError
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.type_stats import (
    ByMinute,
    TypeInfo,
    TypeStats,
    first_minute,
    handlers_of,
    names_of,
    type_info,
    type_stats,
)
from pyasynq.options import name_fault
from pyasynq.wire.handled import Handled

MOST_AT_ONCE = 500  # of what is read in one round trip
MOST_SHOWN = 1000  # types


class Types:
    """The task types of one Redis; made by `Inspector`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self) -> Sequence[TypeInfo]:
        """Return the task types that servers handle or have counted, sorted; 1,000 at most.

        What was done of them is known only of servers with `type_statistics`, which write it once a
        minute: the last minute is not complete. It takes four round trips, some more for each 500
        queues or types, and changes nothing.
        """
        handled = self._handled()
        by_queue = self._counted_types()
        counted = {name for types in by_queue.values() for name in types}
        shown = dict.fromkeys(sorted(names_of(handled, counted))[:MOST_SHOWN])
        wanted = [
            (queue, name) for queue, types in by_queue.items() for name in types if name in shown
        ]
        counts = self._counts(wanted)
        now_s = redis_now_s(self._calls.clock)
        return [
            type_info(name, handlers_of(name, handled), counts.get(name, {}), now_s)
            for name in shown
        ]

    def stats(self, task_type: str) -> TypeStats:
        """Return what was done of a task type in the last hour, minute by minute.

        A type that nobody knows was done 0 times. See `list` for what is known; it takes three
        round trips, some more for each 500 queues, and changes nothing.

        Raises:
            ConfigError: the type is blank or is not text.
        """
        ConfigError.raise_if([name_fault("type", task_type)])
        handled = self._handled()
        by_queue = self._counted_types()
        wanted = [(queue, task_type) for queue, types in by_queue.items() if task_type in types]
        counts = self._counts(wanted)
        now_s = redis_now_s(self._calls.clock)
        servers_of = handlers_of(task_type, handled)
        return type_stats(task_type, servers_of, counts.get(task_type, {}), now_s)

    def _handled(self) -> Sequence[Handled]:
        """Return what each server that is alive handles."""
        namespace, now_s = self._calls.namespace, redis_now_s(self._calls.clock)
        keys = self._calls.run(servers.list_live("servers", namespace=namespace, now_s=now_s))
        answers = self._read_all([servers.read_handled(key, namespace=namespace) for key in keys])
        return [each for each in answers if isinstance(each, Handled)]

    def _counted_types(self) -> dict[str, frozenset[str]]:
        """Return the types of each queue that has statistics of the last hour."""
        queues = self._calls.usable_queues()
        since = first_minute(redis_now_s(self._calls.clock))
        answers = self._read_all(
            [
                type_counts.list_counted(self._calls.keys_of(queue), since_minute=since)
                for queue in queues
            ]
        )
        return {
            queue: frozenset(types)
            for queue, types in zip(queues, answers, strict=True)
            if isinstance(types, list) and types
        }

    def _counts(self, wanted: Sequence[tuple[str, str]]) -> dict[str, dict[str, ByMinute]]:
        """Return the statistics by type and queue; each of *wanted* is a queue and a type."""
        answers = self._read_all(
            [
                type_counts.read_type_counts(self._calls.keys_of(queue), name)
                for queue, name in wanted
            ]
        )
        found: dict[str, dict[str, ByMinute]] = {}
        for (queue, name), counts in zip(wanted, answers, strict=True):
            if isinstance(counts, dict):  # else the key of one has a wrong type
                found.setdefault(name, {})[queue] = counts
        return found

    def _read_all(self, operations: Sequence[Operation[Any]]) -> Sequence[Any]:
        """Run operations that read, a bounded number in a round trip."""
        answers: list[Any] = []
        for first in range(0, len(operations), MOST_AT_ONCE):
            answers += self._calls.run_all(operations[first : first + MOST_AT_ONCE])
            raise_first(answers[first:], which=concerns_redis_as_a_whole)
        return answers
