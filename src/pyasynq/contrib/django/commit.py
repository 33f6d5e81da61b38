"""Clients that store tasks when the open transactions are committed.

Everything is checked and encoded at the call, and the IDs are made then, too. Only what Redis must
say, such as that a lock is held, is known at the commit.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from asgiref.sync import sync_to_async

from pyasynq.broker.new_tasks.payload_size import PayloadSizes
from pyasynq.broker.new_tasks.prepare import PreparedTask, info_of, prepare
from pyasynq.broker.new_tasks.series import StoredTask, TaskSeries
from pyasynq.broker.operations.bulk import prepared_all
from pyasynq.clock import Clock, to_datetime
from pyasynq.contrib.django.transactions import when_all_commit
from pyasynq.errors import DuplicateTaskError, PyasynqError, TaskIdConflictError
from pyasynq.identifiers import new_task_id
from pyasynq.options import DEFAULT_QUEUE, Duration, EnqueueOptions
from pyasynq.task import EnqueueResult, Task, bound_task
from pyasynq.wire.keys import queue_keys

if TYPE_CHECKING:
    from pyasynq.client import Client

logger = logging.getLogger("pyasynq.django")

OnCommitErrors = Literal["log", "raise"]
"""What becomes of an error of an enqueue at the commit."""

EXPECTED = (DuplicateTaskError, TaskIdConflictError)  # by who asks for a lock or names an ID


class Commit:
    """Knows when and how the tasks of one call are stored.

    Args:
        transactions: the connections that are inside of ``atomic``.
        client: returns what stores the tasks then.
        errors: what becomes of errors.
        clock: where to get the time.
        sizes: warns of large payloads.
    """

    def __init__(
        self,
        transactions: Sequence[Any],
        client: "Callable[[], Client]",
        errors: OnCommitErrors,
        clock: Clock,
        sizes: PayloadSizes,
    ) -> None:
        self._transactions = transactions
        self._client = client
        self._errors = errors
        self.now_ns = clock.redis_now_ns()
        self._sizes = sizes

    def prepared(self, task: Task, options: EnqueueOptions) -> PreparedTask:
        """Check a task as a client does.

        Raises:
            ConfigError, PayloadError: see `Client.enqueue`.
        """
        self._sizes.check(task.type, task.payload)
        keys = queue_keys(options.queue or DEFAULT_QUEUE)
        return prepare(task, options, keys, now_ns=self.now_ns, new_id=new_task_id)

    def store_later(self, tasks: Sequence[Task], patience: Duration | None) -> None:
        """Store tasks, which have their IDs, when all transactions are committed."""
        if not tasks:
            return

        def store() -> None:
            self._store(tasks, patience)

        is_robust = self._errors == "log"
        when_all_commit(self._transactions, store, robust=is_robust)

    def _store(self, tasks: Sequence[Task], patience: Duration | None) -> None:
        """Store tasks now, and log each that is not stored.

        Raises:
            PyasynqError: Redis did not answer, and such errors are to be raised.
        """
        try:
            self._send(tasks, patience)
        except PyasynqError as error:
            for task, is_stored in zip(tasks, _stored(tasks, error), strict=True):
                if not is_stored:
                    _log(task, error)
            if self._errors == "raise" and not isinstance(error, EXPECTED):
                raise

    def _send(self, tasks: Sequence[Task], patience: Duration | None) -> None:
        if len(tasks) == 1:
            self._client().enqueue(tasks[0], patience=patience)
            return
        results = self._client().enqueue_many(tasks, patience=patience)
        for task, result in zip(tasks, results, strict=True):
            if result.error is not None:
                _log(task, result.error)


class AfterCommit:
    """What a task of an App takes for a client inside of a transaction."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit

    def _store_one(
        self, series: TaskSeries, payload: bytes | None, patience: Duration | None
    ) -> str:
        task = self._task(series, payload)
        self._commit.store_later([task], patience)
        return id_of(task)

    def _store_series(
        self, series: TaskSeries, payloads: Sequence[bytes | None], patience: Duration | None
    ) -> list[StoredTask]:
        tasks = [self._task(series, payload) for payload in payloads]
        self._commit.store_later(tasks, patience)
        now_ns = self._commit.now_ns
        return [StoredTask(id_of(each), each.payload, now_ns) for each in tasks]

    def enqueue_many(
        self,
        tasks: Iterable[Task | tuple[Task, EnqueueOptions]],
        *,
        patience: Duration | None = None,
    ) -> list[EnqueueResult]:
        """Store many tasks at the commit; see `Client.enqueue_many`."""
        later: list[Task] = []

        def prepared(task: Task, options: EnqueueOptions) -> PreparedTask:
            item = self._commit.prepared(task, options)
            later.append(replace(task, options=_with_id(options, item.id)))
            return item

        items = prepared_all(tasks, prepared)
        self._commit.store_later(later, patience)
        now = to_datetime(self._commit.now_ns)
        return [EnqueueResult(info=info_of(each, now=now), error=None) for each in items]

    def _task(self, series: TaskSeries, payload: bytes | None) -> Task:
        """Return a task of *series* that has passed all checks and has its ID."""
        task = bound_task(series.type, payload, series.options)
        task_id = self._commit.prepared(task, series.options).id
        return bound_task(series.type, payload, _with_id(series.options, task_id))


class AsyncAfterCommit:
    """The same for async code, in the thread that waits for it and has the transaction."""

    def __init__(self, client: AfterCommit) -> None:
        self._store_one = sync_to_async(client._store_one)  # noqa: SLF001 - of this file
        self._store_series = sync_to_async(client._store_series)  # noqa: SLF001 - likewise
        self.enqueue_many = sync_to_async(client.enqueue_many)


def id_of(task: Task) -> str:
    """Return the ID in the options of a task."""
    return task.options.task_id or ""


def _with_id(options: EnqueueOptions, task_id: str) -> EnqueueOptions:
    return EnqueueOptions(task_id=task_id).merged_over(options)


def _stored(tasks: Sequence[Task], error: PyasynqError) -> list[bool]:
    """Return for each task whether it is stored in spite of *error*."""
    results = getattr(error, "results", ()) or [None] * len(tasks)
    return [each is not None and each.error is None for each in results]


def _log(task: Task, error: PyasynqError) -> None:
    """Log why a task was not stored after the commit."""
    logger.log(
        logging.INFO if isinstance(error, EXPECTED) else logging.ERROR,
        "task %r was not enqueued after the commit: %s",
        task.type,
        error,
        extra={
            "task_id": id_of(task),
            "queue": task.options.queue or DEFAULT_QUEUE,
            "task_type": task.type,
        },
    )
