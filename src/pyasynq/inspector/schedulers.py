# Generated from schedulers_async.py by tools/unasync.py: change that file.
"""Schedulers: their entries, and what these have enqueued."""

from collections.abc import Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import servers
from pyasynq.clock import redis_now_s
from pyasynq.errors import ConfigError
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.pages import check_page
from pyasynq.inspector.server_infos import (
    EnqueueEvent,
    SchedulerEntry,
    enqueue_event,
    scheduler_entry,
)
from pyasynq.options import name_fault


class Schedulers:
    """The schedulers of one Redis, in Python and in Go."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def entries(self) -> Sequence[SchedulerEntry]:
        """Return the entries of all schedulers that are alive, sorted by spec, type and ID.

        What cannot be read is left out.
        """
        now_s = redis_now_s(self._calls.clock)
        operation = servers.list_live("schedulers", namespace=self._calls.namespace, now_s=now_s)
        keys = self._calls.run(operation)
        answers = self._calls.run_all([servers.read_entries(key) for key in keys])
        raise_first(answers, which=concerns_redis_as_a_whole)
        found = [
            scheduler_entry(record) for some in answers if isinstance(some, list) for record in some
        ]
        return sorted(found, key=lambda each: (each.spec, each.task_type, each.id))

    def history(
        self, entry_id: str, *, page: int = 1, page_size: int = 30
    ) -> Sequence[EnqueueEvent]:
        """Return what a scheduler entry has enqueued, the latest first.

        At most 1,000 events are kept, until the scheduler stops. What cannot be read is left out.

        Args:
            entry_id: the entry.
            page: number of the page, from 1.
            page_size: how many events, from 1 to 500.

        Raises:
            ConfigError: an argument is wrong.
        """
        ConfigError.raise_if([name_fault("entry_id", entry_id)])
        check_page(page, page_size)
        operation = servers.read_events(
            entry_id,
            namespace=self._calls.namespace,
            first=(page - 1) * page_size,
            limit=page_size,
        )
        return [enqueue_event(record) for record in self._calls.run(operation)]
