"""Which operations write the outcomes of tasks: pure decisions.

The finisher writes what this server's attempts came to, in batches; the recoverer what the attempts
of lost servers came to, one by one. Both make the same items here.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import finish
from pyasynq.broker.operations.finish import Fence, Verdict
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.attempt.outcome import (
    Archived,
    Completed,
    Finished,
    Outcome,
    Requeued,
    Retried,
)
from pyasynq.worker.attempt.running_task import RunningTask

Settled = tuple[RunningTask, Outcome]

FreesLock = Callable[[str], bool]
"""Whether a task that is archived frees its lock, by the stored text of its `unique_until`."""


def grouped(batch: Sequence[Settled]) -> list[list[Settled]]:
    """Return the outcomes that are written together: those of one kind, none of them refused."""
    kinds = {(type(outcome), running.refusals) for running, outcome in batch}
    if len(kinds) == 1 and not batch[0][0].refusals:
        return [list(batch)]
    groups: dict[tuple[type[Outcome], str], list[Settled]] = {}
    for settled in batch:
        running, decided = settled
        alike = type(decided), running.task_id if running.refusals else ""
        group = groups.get(alike)
        if group is None:
            group = groups[alike] = []
        group.append(settled)
    return list(groups.values())


def write_of(
    keys: QueueKeys, group: Sequence[Settled], *, frees_lock: FreesLock, now_ns: int
) -> Operation[list[Verdict]]:
    """Return the operation that writes outcomes of one kind, of tasks this server holds."""
    decided = group[0][1]
    if isinstance(decided, Finished):  # most tasks; nothing but their names is needed
        done = [
            finish.ToDelete(
                task_id=running.key[1],
                fence=running.fence_at(now_ns),
                unique_key=running.message.unique_key,
            )
            for running, _ in group
        ]
        return finish.done_many(keys, done, now_ns=now_ns)
    items = [
        item_of(
            outcome,
            running.task_id,
            running.fence_at(now_ns),
            unique_key=running.message.unique_key,
            is_lock_freed=frees_lock(running.leased.unique_until),
            pending_since_ns=running.leased.pending_since_ns,
        )
        for running, outcome in group
    ]
    return write_items(keys, decided, items, now_ns=now_ns)


def item_of(
    outcome: Outcome,
    task_id: str,
    fence: Fence,
    *,
    unique_key: str,
    is_lock_freed: bool,
    pending_since_ns: int | None = None,
) -> Any:
    """Return what `write_items` needs of one task.

    Args:
        unique_key: of the message; empty for no lock.
        is_lock_freed: whether the lock is freed if the task is archived.
        pending_since_ns: when the task became pending, for one that is requeued.
    """
    match outcome:
        case Completed():
            return finish.ToComplete(
                task_id=task_id,
                fence=fence,
                data=outcome.data,
                expires_at_s=outcome.expires_at_s,
                unique_key=unique_key,
                result=outcome.result,
            )
        case Retried():
            return finish.ToRetry(
                task_id=task_id,
                fence=fence,
                data=outcome.data,
                retry_at_ns=outcome.at_ns,
                is_failure=outcome.is_failure,
                deferred=outcome.deferred,
            )
        case Archived():
            return finish.ToArchive(
                task_id=task_id,
                fence=fence,
                data=outcome.data,
                unique_key=unique_key if is_lock_freed else "",
            )
        case Requeued():
            return finish.ToRequeue(task_id=task_id, fence=fence, pending_since_ns=pending_since_ns)


def write_items(
    keys: QueueKeys, outcome: Outcome, items: Sequence[Any], *, now_ns: int
) -> Operation[list[Verdict]]:
    """Return the operation that writes *items*, all of outcomes of the kind of *outcome*."""
    match outcome:
        case Completed():
            return finish.complete_many(keys, items, now_ns=now_ns)
        case Retried():
            return finish.retry_many(keys, items, now_ns=now_ns)
        case Archived():
            return finish.archive_many(keys, items, now_ns=now_ns)
        case _:
            return finish.requeue_many(keys, items)
