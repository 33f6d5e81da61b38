# Generated from client_async.py by tools/unasync.py: change that file.
"""Enqueues tasks."""

import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self, Unpack

from pyasynq.broker.new_tasks.carried import (
    Carried,
    CarryingTask,
    Sending,
    carrying,
)
from pyasynq.broker.new_tasks.payload_size import (
    DEFAULT_MAX_PAYLOAD_SIZE,
    PayloadSizes,
    max_payload_size_fault,
)
from pyasynq.broker.new_tasks.prepare import PreparedTask, info_of, prepare
from pyasynq.broker.new_tasks.series import StoredTask, TaskSeries
from pyasynq.broker.operations.bulk import prepared_all, refusals_of, results_of
from pyasynq.broker.runners.admission import Admission
from pyasynq.broker.runners.enqueuer import Enqueuer
from pyasynq.broker.runners.runner import PATIENCE_S, Runner
from pyasynq.clock import Clock, SystemClock, clock_fault, to_datetime
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.errors import (
    ConfigError,
    EnqueueError,
    PyasynqError,
    RedisUnavailableError,
    ServerStateError,
)
from pyasynq.identifiers import new_task_id
from pyasynq.options import (
    DEFAULT_QUEUE,
    Duration,
    EnqueueOptions,
    OptionKeywords,
    duration_fault,
    to_seconds,
)
from pyasynq.task import EnqueueResult, Task, TaskInfo
from pyasynq.tracing import Tracing, chosen, tracing_fault
from pyasynq.wire.keys import queue_keys


