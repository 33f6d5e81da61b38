"""Enqueues tasks."""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self, Unpack

from pyasynq.broker.new_tasks.payload_size import (
    DEFAULT_MAX_PAYLOAD_SIZE,
    PayloadSizes,
    max_payload_size_fault,
)
from pyasynq.broker.new_tasks.prepare import PreparedTask, info_of, prepare
from pyasynq.broker.operations.bulk import prepared_all, results_of
from pyasynq.broker.runners.enqueuer_async import AsyncEnqueuer
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock, SystemClock, clock_fault, to_datetime
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.errors import ConfigError, RedisUnavailableError, ServerStateError
from pyasynq.identifiers import new_task_id
from pyasynq.options import DEFAULT_QUEUE, EnqueueOptions, OptionKeywords, duration_fault
from pyasynq.task import EnqueueResult, Task, TaskInfo
from pyasynq.wire.keys import queue_keys

MEASURE_AGAIN_S = 60.0


class AsyncClient:
    """Stores tasks in Redis for workers in Python or Go.

    Nothing is connected before the first call. Close it when done, or use it in a ``with``
    block.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours, which
            is not closed. If not given, ``PYASYNQ_REDIS_URL``, else a Redis on this machine.
        clock: where to get the time; the machine's clock if not given.
        patience_s: for how long an unreachable Redis is tried before a call fails.
        max_payload_size: a payload of more bytes is stored, but logged as a warning, once per
            task type. More than 512 MiB are always refused.

    Raises:
        ConfigError: names every argument that is wrong.
    """

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        clock: Clock | None = None,
        patience_s: float = 5.0,
        max_payload_size: int = DEFAULT_MAX_PAYLOAD_SIZE,
    ) -> None:
        faults = [duration_fault("patience_s", patience_s), clock_fault(clock)]
        ConfigError.raise_if([*faults, max_payload_size_fault(max_payload_size)])
        self._source = source
        self._clock = clock or SystemClock()
        self._patience_s = patience_s
        self._payload_sizes = PayloadSizes(max_payload_size)
        self._lock = threading.Lock()
        self._connector: Connector | None = None
        self._runner: AsyncRunner | None = None
        self._enqueuer: AsyncEnqueuer | None = None
        self._measure_at = float("-inf")
        self._is_closed = False

    async def enqueue(self, task: Task, **options: Unpack[OptionKeywords]) -> TaskInfo:
        """Store one task: pending, scheduled, or in its group, as its options say.

        Args:
            task: its own options apply unless *options* override them.
            options: see `EnqueueOptions`.

        Returns:
            The task as it was stored.

        Raises:
            ConfigError, PayloadError: the task or an option is wrong; nothing was sent.
            DuplicateTaskError: another task holds the unique lock.
            TaskIdConflictError: the queue has a task with this ID.
            RedisUnavailableError: Redis did not answer; `may_have_happened` says whether the task
                may be stored nevertheless. It is safe to repeat the call with the same task_id.
        """
        if not isinstance(task, Task):
            raise ConfigError(
                f"enqueue takes a Task, not {type(task).__name__}; write Task(type, payload), or "
                "bind(…) of a task function"
            )
        merged = task.options
        if options:
            merged = EnqueueOptions.from_keywords(options).merged_over(task.options)
        enqueuer = self._enqueuer or self._open()
        if self._clock.monotonic() >= self._measure_at:
            await self._measure_clock()
        now_ns = self._clock.redis_now_ns()
        item = self._prepared(task, merged, enqueuer.namespace, now_ns)
        refusal = await enqueuer.store(item)
        if refusal is not None:
            raise refusal
        return info_of(item, now=to_datetime(now_ns))

    async def enqueue_many(
        self, tasks: Iterable[Task | tuple[Task, EnqueueOptions]]
    ) -> list[EnqueueResult]:
        """Store many tasks of any kind and queue, in few round trips.

        All are checked before anything is sent. Tasks of one queue keep their order.

        Args:
            tasks: each a task, or a task with options that win over its own.

        Returns:
            For each task, in order, what `enqueue` would have returned, or the error that it
            would have raised. A refused task does not keep the others from being stored.

        Raises:
            ConfigError: names every task that is wrong, by its position, or says that the
                argument is not an iterable of tasks; nothing was sent.
            RedisUnavailableError: it is unknown whether some of the tasks were stored; `results`
                are as above, with None for those tasks. It is safe to repeat the call for them
                with the same task_ids.
        """
        enqueuer = self._enqueuer or self._open()
        if self._clock.monotonic() >= self._measure_at:
            await self._measure_clock()
        now_ns = self._clock.redis_now_ns()
        namespace = enqueuer.namespace
        items = prepared_all(
            tasks, lambda task, options: self._prepared(task, options, namespace, now_ns)
        )
        outcomes = await enqueuer.store_all(items)
        return results_of(items, outcomes, now=to_datetime(now_ns))

    async def close(self) -> None:
        """Close the connections; safe to repeat. A closed client cannot be used again."""
        self._is_closed = True
        enqueuer, self._enqueuer = self._enqueuer, None
        if enqueuer is not None:
            await enqueuer.close()
        if self._runner is not None:
            await self._runner.close()
            self._runner = None
        if self._connector is not None:
            self._connector.close()
            self._connector = None

    @property
    def namespace(self) -> str:
        """The prefix of every key."""
        return self._connected().namespace

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _connected(self) -> Connector:
        with self._lock:
            if self._is_closed:
                raise ServerStateError("this client is closed; make a new one")
            if self._connector is None:
                self._connector = Connector.of(self._source)
            return self._connector

    def _open(self) -> AsyncEnqueuer:
        connector = self._connected()
        with self._lock:
            if self._runner is None or self._enqueuer is None:
                self._runner = AsyncRunner(connector.open_async(), clock=self._clock)
                self._enqueuer = AsyncEnqueuer(
                    self._runner,
                    self._clock,
                    namespace=connector.namespace,
                    patience_s=self._patience_s,
                )
            return self._enqueuer

    def _prepared(
        self, task: Task, options: EnqueueOptions, namespace: str, now_ns: int
    ) -> PreparedTask:
        self._payload_sizes.check(task.type, task.payload)
        keys = queue_keys(options.queue or DEFAULT_QUEUE, namespace)
        return prepare(task, options, keys, now_ns=now_ns, new_id=new_task_id)

    async def _measure_clock(self) -> None:
        """Learn the time of Redis."""
        runner = self._runner
        if runner is None:  # closed in the meantime
            return
        self._measure_at = self._clock.monotonic() + MEASURE_AGAIN_S
        try:
            await runner.measure_clock()
        except RedisUnavailableError:  # the call itself will try for longer
            self._measure_at = float("-inf")
