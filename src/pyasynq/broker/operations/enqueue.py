"""Operations of a producer: store new tasks.

Each takes a batch of tasks of one queue and answers for each of them None, or why it was not
stored. If the answer was lost, a repeated call counts what the first one stored as a success, never
as a conflict.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from pyasynq.broker.decoding import check_size, text
from pyasynq.broker.new_tasks.prepare import PENDING, PreparedTask
from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import (
    DuplicateTaskError,
    EnqueueError,
    PayloadError,
    TaskIdConflictError,
)
from pyasynq.task import TaskState
from pyasynq.wire.keys import global_keys
from pyasynq.wire.message import decode, is_same_task

Outcomes = list[EnqueueError | None]

_LOCKED = -1
_BY_TOKEN = Repeat.BY_TOKEN  # kept, since looking it up in the enum takes 0.1 µs


def register_queue(queue: str, *, namespace: str) -> Operation[None]:
    """List the queue among all queues. Safe to repeat."""
    return Operation("SADD", (global_keys(namespace).queues,), (queue,), ignore, Repeat.SAFE)


def store(items: Sequence[PreparedTask], *, now_ns: int) -> Operation[Outcomes]:
    """Store tasks of one queue and one state: pending, scheduled or in their groups."""
    state = items[0].state
    if state is PENDING:
        return enqueue(items, now_ns=now_ns)
    if state is TaskState.SCHEDULED:
        return schedule(items)
    return add_to_group(items, now_ns=now_ns)


def enqueue(items: Sequence[PreparedTask], *, now_ns: int) -> Operation[Outcomes]:
    """Store tasks as pending, in the order given."""
    keys = items[0].keys
    # Most tasks need only two of the six arguments: a third of what is packed and parsed.
    step = 2
    named: list[Argument] = []
    for item in items:
        if item.unique_ttl_s or item.expires_at_ns is not None or item.unique_until:
            step, named = 6, list(_described(items, described))
            break
        named += (item.id, item.encoded)
    return _store("enqueue", (keys.pending,), (keys.task_prefix, now_ns, step, *named), items)


def schedule(items: Sequence[PreparedTask]) -> Operation[Outcomes]:
    """Store tasks that are due later, each at its `process_at_ns`.

    A task of a group joins it when it is due. If no Python server aggregates in the queue, and Go
    forwards the task, it runs alone, as a task that a Go producer has scheduled.
    """
    keys = items[0].keys

    def describe(item: PreparedTask) -> tuple[Argument, ...]:
        due_ns = item.process_at_ns or 0
        return (*described(item), due_ns, due_ns // NANOSECONDS, item.group)

    head = (keys.task_prefix, global_keys(keys.namespace).due, keys.queue)
    arguments = (*head, *_described(items, describe))
    script_keys = keys.scheduled, keys.scheduled_groups, keys.aggregators
    return _store("schedule", script_keys, arguments, items)


def add_to_group(items: Sequence[PreparedTask], *, now_ns: int) -> Operation[Outcomes]:
    """Store tasks in their groups, to be aggregated."""
    keys = items[0].keys

    def describe(item: PreparedTask) -> tuple[Argument, ...]:
        return (*described(item), item.group)

    head = (keys.task_prefix, keys.group_prefix, now_ns // NANOSECONDS)
    return _store("add_to_group", (keys.groups,), (*head, *_described(items, describe)), items)


def described(item: PreparedTask) -> tuple[Argument, ...]:
    """Return the six arguments that every script needs to store a task."""
    return (
        item.id,
        item.encoded,
        item.unique_key if item.unique_ttl_s else "",
        item.unique_ttl_s,
        "" if item.expires_at_ns is None else item.expires_at_ns,
        item.unique_until,
    )


def refusal(item: PreparedTask, reply: Sequence[Any], *, is_repeated: bool) -> EnqueueError | None:
    """Return why a task was not stored, as the fragment `claim` answers.

    Returns:
        None if it was stored after all, by an earlier call whose answer was lost.
    """
    code, *detail = reply
    if code == _LOCKED:
        return _duplicate(item, text(detail[0]), is_repeated=is_repeated)
    return _conflict(item, detail[0], detail[1], is_repeated=is_repeated)


def _described(
    items: Sequence[PreparedTask], describe: Callable[[PreparedTask], tuple[Argument, ...]]
) -> Iterable[Argument]:
    return chain.from_iterable(map(describe, items))


def _store(
    name: str,
    script_keys: tuple[str, ...],
    arguments: tuple[Argument, ...],
    items: Sequence[PreparedTask],
) -> Operation[Outcomes]:
    check_size(len(items))
    return Operation(
        load(name),
        script_keys,
        arguments,
        lambda reply: _outcomes(items, reply, is_repeated=False),
        _BY_TOKEN,
        lambda reply: _outcomes(items, reply, is_repeated=True),
    )


def _outcomes(items: Sequence[PreparedTask], reply: Any, *, is_repeated: bool) -> Outcomes:
    outcomes: Outcomes = [None] * len(items)
    for index, *why in reply:
        outcomes[index] = refusal(items[index], why, is_repeated=is_repeated)
    return outcomes


def _duplicate(item: PreparedTask, holder_id: str, *, is_repeated: bool) -> EnqueueError | None:
    if is_repeated and holder_id == item.id:
        return None
    return DuplicateTaskError(queue=item.keys.queue, task_type=item.type, holder_id=holder_id)


def _conflict(
    item: PreparedTask, state: bytes, data: bytes, *, is_repeated: bool
) -> EnqueueError | None:
    if is_repeated and _is_same(item, data):
        return None
    return TaskIdConflictError(queue=item.keys.queue, task_id=item.id, state=text(state))


def _is_same(item: PreparedTask, data: bytes) -> bool:
    try:
        return is_same_task(item.message, decode(data))
    except PayloadError:
        return False
