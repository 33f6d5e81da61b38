"""An operation on Redis, described but not executed.

Pure functions of this package return operations; a runner executes them. So every step can be
tested without Redis, a batch is a list, and a cluster routes by the first key alone.
"""

from collections.abc import Callable
from enum import Enum
from hashlib import sha1
from typing import Any, Generic, TypeVar

import msgspec

Argument = bytes | str | int
Decoder = Callable[[Any], Any]
T = TypeVar("T")

_READS = frozenset(
    {
        *(
            "CLUSTER",
            "CONFIG",
            "EXISTS",
            "GET",
            "HGET",
            "HGETALL",
            "HMGET",
            "HVALS",
            "INFO",
            "LLEN",
        ),
        *(
            "LRANGE",
            "MEMORY USAGE",
            "MGET",
            "PING",
            "PUBSUB",
            "SCAN",
            "ZSCORE",
            "PTTL",
            "SISMEMBER",
            "SMEMBERS",
            "SSCAN",
            "TIME",
        ),
        *("ZCARD", "ZRANGE", "ZREVRANGE", "ZSCORE"),
    }
)
_WRITES_NOTHING = "-- Writes: nothing\n"


class Repeat(Enum):
    """What the runner may do when the answer to an operation was lost."""

    SAFE = "safe"  # a second run leaves the same state and gives the same answer
    BY_TOKEN = "by_token"  # noqa: S105 - not a password; a second run recognises the first by an ID, an owner or a digest
    NEVER = "never"  # the caller must find out what happened


class Script(msgspec.Struct, frozen=True):
    """A Lua script, and the digest by which Redis knows it.

    Attributes:
        is_write: whether it changes anything; its header says so.
    """

    name: str
    source: str
    digest: str
    is_write: bool = True

    @classmethod
    def of(cls, name: str, source: str) -> "Script":
        """Return the script with its digest."""
        digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
        return cls(name, source, digest, _WRITES_NOTHING not in source)


class Operation(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """One atomic step.

    Attributes:
        call: a script, or the words of a plain command (its keys, then its arguments follow).
        keys: all in one slot of a cluster; the first one decides which node is called.
        args: all other arguments.
        decode: returns the result for a reply, or raises the exception for it.
        repeat: whether the call may be repeated if its answer is lost.
        decode_repeated: decodes the reply to a repeated BY_TOKEN call, instead of *decode*.
    """

    call: Script | str
    keys: tuple[str, ...]
    args: tuple[Argument, ...]
    decode: Callable[[Any], T]
    repeat: Repeat
    decode_repeated: Callable[[Any], T] | None = None

    @property
    def name(self) -> str:
        """Name of the script or the command, for logs and errors."""
        return self.call if isinstance(self.call, str) else self.call.name

    @property
    def is_write(self) -> bool:
        """Whether it changes anything in Redis, or publishes something."""
        return self.call not in _READS if isinstance(self.call, str) else self.call.is_write


def ignore(reply: Any) -> None:
    """Decode a reply that carries no information."""
    del reply
