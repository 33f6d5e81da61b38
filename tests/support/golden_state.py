"""The whole content of Redis as a value: recorded, loaded, dumped, compared."""

from collections.abc import Iterator
from typing import Any

import redis

from tests.support.golden_data import blob

RELATIVE_TTL_SLACK_S = 3
# EXPIRETIME, which tells the same, is known from Redis 7.0.
EXPIRES_AT = """
local function expires_at(key)
  local left_ms = redis.call("PTTL", key)
  if left_ms < 0 then
    return -1
  end
  local now = redis.call("TIME")
  return math.floor(now[1] + now[2] / 1e6 + left_ms / 1000 + 0.5)
end
"""
EXPIRY = f"{EXPIRES_AT}return expires_at(KEYS[1])"
WHOLE = """
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
  found[#found + 1] = {key, kind, value, expires_at(key), redis.call("TTL", key)}
end
return found
"""
DUMP = EXPIRES_AT + WHOLE

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
    """Read all of it in one call of each node: one by one, thousands of keys take a client long."""
    state: State = {}
    for key, kind, value, at, left in _of_all_nodes(client, DUMP):
        expiry = None if at == -1 else {"at": at, "in": left}
        state[key] = (kind.decode(), _dumped(kind, value), expiry)
    return state


def _of_all_nodes(client: redis.Redis, script: str) -> list[Any]:
    if not isinstance(client, redis.RedisCluster):
        return list(client.eval(script, 0))
    answers = client.execute_command("EVAL", script, 0, target_nodes=client.PRIMARIES)
    return [row for rows in answers.values() for row in rows]


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


def expires_at(client: redis.Redis, key: str) -> int:
    """Return the second at which a key expires; -1 for never."""
    return int(client.eval(EXPIRY, 1, key))


def same_expiry(recorded: dict[str, int] | None, found: dict[str, int] | None) -> bool:
    if recorded is None or found is None:
        return recorded is found
    if "at" in recorded:
        return recorded["at"] == found["at"]
    return recorded["in"] - RELATIVE_TTL_SLACK_S <= found["in"] <= recorded["in"]
