"""Operations of a worker whose tasks have ended.

Each takes a batch of tasks of one queue and answers for each of them whether it still was the
caller's; a task that was not is left unchanged. So a repeated or late call does no harm.

Where very many tasks are active, to find one takes Redis long. Then a call ends after some 5 ms,
with at least one task looked at, and answers None for the tasks that it has left to another call.
"""

from collections.abc import Callable, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

import msgspec

from pyasynq.broker.decoding import check_size
from pyasynq.broker.operation import Argument, Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import QueueKeys

Verdict = bool | None
"""Whether a task was the caller's; None if the call has left it for another one."""

COUNTERS_LIVE_S = 90 * 86_400  # asynq v0.26 rdb.go: statsTTL


class Fence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What must be true of a task so that the caller may finish it.

    Attributes:
        owner: the token of the dequeue; empty for a task that another library dequeued.
        digest: SHA-1 of its message as dequeued, in hex; empty for any message.
        lease_cutoff_s: for recovery: its lease has expired by then; the owner does not matter.
    """

    owner: str = ""
    digest: str = ""
    lease_cutoff_s: int | None = None

    @property
    def argument(self) -> str:
        """The fence as scripts take it."""
        if self.lease_cutoff_s is None and not self.digest:
            return self.owner
        cutoff = "" if self.lease_cutoff_s is None else self.lease_cutoff_s
        return f"{self.owner}\n{self.digest}\n{cutoff}"


class ToDelete(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task to delete.

    Attributes:
        unique_key: its lock, freed if the task holds it; empty for none.
    """

    task_id: str
    fence: Fence
    unique_key: str = ""


