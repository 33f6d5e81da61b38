"""Bugs of ours to plant, each of which a sequence of calls must show."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyasynq.broker.new_tasks import prepare
from pyasynq.inspector import queues, task_pages
from tests.properties.state_machine.planted import Bug, plant

Plant = Callable[[pytest.MonkeyPatch, Path], None]


def _script(script: str, text: str, instead: str = "") -> Plant:
    return lambda patch, folder: plant(Bug(script, text, instead), folder, patch)


def _forget_the_retention(patch: pytest.MonkeyPatch, _folder: Path) -> None:
    resolve = prepare.resolve
    patch.setattr(
        prepare, "resolve", lambda given: msgspec.structs.replace(resolve(given), retention_s=0)
    )


def _read_the_day_before(patch: pytest.MonkeyPatch, _folder: Path) -> None:
    patch.setattr(
        queues,
        "redis_now_s",
        lambda clock: clock.redis_now_ns() // 10**9 - int(timedelta(days=1).total_seconds()),
    )


def _begin_pages_one_too_early(patch: pytest.MonkeyPatch, _folder: Path) -> None:
    list_tasks = task_pages.list_tasks

    def listed(*args: Any, first: int, **given: Any) -> Any:
        return list_tasks(*args, first=max(0, first - 1), **given)

    patch.setattr(task_pages, "list_tasks", listed)


BUGS: dict[str, Plant] = {
    "a deleted task keeps its lock": _script("fragments/forget", "    unlock(lock, id)\n"),
    "run_all miscounts": _script("move_many", "moved = moved + 1", "moved = 1"),
    "a task is archived a second too late": _script(
        "fragments/place", "target_key, now_s, id", "target_key, now_s + 1, id"
    ),
    "a task that is run comes first": _script("fragments/place", "LPUSH", "RPUSH"),
    "a task that is archived stays pending": _script(
        "fragments/leave", 'redis.pcall("LREM", prefix .. state, 0, id)', "1"
    ),
    "an empty group stays listed": _script(
        "fragments/leave", 'redis.pcall("SREM", prefix .. "groups", group)'
    ),
    "a group that was run stays listed": _script(
        "move_many", 'redis.pcall("SREM", KEYS[3], ARGV[4])'
    ),
    "another payload keeps the lock of the old one": _script(
        "replace_message", '    redis.call("DEL", lock)\n'
    ),
    "a trimmed task keeps its hash": _script("trim_archive", "  forget(ARGV[1] .. id, id)\n"),
    "a lock is for ever": _script("fragments/claim", ', "EX", ttl)', ")"),
    "a lock is taken twice": _script("fragments/claim", "    if holder then", "    if false then"),
    "a group counts as two": _script("queue_stats", "stats[13] = groups", "stats[13] = groups + 1"),
    "a queue is paused in milliseconds": _script(
        "pause_queue",
        'redis.call("SET", KEYS[1], ARGV[1])',
        'redis.call("SET", KEYS[1], ARGV[1] .. "000")',
    ),
    "the dead stay listed": _script("list_live", 'redis.pcall("ZREM", KEYS[1], member)'),
    "a completed task is in its way": _script("fragments/leave", ", completed = true"),
    "a retention is forgotten": _forget_the_retention,
    "a history begins a day too early": _read_the_day_before,
    "a page begins too early": _begin_pages_one_too_early,
}
