# Generated from client_async.py by tools/unasync.py: change that file.
"""Enqueues tasks."""

import threading
from types import TracebackType
from typing import Self, Unpack

from pyasynq.broker import enqueue as broker
from pyasynq.broker.operation import Operation
from pyasynq.broker.prepare import info_of, prepare, queue_of
from pyasynq.broker.runner import Runner
from pyasynq.clock import Clock, SystemClock
from pyasynq.connection.connect import ConnectionSource, Connector
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.identifiers import new_task_id
from pyasynq.options import EnqueueOptions, OptionKeywords
from pyasynq.task import Task, TaskInfo
from pyasynq.wire.keys import QueueKeys, queue_keys

REGISTER_AGAIN_S = 1.0  # a queue that somebody deletes is listed again at the latest after this
MEASURE_AGAIN_S = 60.0


class Client:
    """Stores tasks in Redis for workers in Python or Go.

    Nothing is connected before the first call. Close it when done, or use it in a ``with``
    block.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours, which
            is left alone. Not given: ``PYASYNQ_REDIS_URL``, else a Redis on this machine.
        clock: the time; the machine's if not given.
        patience_s: for how long an unreachable Redis is tried before a call fails.
    """

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        clock: Clock | None = None,
        patience_s: float = 5.0,
    ) -> None:
        self._source = source
        self._clock = clock or SystemClock()
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._connector: Connector | None = None
        self._runner: Runner | None = None
        self._registered: dict[str, float] = {}
        self._measured = float("-inf")
        self._is_closed = False

    def enqueue(self, task: Task, **options: Unpack[OptionKeywords]) -> TaskInfo:
        """Store one task: pending, scheduled, or in its group, as its options say.

        Args:
            task: its own options apply where *options* give none.
            options: as of `EnqueueOptions`.

        Returns:
            The task as it was stored.

        Raises:
            ConfigError, PayloadError: the task or an option is wrong; nothing was sent.
            DuplicateTaskError: another task holds the unique lock.
            TaskIdConflictError: the ID is taken.
            RedisUnavailableError: it says whether the task may be stored all the same. To
                repeat the call with the same task_id is safe.
        """
        if not isinstance(task, Task):
            raise ConfigError(f"enqueue takes a Task, not {type(task).__name__}")
        merged = EnqueueOptions.from_keywords(options).merged_over(task.options)
        runner = self._opened()
        self._measure_clock(runner)
        keys = queue_keys(queue_of(merged), self.namespace)
        now_ns = self._clock.redis_now_ns()
        prepared = prepare(task, merged, keys, now_ns=now_ns, new_id=new_task_id)
        operations: list[Operation[None] | Operation[broker.Outcomes]] = [
            *self._registration(keys),
            broker.place(prepared, keys, now_ns=now_ns),
        ]
        answers = runner.run_all(operations, patience_s=self._patience_s)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        self._registered[keys.queue] = self._clock.monotonic()
        (refusal,) = answers[-1]
        if refusal is not None:
            raise refusal
        return info_of(prepared, now_ns=now_ns)

    def close(self) -> None:
        """Close the connections; safe to repeat. A closed client cannot be used again."""
        self._is_closed = True
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        if self._connector is not None:
            self._connector.close()
            self._connector = None

    @property
    def namespace(self) -> str:
        """First word of every key."""
        return self._connected().namespace

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connected(self) -> Connector:
        with self._lock:
            if self._is_closed:
                raise ServerStateError("this client is closed; make a new one")
            if self._connector is None:
                self._connector = Connector.of(self._source)
            return self._connector

    def _opened(self) -> Runner:
        connector = self._connected()
        with self._lock:
            if self._runner is None:
                self._runner = Runner(connector.open_sync(), clock=self._clock)
            return self._runner

    def _registration(self, keys: QueueKeys) -> list[Operation[None]]:
        """Return the operation that lists a queue, unless that was done a moment ago."""
        last = self._registered.get(keys.queue)
        if last is not None and self._clock.monotonic() - last < REGISTER_AGAIN_S:
            return []
        return [broker.register_queue(keys.queue, namespace=keys.namespace)]

    def _measure_clock(self, runner: Runner) -> None:
        """Learn the time of Redis, now and then."""
        now = self._clock.monotonic()
        if now - self._measured >= MEASURE_AGAIN_S:
            self._measured = now
            runner.measure_clock()