class ToComplete(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task to keep for its retention.

    Attributes:
        data: its message with the time of completion.
        expires_at_s: end of its retention.
        unique_key: its lock, freed if the task holds it; empty for none.
        result: replaces a result of an earlier attempt; None removes it.
    """

    task_id: str
    fence: Fence
    data: bytes
    expires_at_s: int
    unique_key: str = ""
    result: bytes | None = None


class ToRetry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task to run again later.

    Attributes:
        data: its message, rewritten if this was a failure.
        retry_at_ns: when it is due.
        is_failure: whether to count it as processed and failed.
        deferred: how often in a row it was put off by RetryLater, this time included.
    """

    task_id: str
    fence: Fence
    data: bytes
    retry_at_ns: int
    is_failure: bool
    deferred: int = 0


class ToArchive(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task to archive.

    Attributes:
        data: its message with the last error.
        unique_key: its lock, if it is to be freed; empty to leave it.
    """

    task_id: str
    fence: Fence
    data: bytes
    unique_key: str = ""


class ToRequeue(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task to give back to the front of its queue.

    Attributes:
        pending_since_ns: when it became pending before it was dequeued; None if unknown.
    """

    task_id: str
    fence: Fence
    pending_since_ns: int | None = None


def done_many(
    keys: QueueKeys, items: Sequence[ToDelete], *, now_ns: int
) -> Operation[list[Verdict]]:
    """Delete tasks that are done, free their locks, count them as processed."""
    now_s = now_ns // NANOSECONDS
    return _finish(
        "done_many",
        (keys.active, keys.lease, keys.processed_on(now_s), keys.processed),
        (keys.task_prefix, now_s + COUNTERS_LIVE_S),
        _in_groups(items),
        size=len(items),
    )


def complete_many(
    keys: QueueKeys, items: Sequence[ToComplete], *, now_ns: int
) -> Operation[list[Verdict]]:
    """Keep tasks that are done for their retention, free their locks, count them as processed."""
    now_s = now_ns // NANOSECONDS
    return _finish(
        "complete_many",
        (keys.active, keys.lease, keys.completed, keys.processed_on(now_s), keys.processed),
        (keys.task_prefix, now_s + COUNTERS_LIVE_S),
        [
            (
                item.task_id,
                item.fence.argument,
                item.unique_key,
                item.data,
                item.expires_at_s,
                "0" if item.result is None else "1",
                item.result or b"",
            )
            for item in items
        ],
    )


def retry_many(
    keys: QueueKeys, items: Sequence[ToRetry], *, now_ns: int
) -> Operation[list[Verdict]]:
    """Move tasks to the retry set, to run again later; failures are counted, locks stay."""
    now_s = now_ns // NANOSECONDS
    return _finish(
        "retry_many",
        (keys.active, keys.lease, keys.retry, *_counters(keys, now_s)),
        (keys.task_prefix, now_s + COUNTERS_LIVE_S),
        [
            (
                item.task_id,
                item.fence.argument,
                item.data,
                item.retry_at_ns,
                item.retry_at_ns // NANOSECONDS,
                "1" if item.is_failure else "0",
                item.deferred,
            )
            for item in items
        ],
    )


def archive_many(
    keys: QueueKeys, items: Sequence[ToArchive], *, now_ns: int
) -> Operation[list[Verdict]]:
    """Archive tasks and count them as failures; `maintain.trim_archive` keeps the archive small."""
    now_s = now_ns // NANOSECONDS
    return _finish(
        "archive_many",
        (keys.active, keys.lease, keys.archived, *_counters(keys, now_s)),
        (keys.task_prefix, now_s + COUNTERS_LIVE_S, now_s),
        [(item.task_id, item.fence.argument, item.data, item.unique_key) for item in items],
    )


def requeue_many(keys: QueueKeys, items: Sequence[ToRequeue]) -> Operation[list[Verdict]]:
    """Give tasks back to the front of their queue; nothing is counted."""
    return _finish(
        "requeue_many",
        (keys.active, keys.lease, keys.pending),
        (keys.task_prefix,),
        [
            (
                item.task_id,
                item.fence.argument,
                "" if item.pending_since_ns is None else item.pending_since_ns,
            )
            for item in items
        ],
    )


def quarantine(keys: QueueKeys, task_id: str, fence: Fence, *, now_ns: int) -> Operation[bool]:
    """Archive an active task whose message cannot be read; its bytes stay as they are."""
    return Operation(
        load("quarantine"),
        (keys.active, keys.lease, keys.archived),
        (keys.task(task_id), now_ns // NANOSECONDS, task_id, fence.argument),
        bool,
        Repeat.BY_TOKEN,
        lambda _reply: True,
    )


def write_result(keys: QueueKeys, task_id: str, owner: str, result: bytes) -> Operation[bool]:
    """Store the result of a running task; False if it is no longer the owner's. Safe to repeat."""
    return Operation(
        load("write_result"), (keys.task(task_id),), (owner, result), bool, Repeat.SAFE
    )


def _counters(keys: QueueKeys, now_s: int) -> tuple[str, str, str, str]:
    return keys.processed_on(now_s), keys.processed, keys.failed_on(now_s), keys.failed


_shared = attrgetter("fence", "unique_key")


def _in_groups(items: Sequence[ToDelete]) -> list[list[Argument]]:
    """Return the arguments per run of equal fences and locks: these, the number of IDs, the IDs."""
    groups: list[list[Argument]] = []
    for (fence, unique_key), members in groupby(items, _shared):
        ids = [item.task_id for item in members]
        groups.append([fence.argument, unique_key, len(ids), *ids])
    return groups


def _finish(
    name: str,
    keys: tuple[str, ...],
    head: tuple[Argument, ...],
    items: Sequence[Sequence[Argument]],
    *,
    size: int | None = None,
) -> Operation[list[Verdict]]:
    """Return an operation that finishes *size* tasks; as many as there are *items* by default."""
    size = len(items) if size is None else size
    check_size(size)
    return Operation(
        load(name),
        keys,
        (*head, *chain.from_iterable(items)),
        _verdicts(size),
        Repeat.BY_TOKEN,
        # The answer of the first call was lost: tasks that are no longer ours were finished by it.
        lambda reply: _verdicts(size, of_others=True)(reply),  # noqa: PLW0108 - made when needed
    )


def _verdicts(size: int, *, of_others: bool = False) -> Callable[[Any], list[Verdict]]:
    """Return a decoder of the indexes of tasks that were not the caller's, or were left.

    Args:
        of_others: the verdict on tasks that were not the caller's.
    """

    def decode(reply: Any) -> list[Verdict]:
        verdicts: list[Verdict] = [True] * size
        for index in reply:
            if index >= 0:
                verdicts[index] = of_others
            else:
                verdicts[-1 - index] = None
        return verdicts

    return decode
