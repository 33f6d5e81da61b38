# Generated from schedulers_async.py by tools/unasync.py: change that file.
"""Schedulers: their entries, what these have enqueued, and their pauses."""

from collections.abc import Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.new_tasks.prepare import info_of, prepare
from pyasynq.broker.operations import enqueue, schedulers, servers
from pyasynq.broker.operations.schedulers import TickRecord
from pyasynq.clock import redis_now_s, to_datetime
from pyasynq.errors import EntryNotFoundError
from pyasynq.identifiers import new_task_id
from pyasynq.inspector import pauses
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.pages import check_page
from pyasynq.inspector.scheduler_entries import (
    check_entry_id,
    check_pause,
    enqueue_options,
    pause_details,
    queue_of,
)
from pyasynq.inspector.server_infos import (
    EnqueueEvent,
    SchedulerEntry,
    enqueue_event,
    scheduler_entry,
)
from pyasynq.options import DEFAULT_QUEUE
from pyasynq.task import Task, TaskInfo
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.records import EnqueueEventRecord, SchedulerEntryRecord

HISTORY_S = 30 * 86_400  # for how long events are kept after the last one


class Schedulers:
    """The schedulers of one Redis, in Python and in Go; made by `Inspector`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def entries(self) -> Sequence[SchedulerEntry]:
        """Return the entries of all schedulers that are alive, sorted by spec, type and ID.

        What cannot be read is left out.
        """
        records = self._records()
        ticks = self._ticks(records)
        found = [scheduler_entry(record, ticks.get(record.id)) for record in records]
        return sorted(found, key=lambda each: (each.spec, each.task_type, each.id))

    def history(
        self, entry_id: str, *, page: int = 1, page_size: int = 30
    ) -> Sequence[EnqueueEvent]:
        """Return what a scheduler entry has enqueued, the latest first.

        At most 1,000 events are kept: those of a scheduler in Go until it stops, others for 30
        days after the last one. What cannot be read is left out.

        Args:
            entry_id: the entry.
            page: number of the page, from 1.
            page_size: how many events, from 1 to 1,000.

        Raises:
            ConfigError: an argument is wrong.
        """
        check_entry_id(entry_id)
        check_page(page, page_size)
        operation = servers.read_events(
            entry_id,
            namespace=self._calls.namespace,
            first=(page - 1) * page_size,
            limit=page_size,
        )
        return [enqueue_event(record) for record in self._calls.run(operation)]

    def clear_history(self, entry_id: str) -> None:
        """Delete what is known of the tasks that an entry has enqueued; the tasks stay.

        Safe to repeat; nothing happens if there is no such entry.

        Raises:
            ConfigError: the ID is blank.
        """
        check_entry_id(entry_id)
        operation = schedulers.clear_history(entry_id, namespace=self._calls.namespace)
        self._calls.run(operation)

    def run(self, entry_id: str) -> TaskInfo:
        """Enqueue the task of an entry now, beside its ticks, which come as if nothing happened.

        It has the payload and the options that the scheduler shows, in Python or Go; those that
        Go does not know (`expires`, `unique_key`, `unique_until`) are not shown. The history of
        the entry tells of it.

        Returns:
            The task as it was stored.

        Raises:
            EntryNotFoundError: no scheduler that is alive has this entry.
            DuplicateTaskError, TaskIdConflictError: as for a tick; nothing was stored.
            PayloadError, ConfigError: what the scheduler shows cannot be read or is out of range.
        """
        record = self._record(entry_id)
        options = enqueue_options(record.enqueue_options)
        queue, now_ns = options.queue or DEFAULT_QUEUE, self._calls.clock.redis_now_ns()
        item = prepare(
            Task(record.task_type, record.task_payload or None),
            options,
            self._calls.keys_of(queue),
            now_ns=now_ns,
            new_id=new_task_id,
        )
        namespace = self._calls.namespace
        answers = self._calls.run_all(
            [
                enqueue.register_queue(queue, namespace=namespace),
                enqueue.store((item,), now_ns=now_ns),
            ]
        )
        raise_first(answers)
        raise_first(answers[1])
        event = EnqueueEventRecord(task_id=item.id, enqueued_ns=now_ns)
        self._calls.run_all(  # the task is stored, whatever becomes of this
            [schedulers.record_event(entry_id, event, namespace=namespace, ttl_s=HISTORY_S)]
        )
        return info_of(item, now=to_datetime(now_ns))

    def pause(self, entry_id: str, *, by: str = "", reason: str = "") -> None:
        """Let the ticks of an entry pass without a task, in every scheduler that has it.

        The pause survives restarts. Ticks that pass meanwhile are not made up for.

        Args:
            entry_id: the entry.
            by: who pauses it, at most 200 characters; `entries` shows it.
            reason: why, at most 1,000 characters; `entries` shows it.

        Raises:
            ConfigError: an argument is wrong.
            EntryNotFoundError: no scheduler that is alive has this entry.
            StateError: it is paused already; or it is of a scheduler in Go, which knows no pause.
        """
        now_ns = self._calls.clock.redis_now_ns()
        pauses.check(by, reason, None, now_ns)
        keys, tick = self._tick(entry_id)
        check_pause(entry_id, tick, is_wanted=True)
        details = pause_details(by, reason, now_ns)
        raise_first(self._calls.run_all(schedulers.pause_entry(keys, entry_id, details)))

    def resume(self, entry_id: str) -> None:
        """End the pause of an entry: its next tick makes a task again.

        Raises:
            ConfigError: the ID is blank.
            EntryNotFoundError: no scheduler that is alive has this entry.
            StateError: it is not paused; or it is of a scheduler in Go.
        """
        keys, tick = self._tick(entry_id)
        check_pause(entry_id, tick, is_wanted=False)
        self._calls.run(schedulers.resume_entry(keys, entry_id))

    def _records(self) -> list[SchedulerEntryRecord]:
        now_s = redis_now_s(self._calls.clock)
        operation = servers.list_live("schedulers", namespace=self._calls.namespace, now_s=now_s)
        keys = self._calls.run(operation)
        answers = self._calls.run_all([servers.read_entries(key) for key in keys])
        raise_first(answers, which=concerns_redis_as_a_whole)
        return [record for some in answers if isinstance(some, list) for record in some]

    def _record(self, entry_id: str) -> SchedulerEntryRecord:
        check_entry_id(entry_id)
        for record in self._records():
            if record.id == entry_id:
                return record
        raise EntryNotFoundError(entry_id)

    def _ticks(self, records: Sequence[SchedulerEntryRecord]) -> dict[str, TickRecord]:
        """Return what is known of the ticks of entries, by their IDs."""
        known = [
            (record.id, queue)
            for record in records
            if record.id and (queue := queue_of(record.enqueue_options)) is not None
        ]
        answers = self._calls.run_all(
            [
                schedulers.look_at_tick(self._calls.keys_of(queue), entry_id)
                for entry_id, queue in known
            ]
        )
        raise_first(answers, which=concerns_redis_as_a_whole)
        return {
            entry_id: answer
            for (entry_id, _queue), answer in zip(known, answers, strict=True)
            if isinstance(answer, TickRecord)
        }

    def _tick(self, entry_id: str) -> tuple[QueueKeys, TickRecord | None]:
        """Return the keys of the queue of an entry, and what is known of its ticks."""
        record = self._record(entry_id)
        keys = self._calls.keys_of(queue_of(record.enqueue_options) or DEFAULT_QUEUE)
        return keys, self._calls.run(schedulers.look_at_tick(keys, entry_id))