class Client:
    """Stores tasks in Redis for workers in Python or Go.

    Nothing is connected before the first call. Close it when done, or use it in a ``with``
    block.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours, which
            is not closed. If not given, ``PYASYNQ_REDIS_URL``, else a Redis on this machine.
        clock: where to get the time; the machine's clock if not given.
        enqueue_patience: for how long a call tries to reach Redis before it fails, all its tries
            together; 0 for one try. After such a failure, one call per second tries again, and
            the others fail at once.
        max_payload_size: a payload of more bytes is stored, but logged as a warning, once per
            task type. More than 512 MiB are always refused.
        tracing: makes a span of each call, whose context the tasks carry; see
            `pyasynq.opentelemetry`. None for no spans.

    Raises:
        ConfigError: names every argument that is wrong.
    """

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        clock: Clock | None = None,
        enqueue_patience: Duration = PATIENCE_S,
        max_payload_size: int = DEFAULT_MAX_PAYLOAD_SIZE,
        tracing: Tracing | None = None,
    ) -> None:
        faults = [duration_fault("enqueue_patience", enqueue_patience), clock_fault(clock)]
        faults += [max_payload_size_fault(max_payload_size), tracing_fault(tracing)]
        ConfigError.raise_if(faults)
        self._source = source
        self._tracing = chosen(tracing)
        self._clock = clock or SystemClock()
        self._admission = Admission(self._clock, patience_s=to_seconds(enqueue_patience))
        self._payload_sizes = PayloadSizes(max_payload_size)
        self._lock = threading.Lock()
        self._connector: Connector | None = None
        self._runner: Runner | None = None
        self._enqueuer: Enqueuer | None = None
        self._is_closed = False

    def enqueue(
        self, task: Task, *, patience: Duration | None = None, **options: Unpack[OptionKeywords]
    ) -> TaskInfo:
        """Store one task: pending, scheduled, or in its group, as its options say.

        Args:
            task: its own options apply unless *options* override them.
            patience: for how long to try to reach Redis; *enqueue_patience* if not given.
            options: see `EnqueueOptions`.

        Returns:
            The task as it was stored.

        Raises:
            ConfigError, PayloadError: the task or an option is wrong; nothing was sent.
            DuplicateTaskError: another task holds the unique lock.
            TaskIdConflictError: the queue has a task with this ID.
            RedisUnavailableError: Redis did not answer; `may_have_happened` says whether the task
                may be stored nevertheless. It is safe to repeat the call with the same task_id.
            NotReplicatedError: with ``durability=replicated``: it is stored, but too few replicas
                had it in time.
        """
        if not isinstance(task, Task):
            raise ConfigError(
                f"enqueue takes a Task, not {type(task).__name__}; write Task(type, payload), or "
                "bind(…) of a task function"
            )
        merged = task.options
        if options:
            merged = EnqueueOptions.from_keywords(options).merged_over(task.options)
        if self._tracing is not None and not isinstance(task, CarryingTask):
            return self._enqueue_traced(self._tracing, task, merged, patience)
        enqueuer = self._enqueuer or self._open()
        clock, admission, limit_s = self._clock, self._admission, None
        if patience is not None or clock.monotonic() >= admission.measure_at:
            limit_s = admission.begin(self._runner, patience)
        now_ns = clock.redis_now_ns()
        item = self._prepared(task, merged, enqueuer.namespace, now_ns)
        if admission.away:
            admission.check_node(item.keys.queue, patience)
        refusal = enqueuer.store(item) if limit_s is None else enqueuer.store_within(item, limit_s)
        if refusal is not None:
            admission.note(refusal, patience, item.keys.queue)
            raise refusal
        if admission.away:
            admission.away.pop(item.keys.queue, None)
        return info_of(item, now=to_datetime(now_ns))

    def enqueue_many(
        self,
        tasks: Iterable[Task | tuple[Task, EnqueueOptions]],
        *,
        patience: Duration | None = None,
    ) -> list[EnqueueResult]:
        """Store many tasks of any kind and queue, in few round trips.

        All are checked before anything is sent. Tasks of one queue keep their order.

        Args:
            tasks: each a task, or a task with options that win over its own.
            patience: for how long to try to reach Redis, in each round trip, but only until one
                was tried in vain; *enqueue_patience* if not given.

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
        sending = self._sending_many()

        def prepared(namespace: str, now_ns: int) -> list[PreparedTask]:
            headers = {} if sending is None else sending.headers
            return prepared_all(
                tasks,
                lambda task, options: self._prepared(
                    carrying(task, options, headers) if headers else task,
                    options,
                    namespace,
                    now_ns,
                ),
            )

        items, outcomes, now_ns = self._store_many(prepared, patience, sending)
        return results_of(items, outcomes, now=to_datetime(now_ns))

    def close(self) -> None:
        """Close the connections; safe to repeat. A closed client cannot be used again."""
        self._is_closed = True
        enqueuer, self._enqueuer = self._enqueuer, None
        if enqueuer is not None:
            enqueuer.close()
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        if self._connector is not None:
            self._connector.close()
            self._connector = None

    @property
    def namespace(self) -> str:
        """The prefix of every key."""
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

    def _open(self) -> Enqueuer:
        connector = self._connected()
        with self._lock:
            if self._runner is None or self._enqueuer is None:
                patience_s, replication = self._admission.patience_s, connector.replication
                limit_s = patience_s or None
                self._runner = Runner(
                    connector.open_sync(patience_s=limit_s),
                    clock=self._clock,
                    limit_s=limit_s,
                    busy_wait=connector.busy_wait,
                    replication=replication.within(limit_s) if replication else None,
                )
                self._enqueuer = Enqueuer(
                    self._runner,
                    self._clock,
                    namespace=connector.namespace,
                    patience_s=patience_s,
                    is_slow=replication is not None,
                )
            return self._enqueuer

    def _enqueue_traced(
        self, tracing: Tracing, task: Task, options: EnqueueOptions, patience: Duration | None
    ) -> TaskInfo:
        address, queue = self._connected().address, options.queue or DEFAULT_QUEUE
        with Sending.one(tracing, task.type, queue, task.payload, address) as sending:
            info = self.enqueue(carrying(task, options, sending.headers), patience=patience)
            sending.stored(info.id)
            return info

    def _sending_many(self, task_type: str = "", queue: str = "") -> Sending | None:
        """Begin the span of a call that stores many tasks; None if nobody wants it."""
        if self._tracing is None:
            return None
        address = self._connected().address
        return Sending(
            self._tracing.enqueue_many(task_type=task_type, queue=queue, address=address)
        )

    def _store_one(
        self,
        series: TaskSeries,
        payload: bytes | None,
        patience: Duration | None,
        carried: Carried | None = None,
    ) -> str:
        """Store a task of *series* as `enqueue` does, and return its ID.

        For the tasks of an App: of a TaskInfo, nobody would see more than the ID.
        """
        if self._tracing is not None and carried is None:
            return self._store_one_traced(self._tracing, series, payload, patience)
        enqueuer = self._enqueuer or self._open()
        clock, admission, limit_s = self._clock, self._admission, None
        if patience is not None or clock.monotonic() >= admission.measure_at:
            limit_s = admission.begin(self._runner, patience)
        self._payload_sizes.check(series.type, payload)
        item = series.prepare(
            payload,
            enqueuer.namespace,
            now_ns=clock.redis_now_ns(),
            new_id=new_task_id,
            carried=carried,
        )
        if admission.away:
            admission.check_node(item.keys.queue, patience)
        refusal = enqueuer.store(item) if limit_s is None else enqueuer.store_within(item, limit_s)
        if refusal is not None:
            admission.note(refusal, patience, item.keys.queue)
            raise refusal
        if admission.away:
            admission.away.pop(item.keys.queue, None)
        return item.id

    def _store_one_traced(
        self, tracing: Tracing, series: TaskSeries, payload: bytes | None, patience: Duration | None
    ) -> str:
        address = self._connected().address
        with Sending.one(tracing, series.type, series.queue, payload, address) as sending:
            carried = Carried.of(sending.headers)
            task_id = self._store_one(series, payload, patience, carried)
            sending.stored(task_id)
            return task_id

    def _store_series(
        self, series: TaskSeries, payloads: Sequence[bytes | None], patience: Duration | None
    ) -> list[StoredTask | EnqueueError]:
        """Store a task of *series* for each payload, as `enqueue_many` does; for those of an App.

        Returns:
            For each payload, in order, what was stored, or why it was not.

        Raises:
            ConfigError, RedisUnavailableError: see `enqueue_many`.
        """
        sending = self._sending_many(series.type, series.queue)
        carried = None if sending is None else Carried.of(sending.headers)

        def prepared(namespace: str, now_ns: int) -> list[PreparedTask]:
            self._payload_sizes.check_all(series.type, payloads)
            return series.prepare_all(
                payloads, namespace, now_ns=now_ns, new_id=new_task_id, carried=carried
            )

        items, outcomes, now_ns = self._store_many(prepared, patience, sending)
        refusals = refusals_of(items, outcomes, now=to_datetime(now_ns))
        return [
            StoredTask(item.id, payload, now_ns, carried) if refusal is None else refusal
            for item, payload, refusal in zip(items, payloads, refusals, strict=True)
        ]

    def _store_many(
        self,
        prepared: Callable[[str, int], list[PreparedTask]],
        patience: Duration | None,
        sending: Sending | None = None,
    ) -> tuple[list[PreparedTask], list[PyasynqError | None], int]:
        """Store what *prepared* returns for the namespace and the time of Redis.

        Returns:
            The tasks; for each why it was not stored, or None; and the time of Redis.
        """
        if sending is not None:
            with sending:
                items, outcomes, now_ns = self._store_many(prepared, patience)
                sending.stored_many(items, outcomes)
                return items, outcomes, now_ns
        enqueuer = self._enqueuer or self._open()
        admission, limit_s, outage = self._admission, None, None
        if patience is not None or self._clock.monotonic() >= admission.measure_at:
            try:
                limit_s = admission.begin(self._runner, patience)
            except RedisUnavailableError as error:
                outage = error
        now_ns = self._clock.redis_now_ns()
        items = prepared(enqueuer.namespace, now_ns)
        if outage is not None:
            return items, [outage] * len(items), now_ns
        outcomes = enqueuer.store_all(items, limit_s=limit_s)
        for item, outcome in zip(items, outcomes, strict=True):
            if outcome is not None:
                admission.note(outcome, patience, item.keys.queue)
        return items, outcomes, now_ns

    def _prepared(
        self, task: Task, options: EnqueueOptions, namespace: str, now_ns: int
    ) -> PreparedTask:
        self._payload_sizes.check(task.type, task.payload)
        keys = queue_keys(options.queue or DEFAULT_QUEUE, namespace)
        return prepare(task, options, keys, now_ns=now_ns, new_id=new_task_id)
