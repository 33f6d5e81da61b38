"""All of Redis in one round trip, and what the model says it must be."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import redis

from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import decode
from tests.properties.state_machine.model import ModelQueue, ModelTask

LOOK = """
local read = {
  string = function(key) return redis.call("GET", key) end,
  hash = function(key) return redis.call("HGETALL", key) end,
  list = function(key) return redis.call("LRANGE", key, 0, -1) end,
  set = function(key) return redis.call("SMEMBERS", key) end,
  zset = function(key) return redis.call("ZRANGE", key, 0, -1, "WITHSCORES") end,
}
local answer = {}
for _, key in ipairs(redis.call("KEYS", "*")) do
  local kind = redis.call("TYPE", key).ok
  answer[#answer + 1] = {key, kind, read[kind](key), redis.call("EXPIRETIME", key)}
end
return answer
"""
NOTES = ":x:scheduled_groups"  # names of groups to look after; harmless when out of date

Keys = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observed:
    """Keys and values as Python, messages decoded; *expire_s* of those that expire."""

    keys: Keys
    expire_s: dict[str, int]

    def of(self, queue: QueueKeys) -> Keys:
        """The keys of one queue."""
        return {key: value for key, value in self.keys.items() if key.startswith(queue.prefix)}


def look(client: redis.Redis) -> Observed:
    keys, expire_s = {}, {}
    for name, kind, value, expires_s in client.eval(LOOK, 0):
        key = name.decode()
        if not key.endswith(NOTES):
            keys[key] = _READ[kind.decode()](value)
        if expires_s >= 0:
            expire_s[key] = expires_s
    return Observed(keys, expire_s)


def _hash(flat: list[bytes]) -> dict[str, Any]:
    pairs = dict(zip(flat[::2], flat[1::2], strict=True))
    return {
        field.decode(): decode(value) if field == b"msg" else value.decode()
        for field, value in pairs.items()
    }


_READ = {
    "string": bytes.decode,
    "hash": _hash,
    "list": lambda value: [each.decode() for each in value],
    "set": lambda value: {each.decode() for each in value},
    "zset": lambda flat: {
        member.decode(): int(score) for member, score in zip(flat[::2], flat[1::2], strict=True)
    },
}


def expected(queue: ModelQueue) -> Keys:
    """The keys that a queue must have; empty containers have none."""
    keys = queue.keys
    sets: defaultdict[str, dict[str, int]] = defaultdict(dict)
    wanted: Keys = {keys.pending: queue.pending, keys.active: queue.active}
    for task_id, task in queue.tasks.items():
        wanted[keys.task(task_id)] = _fields(task)
        for container, score in _entries(keys, task):
            sets[container][task_id] = score
    names = {task.group for task in queue.tasks.values() if task.state == "aggregating"}
    wanted[keys.groups] = {name for name in names if keys.group(name) in sets}
    wanted[keys.aggregation_sets] = queue.deadlines
    wanted[keys.paused] = "" if queue.paused_s is None else str(queue.paused_s)
    wanted |= sets
    wanted |= {key: lock.holder for key, lock in queue.locks.items()}
    wanted |= {key: str(count) for key, count in queue.counters.items()}
    return {key: value for key, value in wanted.items() if value}


def _entries(keys: QueueKeys, task: ModelTask) -> list[tuple[str, int]]:
    match task.state:
        case "active":
            return [(keys.lease, task.lease_s)]
        case "pending":
            return []
        case "aggregating":
            return [(task.set_key or keys.group(task.group), task.score)]
        case state:
            return [(keys.prefix + state, task.score)]


def _fields(task: ModelTask) -> dict[str, Any]:
    fields = {
        "msg": task.message,
        "state": task.state,
        "pending_since": task.pending_since_ns,
        "process_at_ns": task.due_ns,
        "owner": task.owner,
        "deferred": task.deferred,
        # No server that aggregates is known here, so only forwarders of Python see the group.
        "group_when_due" if task.state == "scheduled" else "group": task.group,
        "unique_key": task.message.unique_key,
        "unique_until": task.unique_until,
        "expires_at": task.expires_at_ns,
        "result": None if task.result is None else task.result.decode(),
    }
    return {name: str(value) if name != "msg" else value for name, value in fields.items() if value}


def differences(wanted: Keys, found: Keys) -> list[str]:
    """What is not as it must be, key by key."""
    return [
        f"{key}: expected {wanted.get(key)}, found {found.get(key)}"
        for key in sorted(wanted.keys() | found.keys())
        if wanted.get(key) != found.get(key)
    ]
