"""Tasks that differ only in payload and ID: what they have in common is prepared once."""

from collections.abc import Callable, Iterable

import msgspec

from pyasynq.broker.new_tasks.carried import Carried, carrying
from pyasynq.broker.new_tasks.prepare import PreparedTask, info_of, limits_of, prepare
from pyasynq.broker.new_tasks.resolved_options import ResolvedOptions
from pyasynq.clock import to_datetime
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.options import DEFAULT_QUEUE, EnqueueOptions
from pyasynq.task import TaskInfo, bound_task
from pyasynq.wire.keys import DEFAULT_NAMESPACE, QueueKeys, queue_keys
from pyasynq.wire.message import encode_new

SMALL_BYTES = 1 << 20  # a larger payload is prepared by itself, with all its checks


class StoredTask(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a task that was stored.

    Attributes:
        id: unique in its queue.
        payload: None if there is none.
        now_ns: the time of Redis when it was stored.
        carried: the headers that carry the context of a span; None for none.
    """

    id: str
    payload: bytes | None
    now_ns: int
    carried: Carried | None = None


class _Common(msgspec.Struct, frozen=True, gc=False):
    """What all tasks of a series have in common, if they need no checks of their own.

    Attributes:
        keys: of their queue.
        resolved: their options.
        limits: see `encode_new`.
    """

    keys: QueueKeys
    resolved: ResolvedOptions
    limits: bytes


class TaskSeries:
    """Tasks of one type with the same options.

    Args:
        task_type: a valid one.
        options: of every task.
    """

    def __init__(self, task_type: str, options: EnqueueOptions) -> None:
        self.type = task_type
        self.queue: str = options.queue or DEFAULT_QUEUE
        self.options: EnqueueOptions = options
        lock = options.unique, options.unique_key, options.unique_until
        rare = options.task_id, options.headers, options.deadline, *lock
        self._may_be_alike = all(each is None for each in rare)
        self._common: dict[str, _Common] = {}  # by namespace

    def prepare(
        self,
        payload: bytes | None,
        namespace: str,
        *,
        now_ns: int,
        new_id: Callable[[], str],
        carried: Carried | None = None,
    ) -> PreparedTask:
        """Prepare a task.

        Args:
            payload: None for no payload.
            namespace: of its keys.
            now_ns: the time of Redis.
            new_id: makes an ID for a task that has none.
            carried: headers that carry the context of a span; None for none.

        Raises:
            ConfigError, PayloadError: see `prepare`.
        """
        common = self._common.get(namespace)
        if common is None or not payload or len(payload) > SMALL_BYTES:
            return self._with_all_checks(payload, namespace, now_ns, new_id, carried)
        task_id = new_id()
        if carried is not None:
            return self._carrying(payload, task_id, common, carried)
        encoded = encode_new(self.type, payload, task_id, common.limits)
        resolved = common.resolved
        return PreparedTask(
            common.keys, task_id, self.type, payload, resolved, encoded, resolved.group
        )

    def prepare_all(
        self,
        payloads: Iterable[bytes | None],
        namespace: str,
        *,
        now_ns: int,
        new_id: Callable[[], str],
        carried: Carried | None = None,
    ) -> list[PreparedTask]:
        """Prepare a task for each payload, in order.

        Raises:
            ConfigError: names every task that is wrong, by its position, counted from 0.
        """
        items: list[PreparedTask] = []
        faults: list[str] = []
        for position, payload in enumerate(payloads):
            try:
                item = self.prepare(
                    payload, namespace, now_ns=now_ns, new_id=new_id, carried=carried
                )
                items.append(item)
            except (ConfigError, PayloadError) as error:
                faults.append(f"task {position}: {error}")
        ConfigError.raise_if(faults)
        return items

    def info_of(self, stored: StoredTask) -> TaskInfo:
        """Return what was known of a task when it was stored."""
        now_ns = stored.now_ns
        item = self.prepare(
            stored.payload,
            DEFAULT_NAMESPACE,
            now_ns=now_ns,
            new_id=lambda: stored.id,
            carried=stored.carried,
        )
        return info_of(item, now=to_datetime(now_ns))

    def _carrying(
        self, payload: bytes, task_id: str, common: _Common, carried: Carried
    ) -> PreparedTask:
        limits = common.limits + carried.encoded
        encoded = encode_new(self.type, payload, task_id, limits)
        resolved = common.resolved
        return PreparedTask(
            common.keys,
            task_id,
            self.type,
            payload,
            resolved,
            encoded,
            resolved.group,
            carried.headers,
        )

    def _with_all_checks(
        self,
        payload: bytes | None,
        namespace: str,
        now_ns: int,
        new_id: Callable[[], str],
        carried: Carried | None,
    ) -> PreparedTask:
        """Prepare a task like any other, and keep what the next ones have in common with it."""
        keys = queue_keys(self.queue, namespace)
        task = bound_task(self.type, payload, self.options)
        if carried is not None:
            task = carrying(task, self.options, carried.headers)
        item = prepare(task, self.options, keys, now_ns=now_ns, new_id=new_id)
        if self._may_be_alike and item.resolved.is_plain:
            limits = limits_of(item.resolved, keys)
            self._common[namespace] = _Common(keys, item.resolved, limits)
        return item
