"""What can be healed: for each finding the operations that do it, one for each item."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyasynq.admin.doctor.astray import (
    unbacked,
    unbacked_active,
    unleased,
    unlisted_leases,
    unreadable,
)
from pyasynq.admin.doctor.facts import DataFacts, QueueFacts
from pyasynq.broker.decoding import MOST_TASKS
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import (
    enqueue,
    healing,
    maintain,
    queue_control,
    servers,
    task_control,
    task_lists,
)
from pyasynq.broker.operations.maintain import Healed
from pyasynq.broker.operations.task_control import Answer, Verdict
from pyasynq.clock import NANOSECONDS
from pyasynq.inspector.explain.words import counted, quoted
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys

LONG_AGO_S = 3600  # a lease that ended so long ago is over by every clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What heals one finding.

    Attributes:
        code: of the finding.
        queue: which it is about; None for no single queue.
        sentence: what it does.
        steps: each heals one item, atomically, and does nothing if that has changed meanwhile.
    """

    code: str
    queue: str | None
    sentence: str
    steps: Sequence[Operation[Any]] = field(repr=False, compare=False)


def repairs(facts: DataFacts, namespace: str) -> Iterator[Repair]:
    """Return what heals the findings about *facts*, as far as anything does."""
    for queue in facts.queues:
        keys = QueueKeys(queue.name, namespace)
        yield from _active(queue, keys, facts.now_ns)
        yield from _lists(queue, keys, facts.now_ns)
        yield from _scanned(queue, keys, facts.now_ns)
    yield from _names(facts, namespace)
    yield from _gone(facts, namespace)


def _active(queue: QueueFacts, keys: QueueKeys, now_ns: int) -> Iterator[Repair]:
    where = f"queue {quoted(queue.name)}"
    now_s = now_ns // NANOSECONDS
    if ghosts := unbacked_active(queue, now_ns):
        yield Repair(
            code="active_without_task",
            queue=queue.name,
            sentence=f"take {counted(len(ghosts), 'ID')} out of the active tasks of {where}",
            steps=[maintain.drop_ghost(keys, each, cutoff_s=now_s) for each in ghosts],
        )
    if alone := unleased(queue):
        yield Repair(
            code="active_without_lease",
            queue=queue.name,
            sentence=(
                f"give {counted(len(alone), 'active task')} of {where} a lease that is over, so "
                "that a server retries them"
            ),
            steps=[
                maintain.lease_unleased(keys, [each], expiry_s=now_s - LONG_AGO_S, limit=MOST_TASKS)
                for each in alone
            ],
        )
    if astray := unlisted_leases(queue):
        yield Repair(
            code="lease_without_active",
            queue=queue.name,
            sentence=f"heal {counted(len(astray), 'lease')} of {where}",
            steps=[maintain.heal_lease(keys, each, cutoff_s=now_s) for each in astray],
        )


def _lists(queue: QueueFacts, keys: QueueKeys, now_ns: int) -> Iterator[Repair]:
    where = f"queue {quoted(queue.name)}"
    by_state: Mapping[TaskState, Sequence[str]] = unbacked(queue)
    steps = [
        healing.drop_listed(keys, task_lists.container(keys, state), each)
        for state, ids in by_state.items()
        for each in ids
    ]
    if steps:
        yield Repair(
            code="listed_without_task",
            queue=queue.name,
            sentence=f"take {counted(len(steps), 'ID')} without a task out of {where}",
            steps=steps,
        )
    bad = [
        each.task_id
        for state, tasks in unreadable(queue).items()
        if state is not TaskState.ARCHIVED
        for each in tasks
    ]
    if bad:
        yield Repair(
            code="undecodable_message",
            queue=queue.name,
            sentence=f"archive {counted(len(bad), 'task')} of {where} as they are",
            steps=[task_control.archive_task(keys, each, now_ns=now_ns) for each in bad],
        )


def _scanned(queue: QueueFacts, keys: QueueKeys, now_ns: int) -> Iterator[Repair]:
    where = f"queue {quoted(queue.name)}"
    if queue.unlisted:
        yield Repair(
            code="task_not_listed",
            queue=queue.name,
            sentence=f"archive {counted(len(queue.unlisted), 'task')} of {where}",
            steps=[healing.archive_unlisted(keys, each, now_ns=now_ns) for each in queue.unlisted],
        )
    if queue.locks:
        yield Repair(
            code="lock_without_task",
            queue=queue.name,
            sentence=f"free {counted(len(queue.locks), 'unique lock')} of {where}",
            steps=[healing.free_lock(keys, *each) for each in queue.locks.items()],
        )


def _names(facts: DataFacts, namespace: str) -> Iterator[Repair]:
    for each in facts.untagged:
        if each.is_listed and not each.kept:
            yield Repair(
                code="queue_without_hash_tag",
                queue=each.name,
                sentence=f"take the name {quoted(each.name)} out of the set of all queues",
                steps=[queue_control.unlist_queue(each.name, namespace)],
            )
    if facts.unknown:
        yield Repair(
            code="queue_not_listed",
            queue=None,
            sentence=f"list {counted(len(facts.unknown), 'queue')} again",
            steps=[enqueue.register_queue(name, namespace=namespace) for name in facts.unknown],
        )


def _gone(facts: DataFacts, namespace: str) -> Iterator[Repair]:
    now_s = facts.now_ns // NANOSECONDS
    for what, index in (("server", "servers"), ("scheduler", "schedulers")):
        gone = sum(kind == what for kind, _key, _until_s in facts.gone)
        if gone:
            yield Repair(
                code=f"{what}_gone",
                queue=None,
                sentence=f"take {counted(gone, what)} off the list of those that are alive",
                steps=[servers.list_live(index, namespace=namespace, now_s=now_s)],  # type: ignore[arg-type]  # one of its words
            )


def changed(answer: object) -> int:
    """Return how many items a step has healed, from its answer."""
    match answer:
        case BaseException() | False | 0 | Healed.NOTHING_WRONG:
            return 0
        case Answer(verdict=verdict):
            return int(verdict is Verdict.DONE)
        case _:
            return 1
