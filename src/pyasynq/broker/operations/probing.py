"""Operations that find out what a Redis can do. They write only to keys that soon expire.

The commands of one operation cannot be told apart by its answer, so each thing is asked alone.
"""

from collections.abc import Sequence
from typing import Any

from pyasynq.broker.decoding import text
from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.wire.keys import GlobalKeys, global_keys

KEPT_MS = 10_000  # for which a key that was written lives, if it is not deleted before
BLOCK_S = "0.01"


def try_command(key: str, command: Sequence[Argument]) -> Operation[str]:
    """Let a script call a command; answers the error of Redis, empty for none.

    Args:
        key: one that nobody else uses; it expires soon.
        command: its words, the key among them.
    """
    return Operation(load("try_command"), (key,), (KEPT_MS, *command), text, Repeat.SAFE)


def try_set(key: str) -> Operation[None]:
    """Write a key that expires soon, by a plain command."""
    return Operation("SET", (key,), ("1", "PX", KEPT_MS), ignore, Repeat.SAFE)


def try_delete(keys: Sequence[str]) -> Operation[None]:
    """Delete keys of one slot."""
    return Operation("DEL", tuple(keys), (), ignore, Repeat.SAFE)


def try_blocking(key: str) -> Operation[None]:
    """Wait for a moment until a list has something, as an idle worker does."""
    return Operation("BLMOVE", (key, key), ("RIGHT", "RIGHT", BLOCK_S), ignore, Repeat.SAFE)


def read_setting(name: str) -> Operation[str | None]:
    """Read a setting of the server; None if it has none of this name."""

    def decode(reply: Any) -> str | None:
        pairs = (
            reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
        )
        return next((text(value) for value in pairs.values()), None)

    return Operation("CONFIG", (), ("GET", name), decode, Repeat.SAFE)


def count_subscribers(channel: str) -> Operation[int]:
    """Count who listens to a channel of this server."""
    arguments = ("NUMSUB", channel)
    return Operation("PUBSUB", (), arguments, lambda reply: int(reply[1]), Repeat.SAFE)


def node_id() -> Operation[str]:
    """Ask a node of a cluster for its ID."""
    return Operation("CLUSTER", (), ("MYID",), text, Repeat.SAFE)


def scan_keys(cursor: int, *, pattern: str, count: int) -> Operation[tuple[int, list[str]]]:
    """Answer the next cursor, 0 at the end, and some keys of one server."""
    return Operation(
        "SCAN",
        (),
        (cursor, "MATCH", pattern, "COUNT", count),
        lambda reply: (int(reply[0]), [text(each) for each in reply[1]]),
        Repeat.SAFE,
    )


def list_index(index: str, *, namespace: str, limit: int) -> Operation[list[tuple[str, float]]]:
    """List the members of "servers" or "schedulers", and when each expires in Unix seconds.

    The latest come first. What is over is listed, too; a member of another kind is left out.
    """
    keys: GlobalKeys = global_keys(namespace)
    key: str = getattr(keys, index)

    def decode(reply: Any) -> list[tuple[str, float]]:
        pairs = [(text(reply[at]), float(reply[at + 1])) for at in range(0, len(reply), 2)]
        return [pair for pair in pairs if pair[0].startswith(f"{key}:{{")]

    return Operation("ZREVRANGE", (key,), (0, limit - 1, "WITHSCORES"), decode, Repeat.SAFE)


def has_score(key: str, member: str) -> Operation[bool]:
    """Answer whether a sorted set has a member."""
    return Operation("ZSCORE", (key,), (member,), lambda reply: reply is not None, Repeat.SAFE)


def exists(key: str) -> Operation[bool]:
    """Answer whether a key exists."""
    return Operation("EXISTS", (key,), (), bool, Repeat.SAFE)
