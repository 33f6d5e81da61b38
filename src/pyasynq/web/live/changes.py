"""What has changed between two snapshots. Pure.

A change is a word: "queue:NAME" for what a queue holds, "queues" for which queues there are or for
many of them, "servers", "schedulers", or "all" if nobody knows.
"""

from collections.abc import Collection, Iterable, Mapping

from pyasynq.clock import NANOSECONDS
from pyasynq.inspector.snapshot import LiveProcess, QueueCounts, Snapshot

ALL, QUEUES, SERVERS, SCHEDULERS = "all", "queues", "servers", "schedulers"
OF_QUEUE = "queue:"
MOST_NAMES = 50  # queues that are named
LONGEST_NAME = 200
SHOWN_WITHIN_NS = 10 * NANOSECONDS  # a server shows itself every five seconds


class Comparison:
    """Compares each snapshot with the one before."""

    def __init__(self) -> None:
        self._before: Snapshot | None = None
        self._moved_ns: int | None = None

    def changes(self, now: Snapshot) -> frozenset[str]:
        """Return what has changed since the last snapshot; nothing for the first one."""
        before, self._before = self._before, now
        if before is None:
            return frozenset()
        found = _queues(before.queues, now.queues)
        if found and any(
            _have_moved(counts, now.queues.get(name, counts))
            for name, counts in before.queues.items()
        ):
            self._moved_ns = now.at_ns
        if _are_others(before.servers, now.servers) or self._is_shown(before, now):
            found.add(SERVERS)
        if _are_others(before.schedulers, now.schedulers):
            found.add(SCHEDULERS)
        return joined(found)

    def _is_shown(self, before: Snapshot, now: Snapshot) -> bool:
        """Return whether a server has shown what it runs after tasks have begun or ended."""
        if self._moved_ns is None or now.at_ns - self._moved_ns > SHOWN_WITHIN_NS:
            return False
        return any(
            key in now.servers and server.until_s != now.servers[key].until_s
            for key, server in before.servers.items()
        )


def joined(*changes: Iterable[str]) -> frozenset[str]:
    """Return several changes as one; if too many queues are named, all of them have changed."""
    found = frozenset(each for some in changes for each in some)
    if ALL in found:
        return frozenset([ALL])
    named = {each for each in found if each.startswith(OF_QUEUE)}
    return (found - named) | {QUEUES} if len(named) > MOST_NAMES else found


def _queues(before: Mapping[str, QueueCounts], now: Mapping[str, QueueCounts]) -> set[str]:
    found = set()
    if before.keys() != now.keys():
        found.add(QUEUES)
    changed = [name for name, counts in now.items() if before.get(name, counts) != counts]
    found.update(_words(changed))
    return found


def _words(names: Collection[str]) -> Collection[str]:
    if len(names) > MOST_NAMES or any(len(name) > LONGEST_NAME for name in names):
        return [QUEUES]
    return [OF_QUEUE + name for name in names]


def _have_moved(before: QueueCounts, now: QueueCounts) -> bool:
    """Return whether tasks have begun to run, or ended."""
    return (before.active, before.processed) != (now.active, now.processed)


def _are_others(before: Mapping[str, LiveProcess], now: Mapping[str, LiveProcess]) -> bool:
    return {key: each.mark for key, each in before.items()} != {
        key: each.mark for key, each in now.items()
    }
