"""All that is in a Redis, so that two of them can be compared."""

from typing import Any

import redis

from pyasynq.wire import message

PASSING_FIELDS = {b"pending_since", b"owner", b"process_at_ns", b"deferred"}


def dump(client: redis.Redis) -> dict[str, Any]:
    """Return the value of every key; messages are decoded."""
    return {key.decode(): _value(client, key) for key in sorted(client.keys())}


def _value(client: redis.Redis, key: bytes) -> Any:
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
        case b"hash":
            fields = client.hgetall(key)
            if b"msg" in fields:
                fields[b"msg"] = message.decode(fields[b"msg"])
            return fields
    return None
