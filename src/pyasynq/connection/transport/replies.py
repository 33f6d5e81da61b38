"""What both kinds of connections send and receive: packed commands, and replies or errors."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import hiredis

Argument = bytes | str | int
Command = tuple[Argument, ...]

_pack: Any = hiredis.pack_command  # its types know tuples of one only


class Refusal(Exception):  # noqa: N818 - a reply of the server, never raised
    """An error that the server answered; its text begins with the server's code for it."""


class Trouble(Exception):  # noqa: N818 - stands for a reply, never raised
    """A call that brought no answer; *was_sent*: the server may have executed it."""

    def __init__(self, cause: object, *, was_sent: bool) -> None:
        super().__init__(str(cause))
        self.was_sent = was_sent


class Replication(NamedTuple):
    """How many replicas are to have a write before it is answered, and for how long to wait."""

    replicas: int
    timeout_s: float

    def within(self, limit_s: float | None) -> "Replication":
        """Return what to wait for in a call that may take *limit_s*, so that it ends in time."""
        timeout_s = self.timeout_s if limit_s is None else min(self.timeout_s, 0.8 * limit_s)
        return self._replace(timeout_s=timeout_s)


class Unreplicated:
    """Stands for a *reply* to a write that only *count* replicas had in time."""

    __slots__ = ("count", "reply")

    def __init__(self, reply: Any, count: int) -> None:
        self.reply: Any = reply
        self.count: int = count


def is_read_only(reply: object) -> bool:
    """Return whether the server answered that it is a replica."""
    # Redis 6 puts the code of an error inside a script somewhere in the middle.
    return type(reply) is Refusal and "READONLY" in str(reply)


def is_silence(reply: object) -> bool:
    """Return whether a call ended without an answer because the server was silent for too long."""
    text = str(reply)
    return type(reply) is Trouble and ("no answer within" in text or "imeout" in text)


MISSING = object()  # what a reader returns while a reply is not complete


def new_reader() -> hiredis.Reader:
    """Return a parser of replies; errors come out as `Refusal`."""
    return hiredis.Reader(replyError=Refusal, notEnoughData=MISSING)


class Reader(Protocol):
    """What a connection needs of a parser of replies."""

    def feed(self, data: bytes, /) -> object:
        """Take what has arrived."""

    def gets(self) -> Any:
        """Return the next reply; `MISSING` if it has not arrived as a whole."""

    def has_data(self) -> bool:
        """Return whether there is more than the replies that were taken."""


class AnnouncementReader:
    """A parser for a server that also sends what nobody asked for (RESP3 push messages).

    Args:
        on_announcement: called with the parts of each of them, in their order among the replies.
    """

    def __init__(self, on_announcement: Callable[[Sequence[Any]], None]) -> None:
        self._on_announcement = on_announcement
        self._reader = new_reader()

    def feed(self, data: bytes, /) -> None:
        """Take what has arrived."""
        self._reader.feed(data)

    def gets(self) -> Any:
        """Return the next reply; `MISSING` if it has not arrived as a whole."""
        while type(reply := self._reader.gets()) is hiredis.PushNotification:
            self._on_announcement(reply)
        return reply

    def has_data(self) -> bool:
        """Return False: the rest of an announcement may still be under way."""
        return False


def packed(commands: Sequence[Command]) -> bytes:
    """Return the bytes that *commands* are sent as."""
    try:
        if len(commands) == 1:
            data: bytes = _pack(commands[0])
            return data
        return b"".join([_pack(command) for command in commands])
    except UnicodeEncodeError:
        # An ID that is not UTF-8 is text with surrogates here, and is sent as the same bytes.
        return b"".join(
            [
                _pack(
                    tuple(
                        each.encode("utf-8", "surrogateescape") if isinstance(each, str) else each
                        for each in command
                    )
                )
                for command in commands
            ]
        )
