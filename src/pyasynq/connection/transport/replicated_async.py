"""A connection whose writes are only answered once replicas have them, or have not in time (WAIT).

WAIT goes out behind the writes, over the same connection and in the same round trip. What it says
holds for all that was written over that connection before. A write whose answer was lost came over
another one. So after a loss a key is written for a second behind each write, since newer servers
wait for nothing where nothing was written.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from pyasynq.connection.transport.multiplexed import MultiplexedConnection
from pyasynq.connection.transport.replies import (
    Command,
    Refusal,
    Replication,
    Trouble,
    Unreplicated,
)
from pyasynq.connection.transport.wrong_settings import NO_REPLICAS, NO_WAIT

OnAnswer = Callable[[int], object]

CHECK_MS = 500  # a replica that is in step says so at once
HURRIED_MS = 50  # who only counts what is missing waits no longer after the first time
UNSURE_S = 60.0  # for which a call may be repeated whose answer was lost
MARK = ":x:written"
MARK_MS = 1000
_READS = frozenset({"PING", "TIME"})
_DENIED = "unknown command", "unsupported command", "no permissions", "can't run this command"


class AsyncReplicatedConnection:
    """Sends commands over *connection*, and WAIT behind those that write.

    Args:
        on_answer: called with the number of replicas that have what was written, each time. Without
            it `Unreplicated` takes the place of the answers where they are too few.
    """

    def __init__(
        self,
        connection: MultiplexedConnection,
        replication: Replication,
        *,
        on_answer: OnAnswer | None = None,
    ) -> None:
        self._connection = connection
        self._replication = replication
        self._on_answer = on_answer
        self._is_checked = self._is_hurried = False
        self._unsure_until = 0.0

    async def exchange(
        self, commands: Sequence[Command], *, limit_s: float | None = None
    ) -> list[Any]:
        """Send *commands* and return the replies, as the connection itself does."""
        if all(command[0] in _READS for command in commands):
            return await self._connection.exchange(commands, limit_s=limit_s)
        if not self._is_checked and (trouble := await self._check(limit_s)):
            return [trouble] * len(commands)
        marks = self._marks(commands) if time.monotonic() < self._unsure_until else []
        sent = [*commands, *marks, self._wait()]
        found = await self._connection.exchange(sent, limit_s=limit_s)
        replies, count = found[: len(commands)], found[-1]
        if not isinstance(count, int):
            return self._lost(replies, count)
        if self._on_answer is not None:
            self._is_hurried = count < self._replication.replicas
            self._on_answer(count)
            return replies
        if count >= self._replication.replicas:
            return replies
        return [
            reply if isinstance(reply, Refusal) else Unreplicated(reply, count) for reply in replies
        ]

    async def close(self) -> None:
        """Close the connection; safe to repeat."""
        await self._connection.close()

    async def retire(self) -> None:
        """Take no more commands, and close when no call waits any more."""
        await self._connection.retire()

    def _wait(self) -> Command:
        timeout_ms = HURRIED_MS if self._is_hurried else int(self._replication.timeout_s * 1000)
        return ("WAIT", self._replication.replicas, max(1, timeout_ms))

    def _marks(self, commands: Sequence[Command]) -> list[Command]:
        """Return a write beside the first key of a script."""
        keys = (each[3] for each in commands if each[0] in ("EVALSHA", "EVAL"))
        key = next(keys, None)
        return [] if key is None else [("SET", f"{_text(key)}{MARK}", "1", "PX", MARK_MS)]

    def _lost(self, replies: Sequence[Any], why: object) -> list[Any]:
        """Return what stands for replies where nothing is known of the replicas."""
        self._unsure_until = time.monotonic() + UNSURE_S
        if isinstance(why, Refusal) and _is_denied(why):
            return [Unreplicated(reply, 0) for reply in replies]
        # The server that has written may be gone, so the call is to be made again.
        return [
            reply if isinstance(reply, Refusal | Trouble) else Trouble(why, was_sent=True)
            for reply in replies
        ]

    async def _check(self, limit_s: float | None) -> Trouble | None:
        """Return why no write can ever be waited for; None if it can, or if that is not known."""
        wait = ("WAIT", self._replication.replicas, CHECK_MS)
        count, info = await self._connection.exchange(
            [wait, ("INFO", "replication")], limit_s=limit_s
        )
        if isinstance(count, Trouble):
            return count
        if isinstance(count, Refusal):
            return Trouble(f"{NO_WAIT}: {count}", was_sent=False) if _is_denied(count) else None
        # Who has lost its replicas, or was one, keeps a backlog for them.
        if count == 0 and isinstance(info, bytes) and b"repl_backlog_active:0" in info:
            return Trouble(NO_REPLICAS, was_sent=False)
        self._is_checked = True
        return None


def _is_denied(refusal: Refusal) -> bool:
    return any(words in str(refusal).lower() for words in _DENIED)


def _text(key: Any) -> str:
    return key.decode("utf-8", "surrogateescape") if isinstance(key, bytes) else str(key)
