"""The whole content of Redis as a value: recorded, loaded, dumped, compared."""

from collections.abc import Iterator
from typing import Any

import redis

from tests.support.golden_data import blob

RELATIVE_TTL_SLACK_S = 3

DUMP = """
local found = {}
for _, key in ipairs(redis.call("KEYS", "*")) do
  local kind, value = redis.call("TYPE", key).ok, false
  if kind == "string" then
    value = redis.call("GET", key)
  elseif kind == "hash" then
    value = redis.call("HGETALL", key)
  elseif kind == "list" then
    value = redis.call("LRANGE", key, 0, -1)
  elseif kind == "set" then
    value = redis.call("SMEMBERS", key)
  elseif kind == "zset" then
    value = redis.call("ZRANGE", key, 0, -1, "WITHSCORES")
  end
  found[#found + 1] = {
    key, kind, value, redis.call("EXPIRETIME", key), redis.call("TTL", key)
  }
end
return found
"""

State = dict[bytes, tuple[str, Any, dict[str, int] | None]]


def names(given: dict[str, Any]) -> list[bytes]:
    step = 1 if given["to"] >= given["from"] else -1
    numbers = range(given["from"], given["to"] + step, step)
    return [f"{given['prefix']}{number:0{given['width']}d}".encode() for number in numbers]


def members(value: list[Any]) -> Iterator[Any]:
    for item in value:
        if isinstance(item, dict) and "range" in item:
            for index, name in enumerate(names(item["range"])):
                score = item.get("score_from")
                yield name if score is None else (name, score + index * item["score_step"])
        elif isinstance(item, list):
            yield blob(item[0]), item[1]
        else:
            yield blob(item)


def expected(entries: list[dict[str, Any]]) -> State:
    """Return a recorded state in the form of `dump`."""
    state: State = {}
    for entry in entries:
        keys = names(entry["key_range"]) if "key_range" in entry else [blob(entry["key"])]
        value = _value(entry["type"], entry["value"])
        state |= dict.fromkeys(keys, (entry["type"], value, entry["ttl"]))
    return state


def _value(kind: str, value: Any) -> Any:
    match kind:
        case "string":
            return blob(value)
        case "hash":
            return {field.encode(): blob(each) for field, each in value.items()}
        case "set":
            return set(members(value))
        case "zset":
            return {name: float(score) for name, score in members(value)}
        case _:
            return list(members(value))


def load(client: redis.Redis, state: State) -> None:
    client.flushdb()
    pipeline = client.pipeline(transaction=False)
    for key, (kind, value, ttl) in state.items():
        match kind:
            case "string":
                pipeline.set(key, value)
            case "hash":
                pipeline.hset(key, mapping=value)
            case "list":
                pipeline.rpush(key, *value)
            case "set":
                pipeline.sadd(key, *value)
            case "zset":
                pipeline.zadd(key, value)
        if ttl:
            pipeline.expire(key, ttl["in"]) if "in" in ttl else pipeline.expireat(key, ttl["at"])
    pipeline.execute()


def dump(client: redis.Redis) -> State:
    """Read all of it in one call: thousands of keys take a client long, one by one."""
    state: State = {}
    for key, kind, value, at, left in client.eval(DUMP, 0):
        expiry = None if at == -1 else {"at": at, "in": left}
        state[key] = (kind.decode(), _dumped(kind, value), expiry)
    return state


def _dumped(kind: bytes, value: Any) -> Any:
    match kind:
        case b"hash":
            return dict(_pairs(value))
        case b"set":
            return set(value)
        case b"zset":
            return {member: float(score) for member, score in _pairs(value)}
        case _:
            return value


def _pairs(flat: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def same_expiry(recorded: dict[str, int] | None, found: dict[str, int] | None) -> bool:
    if recorded is None or found is None:
        return recorded is found
    if "at" in recorded:
        return recorded["at"] == found["at"]
    return recorded["in"] - RELATIVE_TTL_SLACK_S <= found["in"] <= recorded["in"]
