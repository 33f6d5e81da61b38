"""What the keys of a scan belong to: tasks and locks by queue, and histories of schedulers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

OWN = "x:doctor:"  # how the queue begins whose keys the doctor writes


@dataclass(slots=True, kw_only=True)
class Found:
    """Keys that were scanned, sorted out.

    Attributes:
        namespace: with which they begin.
        tasks: IDs of each queue.
        locks: keys of each queue.
        histories: IDs of scheduler entries that have a history.
        queues: every queue that has a key of its tasks or counters.
        looked_at: how many keys there were.
        is_complete: whether all keys were seen.
        failed: why a server could not be scanned; empty if all were.
    """

    namespace: str
    tasks: dict[str, list[str]] = field(default_factory=dict)
    locks: dict[str, list[str]] = field(default_factory=dict)
    histories: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    looked_at: int = 0
    is_complete: bool = True
    failed: str = ""


def is_untagged(queue: str) -> bool:
    """Return whether the name of a queue spoils the hash tag of its keys.

    Redis hashes what is between the first ``{`` and the next ``}``, or all of the key if that is
    nothing. So the keys of such a queue are in many slots.
    """
    return not queue or queue.startswith("}")


def sort_out(found: Found, keys: Iterable[str]) -> None:
    """Add *keys* to what was *found*."""
    namespace = re.escape(found.namespace)
    of_queue = re.compile(rf"{namespace}:\{{(.*?)\}}:(t|unique|\w+)(?::(.*))?", re.DOTALL)
    history = f"{found.namespace}:scheduler_history:"
    for key in keys:
        found.looked_at += 1
        if key.startswith(history):
            found.histories.add(key.removeprefix(history))
        elif match := of_queue.fullmatch(key):
            _add(found, key, *match.groups())


def _add(found: Found, key: str, queue: str, kind: str, rest: str | None) -> None:
    if kind == "x":
        return  # what only pyasynq keeps beside the tasks: it expires, and a queue is none for it
    found.queues.add(queue)
    if kind == "t" and rest is not None:
        found.tasks.setdefault(queue, []).append(rest)
    elif kind == "unique":
        found.locks.setdefault(queue, []).append(key)
