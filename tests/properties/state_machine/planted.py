"""Bugs to plant in the scripts: each removes or reverses what one promise rests on."""

import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from pyasynq.broker import scripts


@dataclass(frozen=True, slots=True)
class Bug:
    """In a script, *text*, which occurs once, is replaced by *instead*."""

    script: str
    text: str
    instead: str = ""


BUGS = {
    "a counter of a day is for ever": Bug(
        "fragments/count", 'redis.call("EXPIREAT", day, expire_at)'
    ),
    "a task that is done keeps its lease": Bug(
        "done_many", 'redis.call("ZREM", KEYS[2], unpack(ids, 1, done))'
    ),
    "a task that is done is not counted": Bug(
        "done_many", "count(KEYS[3], KEYS[4], redis.call(", "tostring(redis.call("
    ),
    "a completed task keeps its owner": Bug(
        "complete_many", '"owner", "deferred", "on_cancel")', '"deferred", "on_cancel")'
    ),
    "a completed task keeps its lock": Bug("complete_many", "unlock(ARGV[at + 2], id)"),
    "a retried task is not counted as failed": Bug(
        "retry_many", "count(KEYS[6], KEYS[7], failures, ARGV[2])"
    ),
    "a retried task keeps its message": Bug("retry_many", '"msg", ARGV[at + 2], '),
    "a deferral is forgotten": Bug("retry_many", '~= "0" then', '== "none" then'),
    "an archived task keeps its lock": Bug("archive_many", "unlock(ARGV[at + 3], id)"),
    "an archived task is called active": Bug("archive_many", ', "state", "archived"'),
    "a requeued task goes to the end": Bug("requeue_many", "RPUSH", "LPUSH"),
    "anybody may end a task": Bug("fragments/fence", 'or "") ~= owner', 'or "") == nil'),
    "a lease is shortened or not extended": Bug(
        "extend_lease", 'redis.call("ZADD", KEYS[1], ARGV[2], id)'
    ),
    "a dequeued task has no lease": Bug(
        "dequeue_many", 'redis.call("ZADD", KEYS[4], unpack(scores))'
    ),
    "a paused queue is served": Bug("dequeue_many", "== 1 then", "== 2 then"),
    "a lock outlives the start": Bug(
        "dequeue_many", 'if other and other[3] == "started" then', "if false then"
    ),
    "a forwarded task is still called scheduled": Bug("forward", '"state", "pending", '),
    "a forwarded task stays scheduled": Bug("forward", 'redis.call("ZREM", source, id)'),
    "a forwarded group is not listed": Bug("fragments/join", 'redis.pcall("SADD", names, group)'),
    "a task is forwarded up to a second early": Bug(
        "forward", "> rest_ns then", "> 999999999 then"
    ),
    "a new task takes no lock": Bug("fragments/claim", 'redis.call("SET", lock, id, "EX", ttl)'),
    "a lock is for ever": Bug("fragments/claim", ', "EX", ttl)', ")"),
    "an id is taken twice": Bug("fragments/claim", 'redis.call("EXISTS", key) == 1', "false"),
}


def plant(bug: Bug, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Load the scripts from *folder*, into which they are copied with *bug* in one of them."""
    shutil.copytree(str(files(scripts.__name__)), folder, dirs_exist_ok=True)
    path = folder / f"{bug.script}.lua"
    source = path.read_text()
    if source.count(bug.text) != 1:
        raise LookupError(f"{bug.text!r} is {source.count(bug.text)} times in {path.name}")
    path.write_text(source.replace(bug.text, bug.instead))
    patch.setattr(scripts, "files", lambda _name: folder)
    scripts.load.cache_clear()


def unplant(patch: pytest.MonkeyPatch) -> None:
    patch.undo()
    scripts.load.cache_clear()
