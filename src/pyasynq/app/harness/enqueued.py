"""The tasks that are in the Redis of a test, as the test wants to see them."""

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyasynq.answers import raise_first
from pyasynq.app.harness.expiry import Expiry
from pyasynq.broker.decoding import number, text
from pyasynq.broker.operations import inspection
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import FakeClock, to_datetime
from pyasynq.errors import ConfigError
from pyasynq.inspector.infos import task_info
from pyasynq.options import EnqueueOptions
from pyasynq.task import TaskInfo, TaskState
from pyasynq.wire.keys import QueueKeys, keys_of_listed, queue_keys

if TYPE_CHECKING:
    import redis

DecodeArguments = Callable[[str, bytes], dict[str, Any]]
"""Makes the arguments by name of a task type and a payload."""

_FIELDS = ("unique_key", "unique_until", "expires_at")
_LISTS = (TaskState.PENDING, TaskState.ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedTask:
    """A task that was enqueued in a test, as it stands in Redis.

    Attributes:
        id: unique in the queue.
        type: the task type.
        queue: the queue.
        state: where it is.
        arguments: what its function is called with, by parameter; the members of a JSON object
            if the type is unknown or the payload does not fit.
        payload: the stored bytes; empty if there is none.
        due_at: when it runs, by the test's clock, if it is pending, scheduled or to be retried.
        options: how it was enqueued, as far as Redis knows: `unique` is what is left of its lock,
            which lasts for `process_in` and `unique` together.
        retried: how often it was retried.
        last_error: text of its last failure; empty if there was none.
    """

    id: str
    type: str
    queue: str
    state: TaskState
    arguments: dict[str, Any]
    payload: bytes
    due_at: datetime | None
    options: EnqueueOptions
    retried: int
    last_error: str


class EnqueuedTasks:
    """Reads the tasks of one Redis.

    Args:
        client, runner: both are connected to it.
        expiry: knows for how long locks are held.
        decode: makes arguments of payloads.
        namespace: first word of all keys.
    """

    def __init__(
        self,
        client: "redis.Redis",
        runner: Runner,
        clock: FakeClock,
        expiry: Expiry,
        decode: DecodeArguments,
        *,
        namespace: str,
    ) -> None:
        self._namespace = namespace
        self._client = client
        self._runner = runner
        self._clock = clock
        self._expiry = expiry
        self._decode = decode

    def read(self, state: str | None, queue: str | None) -> list[EnqueuedTask]:
        """Return the tasks of all states and queues, or of one; see `AppHarness.tasks`.

        Raises:
            ConfigError: there is no such state.
        """
        states = list(TaskState) if state is None else [_state_of(state)]
        self._expiry.hold()
        found: list[EnqueuedTask] = []
        for keys in self._queues():
            if queue not in (None, keys.queue):
                continue
            for each in states:
                found += self._tasks(keys, list(self._ids(keys, each)))
        return found

    def new(
        self, states: Iterable[TaskState], known: Container[tuple[str, str]]
    ) -> list[EnqueuedTask]:
        """Return the tasks of some states whose queues and IDs are not *known*."""
        self._expiry.hold()
        found: list[EnqueuedTask] = []
        for keys in self._queues():
            for state in states:
                ids = [each for each in self._ids(keys, state) if (keys.queue, each) not in known]
                if ids:
                    found += self._tasks(keys, ids)
        return found

    def one(self, queue: str, task_id: str) -> EnqueuedTask | None:
        """Return one task; None if there is none."""
        self._expiry.hold()
        return next(self._tasks(queue_keys(queue, self._namespace), [task_id]), None)

    def _queues(self) -> Iterator[QueueKeys]:
        for name in self._runner.run(inspection.list_queues(self._namespace)):
            keys = keys_of_listed(name, self._namespace)
            if keys is not None:
                yield keys

    def _ids(self, keys: QueueKeys, state: TaskState) -> Iterator[str]:
        """Yield the IDs of a state, those that run first at first."""
        given: Any = self._client
        if state in _LISTS:
            yield from map(text, reversed(given.lrange(keys.of_state(state), 0, -1)))
        elif state is TaskState.AGGREGATING:
            # Where an aggregator has failed, its set keeps the members until they go back.
            for members in given.zrange(keys.aggregation_sets, 0, -1):
                yield from map(text, given.zrange(members, 0, -1))
            for group in sorted(map(text, given.smembers(keys.groups))):
                yield from map(text, given.zrange(keys.group(group), 0, -1))
        else:
            yield from map(text, given.zrange(keys.of_state(state), 0, -1))

    def _tasks(self, keys: QueueKeys, task_ids: Sequence[str]) -> Iterator[EnqueuedTask]:
        """Yield the tasks of a state."""
        stored = self._runner.run_all([inspection.get_task(keys, each) for each in task_ids])
        raise_first(stored)
        with self._client.pipeline(transaction=False) as pipeline:
            for task_id in task_ids:
                pipeline.hmget(keys.task(task_id), *_FIELDS)
            fields = pipeline.execute()
        for task_id, one, read in zip(task_ids, stored, fields, strict=True):
            if one is not None:
                info = task_info(keys.queue, task_id, one, self._clock.now_ns())
                yield self._task(info, dict(zip(_FIELDS, read, strict=True)))

    def _task(self, info: TaskInfo, fields: Mapping[str, bytes | None]) -> EnqueuedTask:
        return EnqueuedTask(
            id=info.id,
            type=info.type,
            queue=info.queue,
            state=info.state,
            arguments=self._decode(info.type, info.payload),
            payload=info.payload,
            due_at=info.next_process_at,
            options=self._options(info, fields),
            retried=info.retried,
            last_error=info.last_error,
        )

    def _options(self, info: TaskInfo, fields: Mapping[str, bytes | None]) -> EnqueueOptions:
        lock, until = fields["unique_key"], fields["unique_until"]
        expires_ns = number(fields["expires_at"])
        unique = self._left_of(text(lock), info.id) if lock else None
        return EnqueueOptions(
            queue=info.queue,
            task_id=info.id,
            max_retry=info.max_retry,
            timeout=info.timeout,
            deadline=info.deadline,
            expires=None if expires_ns is None else to_datetime(expires_ns),
            unique=unique,
            unique_until=text(until) if until and unique else None,  # type: ignore[arg-type]
            process_at=info.next_process_at if info.state is TaskState.SCHEDULED else None,
            retention=info.retention or None,
            group=info.group or None,
            headers=dict(info.headers) or None,
        )

    def _left_of(self, lock: str, task_id: str) -> timedelta | None:
        """Return for how long the task still holds its lock; None if it does not."""
        holder: Any = self._client.get(lock)
        left_s = self._expiry.remaining_s(lock)
        if left_s is None or holder is None or text(holder) != task_id:
            return None
        return timedelta(seconds=math.ceil(left_s))  # Redis was given whole seconds


def _state_of(name: str) -> TaskState:
    try:
        return TaskState(name)
    except ValueError:
        known = ", ".join(repr(each.value) for each in TaskState)
        raise ConfigError(f"there is no state {name!r}; use one of {known}") from None
