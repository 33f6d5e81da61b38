"""Tasks that differ only in payload and ID: what they have in common is prepared once."""

from collections.abc import Callable, Sequence

import msgspec

from pyasynq.broker.new_tasks.prepare import PreparedTask, info_of, limits_of, prepare
from pyasynq.broker.new_tasks.resolved_options import resolve
from pyasynq.clock import to_datetime
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.options import DEFAULT_QUEUE, EnqueueOptions
from pyasynq.task import TaskInfo, bound_task
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.wire.message import encode_new

SMALL_BYTES = 1 << 20  # a larger payload is prepared by itself, with all its checks


class StoredTask(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a task that was stored.

    Attributes:
        id: unique in its queue.
        payload: None if there is none.
        now_ns: the time of Redis when it was stored.
    """

    id: str
    payload: bytes | None
    now_ns: int


class TaskSeries:
    """Tasks of one type with the same options.

    Args:
        task_type: a valid one.
        options: without a task_id.
    """

    def __init__(self, task_type: str, options: EnqueueOptions) -> None:
        self.type = task_type
        self.queue = options.queue or DEFAULT_QUEUE
        self._options = options

    def prepared(
        self,
        payloads: Sequence[bytes | None],
        namespace: str,
        *,
        now_ns: int,
        new_id: Callable[[], str],
    ) -> list[PreparedTask]:
        """Prepare a task for each payload, in order.

        Args:
            payloads: of the tasks.
            namespace: of their keys.
            now_ns: the time of Redis.
            new_id: makes the ID of each.

        Raises:
            ConfigError: names every task that is wrong, by its position, counted from 0.
        """
        prepare_one = self._preparing(queue_keys(self.queue, namespace), now_ns, new_id)
        items: list[PreparedTask] = []
        faults: list[str] = []
        for position, payload in enumerate(payloads):
            try:
                items.append(prepare_one(payload))
            except (ConfigError, PayloadError) as error:
                faults.append(f"task {position}: {error}")
        ConfigError.raise_if(faults)
        return items

    def info_of(self, stored: StoredTask) -> TaskInfo:
        """Return what was known of a task when it was stored."""
        keys, now_ns = queue_keys(self.queue), stored.now_ns
        prepare_one = self._preparing(keys, now_ns, lambda: stored.id)
        return info_of(prepare_one(stored.payload), now=to_datetime(now_ns))

    def _preparing(
        self, keys: QueueKeys, now_ns: int, new_id: Callable[[], str]
    ) -> Callable[[bytes | None], PreparedTask]:
        """Return what prepares the task of a payload."""
        task_type, options = self.type, self._options
        lock = options.unique, options.unique_key, options.unique_until

        def with_all_checks(payload: bytes | None) -> PreparedTask:
            task = bound_task(task_type, payload, options)
            return prepare(task, options, keys, now_ns=now_ns, new_id=new_id)

        if any(each is not None for each in (options.headers, options.deadline, *lock)):
            return with_all_checks
        resolved = resolve(options)
        if not resolved.is_plain:
            return with_all_checks
        limits, group = limits_of(resolved, keys), resolved.group

        def alike(payload: bytes | None) -> PreparedTask:
            if not payload or len(payload) > SMALL_BYTES:
                return with_all_checks(payload)
            task_id = new_id()
            encoded = encode_new(task_type, payload, task_id, limits)
            return PreparedTask(keys, task_id, task_type, payload, resolved, encoded, group)

        return alike
