"""Operations about Redis itself: does it answer, does it hold certain keys, what it reports."""

from collections.abc import Sequence
from typing import Any

from pyasynq.broker.decoding import text
from pyasynq.broker.operation import Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import IncompatibleRedisError
from pyasynq.wire.keys import QueueKeys, queue_keys

OLDEST = 5  # before, a script that asked for the time could not write any more
CHECKED_KEYS = 16  # two servers: all on one of them by chance once in 32,000 times

PING: Operation[None] = Operation("PING", (), (), ignore, Repeat.SAFE)


def redis_time() -> Operation[int]:
    """Ask Redis for its time, in nanoseconds since the epoch."""
    return Operation("TIME", (), (), _time_ns, Repeat.SAFE)


def server_checks(namespace: str) -> list[Operation[str]]:
    """Check that Redis can run our scripts and is not too old.

    Each operation fails with an IncompatibleRedisError if not. They are called by different keys of
    one queue, and all return the same name of the server if a proxy honours hash tags; "" where
    that is not known.
    """
    prefix, script = queue_keys("check", namespace).task_prefix, load("check_server")
    return [
        # The number stands in the middle: hashes of keys that end otherwise may be close.
        Operation(script, (f"{prefix}{number}:server",), (prefix,), _check, Repeat.SAFE)
        for number in range(CHECKED_KEYS)
    ]


def exists_any(keys: Sequence[str]) -> Operation[bool]:
    """Return whether any of the keys exists, of whichever queues; not for a cluster."""
    return Operation("EXISTS", tuple(keys), (), bool, Repeat.SAFE)


def exists_any_of_node(keys: Sequence[str]) -> Operation[bool]:
    """Return whether any of the keys exists, all of which one node of a cluster serves."""
    return Operation(load("exists_any"), (keys[0],), tuple(keys), bool, Repeat.SAFE)


def redis_info() -> Operation[dict[str, str]]:
    """Read what Redis reports about itself (INFO), as text."""
    return Operation("INFO", (), (), _info, Repeat.SAFE)


def redis_info_text() -> Operation[str]:
    """Read what Redis reports about itself (INFO), as it writes it."""
    return Operation("INFO", (), (), _as_written, Repeat.SAFE)


def cluster_info_text() -> Operation[str]:
    """Read what a node reports about its cluster (CLUSTER INFO), as it writes it."""
    return Operation("CLUSTER", (), ("INFO",), _as_written, Repeat.SAFE)


def cluster_nodes_text() -> Operation[str]:
    """Read which nodes a cluster has (CLUSTER NODES), as a node of it writes them."""
    return Operation("CLUSTER", (), ("NODES",), _as_written, Repeat.SAFE)


def memory_info() -> Operation[dict[str, str]]:
    """Read what Redis reports about its memory; not for a cluster, where any node would answer."""
    return Operation("INFO", (), ("memory",), _info, Repeat.SAFE)


def memory_info_of(keys: QueueKeys) -> Operation[dict[str, str]]:
    """Read what the node of a queue reports about its memory; nothing if that is not permitted."""
    return Operation(load("memory_limit"), (keys.pending,), (), _memory, Repeat.SAFE)


def cluster_info() -> Operation[dict[str, str]]:
    """Read what a node reports about its cluster (CLUSTER INFO), as text."""
    return Operation("CLUSTER", (), ("INFO",), _info, Repeat.SAFE)


def key_slot(keys: QueueKeys) -> Operation[int]:
    """Ask a node of a cluster for the slot of all keys of a queue."""
    return Operation("CLUSTER", (), ("KEYSLOT", keys.pending), int, Repeat.SAFE)


def slots() -> Operation[list[tuple[int, int, list[tuple[str, str, int]]]]]:
    """Read which nodes serve which slots: first slot, last slot, (ID, host, port) of each node.

    The first node of a range is its primary.
    """
    return Operation("CLUSTER", (), ("SLOTS",), _slots, Repeat.SAFE)


def _slots(reply: Any) -> list[tuple[int, int, list[tuple[str, str, int]]]]:
    return [
        (first, last, [(text(node[2]), text(node[0]), node[1]) for node in nodes])
        for first, last, *nodes in reply
    ]


def _time_ns(reply: Any) -> int:
    seconds, microseconds = reply
    # Envoy answers with all microseconds since the epoch.
    return int(seconds) * NANOSECONDS + int(microseconds) % 1_000_000 * 1000


def _check(reply: Any) -> str:
    version, fault, server = map(text, reply)
    if fault:
        raise IncompatibleRedisError(
            f"redis lets no script use keys that it does not declare: {fault}; allow undeclared "
            "keys, or use another redis",
            needed="undeclared keys",
        )
    if version and int(version.partition(".")[0] or OLDEST) < OLDEST:
        raise IncompatibleRedisError(
            f"this redis has version {version}, which is too old; use {OLDEST}.0 or newer, best "
            "6.2 or newer",
            needed=f"redis {OLDEST}.0",
        )
    return server


def _memory(reply: Any) -> dict[str, str]:
    return dict(zip(("maxmemory", "maxmemory_policy"), map(text, reply), strict=False))


def _info(reply: Any) -> dict[str, str]:
    if isinstance(reply, dict):
        return {_text(name): _text(value) for name, value in reply.items()}
    lines = (line.split(":", 1) for line in text(reply).split("\r\n") if line.count(":") >= 1)
    return {line[0]: line[1] for line in lines if not line[0].startswith("#")}


def _as_written(reply: Any) -> str:
    return _text(reply or b"")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
