"""Which operations write the outcomes of a batch of tasks: pure decisions."""

from collections.abc import Sequence
from typing import Any

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import finish
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.attempt.outcome import Archived, Completed, Finished, Outcome, Retried
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.config import ServerConfig

Settled = tuple[RunningTask, Outcome]


def grouped(batch: Sequence[Settled]) -> list[list[Settled]]:
    """Return the outcomes that are written together: those of one kind, none of them refused."""
    kinds = {(type(outcome), running.refusals) for running, outcome in batch}
    if len(kinds) == 1 and not batch[0][0].refusals:
        return [list(batch)]
    groups: dict[tuple[type[Outcome], str], list[Settled]] = {}
    for settled in batch:
        running, decided = settled
        alike = type(decided), running.leased.task_id if running.refusals else ""
        group = groups.get(alike)
        if group is None:
            group = groups[alike] = []
        group.append(settled)
    return list(groups.values())


def write_of(
    keys: QueueKeys, group: Sequence[Settled], config: ServerConfig, *, now_ns: int
) -> Operation[list[bool]]:
    """Return the operation that writes outcomes of one kind."""
    first = group[0][1]
    if isinstance(first, Finished):
        return finish.done_many(
            keys,
            [
                finish.ToDelete(
                    task_id=task.leased.task_id,
                    fence=task.fence_at(now_ns),
                    unique_key=task.message.unique_key,
                )
                for task, _ in group
            ],
            now_ns=now_ns,
        )
    items = [_item(task, outcome, config, now_ns) for task, outcome in group]
    if isinstance(first, Completed):
        return finish.complete_many(keys, items, now_ns=now_ns)
    if isinstance(first, Retried):
        return finish.retry_many(keys, items, now_ns=now_ns)
    if isinstance(first, Archived):
        return finish.archive_many(keys, items, now_ns=now_ns)
    return finish.requeue_many(keys, items)


def _item(task: RunningTask, outcome: Outcome, config: ServerConfig, now_ns: int) -> Any:
    task_id, fence = task.leased.task_id, task.fence_at(now_ns)
    match outcome:
        case Completed():
            return finish.ToComplete(
                task_id=task_id,
                fence=fence,
                data=outcome.data,
                expires_at_s=outcome.expires_at_s,
                unique_key=task.message.unique_key,
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
            is_freed = config.is_lock_freed_on_archive(task.leased.unique_until)
            return finish.ToArchive(
                task_id=task_id,
                fence=fence,
                data=outcome.data,
                unique_key=task.message.unique_key if is_freed else "",
            )
        case _:
            since_ns = task.leased.pending_since_ns
            return finish.ToRequeue(task_id=task_id, fence=fence, pending_since_ns=since_ns)
