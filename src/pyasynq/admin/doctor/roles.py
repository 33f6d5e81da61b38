"""What each role of a program needs of Redis: its scripts, and what these call."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal, get_args

from pyasynq.broker.operation import Argument
from pyasynq.broker.scripts import load

Role = Literal["producer", "worker", "scheduler", "inspector", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

_PRODUCER = ("enqueue", "schedule", "add_to_group")
_SCHEDULER = ("enqueue_tick", "lead", "read_tick", "record_event", "resign", "write_entries")
_INSPECTOR = (
    *("get_task", "list_live", "list_tasks", "queue_memory", "queue_stats", "read_placed_task"),
    *("read_server", "walk_hashes", "walk_tasks"),
)
SCRIPTS: Mapping[Role, Sequence[str]] = {
    "producer": _PRODUCER,
    "worker": (  # that of an App is also a scheduler
        *_PRODUCER,
        *_SCHEDULER,
        *("archive_many", "check_aggregation", "complete_many", "count_types"),
        "delete_expired_completed",
        *("dequeue_many", "done_many", "drop_ghost", "exists_any", "extend_lease"),
        *("finish_aggregation", "forward", "heal_lease", "index_presence", "is_group_due"),
        *("lease_unleased", "list_lease_expired", "list_owned", "list_unleased", "quarantine"),
        *("quarantine_member", "read_aggregation_set", "reclaim_aggregation_sets"),
        "record_attempts",
        *("requeue_many", "restore_groups", "retry_many", "show_aggregator", "trim_archive"),
        *("write_handled", "write_presence", "write_progress", "write_result"),
    ),
    "scheduler": (*_PRODUCER, *_SCHEDULER),
    "inspector": _INSPECTOR,
    "admin": (  # who may also enqueue, and runs the tasks of schedulers
        *_INSPECTOR,
        *_PRODUCER,
        *("archive_unlisted", "delete_indexed", "delete_many", "delete_queue", "delete_task"),
        "drop_listed",
        *("free_lock", "import_task", "mark_cancel", "move_many", "move_task", "pause_queue"),
        *("record_event", "replace_message", "reschedule_task"),
    ),
}
# Without them something is missing, but the role works: what is missing.
OPTIONAL: Mapping[str, str] = {
    "LPOS": "long lists are searched more slowly",
}
# Plain commands beside the scripts; what is needed of all is tried in a way of its own.
_LOOKS = (
    *("GET", "HGET", "HMGET", "HVALS", "LRANGE", "MGET", "PTTL", "SISMEMBER", "SMEMBERS"),
    *("ZRANGE", "ZREVRANGE", "ZSCORE"),
)
PLAIN: Mapping[Role, Sequence[str]] = {
    "producer": ("SADD",),
    "worker": ("SADD", "SSCAN", "ZREM", "DEL", "HMGET", "GET"),
    "scheduler": ("SADD", "ZADD", "ZREM", "DEL"),
    "inspector": _LOOKS,
    "admin": (*_LOOKS, "DEL", "HDEL", "HSET", "PERSIST", "SADD", "SREM", "ZREM"),
}
# What scripts of a role do without: whoever only looks leaves dead servers on their list.
_SPARED: Mapping[Role, frozenset[str]] = {"inspector": frozenset({"ZREM"})}

_KEY = object()
_TRIALS: Mapping[str, tuple[str, Sequence[Argument | object]]] = {
    # A command → the type of a key that it is harmless on, and its arguments.
    "DEL": ("unused", [_KEY]),
    "EXISTS": ("unused", [_KEY]),
    "EXPIRE": ("unused", [_KEY, 10]),
    "EXPIREAT": ("unused", [_KEY, 4_102_444_800]),
    "GET": ("string", [_KEY]),
    "HDEL": ("hash", [_KEY, "f"]),
    "HGET": ("hash", [_KEY, "f"]),
    "HGETALL": ("hash", [_KEY]),
    "HLEN": ("hash", [_KEY]),
    "HMGET": ("hash", [_KEY, "f"]),
    "HSET": ("hash", [_KEY, "f", "v"]),
    "HSETNX": ("hash", [_KEY, "f", "v"]),
    "HVALS": ("hash", [_KEY]),
    "INCRBY": ("counter", [_KEY, 1]),
    "LINDEX": ("list", [_KEY, 0]),
    "LLEN": ("list", [_KEY]),
    "LPOS": ("list", [_KEY, "a"]),
    "LPUSH": ("list", [_KEY, "a"]),
    "LRANGE": ("list", [_KEY, 0, 1]),
    "LREM": ("list", [_KEY, 0, "a"]),
    "LTRIM": ("list", [_KEY, 0, 1]),
    "MGET": ("string", [_KEY]),
    "PERSIST": ("unused", [_KEY]),
    "PEXPIRE": ("unused", [_KEY, 10_000]),
    "PEXPIREAT": ("unused", [_KEY, 4_102_444_800_000]),
    "PTTL": ("unused", [_KEY]),
    "RPOP": ("list", [_KEY]),
    "RPUSH": ("list", [_KEY, "a"]),
    "SADD": ("set", [_KEY, "a"]),
    "SCARD": ("set", [_KEY]),
    "SET": ("unique:a", [_KEY, "v", "PX", 10_000]),
    "SETEX": ("string", [_KEY, 10, "v"]),
    "SISMEMBER": ("set", [_KEY, "a"]),
    "SMEMBERS": ("set", [_KEY]),
    "SREM": ("set", [_KEY, "a"]),
    "SSCAN": ("set", [_KEY, 0]),
    "TYPE": ("unused", [_KEY]),
    "UNLINK": ("unused", [_KEY]),
    "ZADD": ("zset", [_KEY, 1, "a"]),
    "ZCARD": ("zset", [_KEY]),
    "ZCOUNT": ("zset", [_KEY, 0, 1]),
    "ZRANGE": ("zset", [_KEY, 0, 1]),
    "ZRANGEBYSCORE": ("zset", [_KEY, 0, 1]),
    "ZRANK": ("zset", [_KEY, "a"]),
    "ZREM": ("zset", [_KEY, "a"]),
    "ZREMRANGEBYRANK": ("zset", [_KEY, 0, 0]),
    "ZREVRANGE": ("zset", [_KEY, 0, 1]),
    "ZREVRANK": ("zset", [_KEY, "a"]),
    "ZSCORE": ("zset", [_KEY, "a"]),
}
_WORD = re.compile(r'"([A-Z]{3,})"')
CLEARING = ("PEXPIRE", "DEL")  # without both, what is tried would stay


@cache
def commands_of(role: Role) -> frozenset[str]:
    """Return which commands the scripts of a role call, and which plain ones it needs."""
    called = {word for name in SCRIPTS[role] for word in _WORD.findall(load(name).source)}
    needed = (called | set(PLAIN[role])) & _TRIALS.keys()
    return frozenset(needed - _SPARED.get(role, frozenset()))


def trials(commands: frozenset[str], prefix: str) -> list[tuple[str, str, Sequence[Argument]]]:
    """Return how commands are tried: each command, the key that it needs, and all its words.

    Args:
        commands: of a role.
        prefix: of keys that nobody else uses.
    """
    found: list[tuple[str, str, Sequence[Argument]]] = []
    for command in sorted(commands):
        kind, arguments = _TRIALS[command]
        key = prefix + kind
        words = [key if each is _KEY else each for each in arguments]
        found.append((command, key, [command, *words]))  # type: ignore[list-item]  # no _KEY is left
    return found


def keys_of_trials(prefix: str) -> list[str]:
    """Return all keys that trials may write."""
    return sorted({prefix + kind for kind, _arguments in _TRIALS.values()})
