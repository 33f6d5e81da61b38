"""A task this server holds.

A task is held from its dequeue until Redis has its outcome. Meanwhile the heartbeat, in a thread
of its own, extends its lease. Whatever both threads touch is a plain attribute or one operation on
a dict, which the interpreter makes atomic.
"""

from enum import Enum
from hashlib import sha1
from typing import Protocol

import msgspec

from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.clock import EARLIEST_S, LATEST_S, NANOSECONDS
from pyasynq.tracing import Span
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage

DEFAULT_TIMEOUT_S = 1800  # of a message with neither timeout nor deadline
EARLIEST_NS, LATEST_NS = EARLIEST_S * NANOSECONDS, LATEST_S * NANOSECONDS


class Ending(Enum):
    """Why a running handler is asked to end."""

    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    LEASE_LOST = "lease lost"
    SHUTDOWN = "shutdown"


class Cancellable(Protocol):
    """What runs a handler."""

    def cancel(self) -> object:
        """Ask the handler to end, or never start it."""


class RunningTask(msgspec.Struct, eq=False):
    """A task this server holds.

    Set at the dequeue:
        message: the task as it was dequeued.
        keys: keys of the queue it was found in; never built from the message.
        key: the name of that queue, and the ID found there.
        fence: names the dequeue that brought it, whose other tasks share it.
        leased: what the dequeue answered, message bytes included.
        started_ns: when its handler starts, in the time of Redis.
        deadline_ns: when its handler must have ended, in the time of Redis.
        ends_at: the same in the time of the event loop, which never jumps.
        started_at: *started_ns* by `Clock.monotonic`.

    Set by the heartbeat:
        lease_until_s: until when nobody else may take the task, in whole seconds of Redis.

    Set while the handler runs:
        handle: cancels the handler: its asyncio task, or its call in a thread.
        is_watched: its deadline is watched.
        span: of this attempt; None if nobody traces it.
        ending: why the handler is asked to end, if it is.
        asked_to_end_at: since when, in the time of the event loop.
        written_result: what the handler wrote as its result so far.
        result_fault: why what the handler returned cannot be stored; None if it can be.
        has_ended: its handler has really ended, so its slot is free.

    Set when its outcome is decided, and until it is written:
        is_settled: its outcome is decided; a later one is ignored.
        ended_at: when that was, by `Clock.monotonic`; 0 if its handler has not started.
        error: what the attempt failed with, kept only while somebody listens for events.
        is_write_repeated: a final write was sent whose answer was lost.
        refusals: how often Redis has refused the outcome of this task.
    """

    message: TaskMessage
    keys: QueueKeys
    key: "TaskKey"
    fence: Fence
    leased: Leased
    started_ns: int
    deadline_ns: int
    ends_at: float
    lease_until_s: int
    started_at: float = 0.0
    handle: Cancellable | None = None
    is_watched: bool = False
    span: Span | None = None
    ending: Ending | None = None
    asked_to_end_at: float | None = None
    written_result: bytes | None = None
    result_fault: str | None = None
    has_ended: bool = False
    is_settled: bool = False
    ended_at: float = 0.0
    error: BaseException | None = None
    is_write_repeated: bool = False
    refusals: int = 0

    @property
    def queue(self) -> str:
        """The queue it was found in."""
        return self.key[0]

    @property
    def task_id(self) -> str:
        """The ID it was found by."""
        return self.key[1]

    @property
    def owner(self) -> str:
        """The token of the dequeue that brought it."""
        return self.fence.owner

    @property
    def ended_ns(self) -> int:
        """When its outcome was decided, in the time of Redis; 0 if its handler has not started."""
        if not self.ended_at:
            return 0
        return self.started_ns + int((self.ended_at - self.started_at) * NANOSECONDS)

    def fence_at(self, now_ns: int) -> Fence:
        """Return what must still be true of the task when its outcome is written.

        Go never rewrites the owner, so a write that may be late or repeated also compares the
        message, which a recovery rewrites.
        """
        if not self.is_write_repeated and now_ns < self.lease_until_s * NANOSECONDS:
            return self.fence
        digest = sha1(self.leased.data, usedforsecurity=False).hexdigest()
        return Fence(owner=self.owner, digest=digest)


TaskKey = tuple[str, str]
"""The queue of a task and its ID, which together name it."""

Held = dict[TaskKey, RunningTask]
"""The tasks that a server holds."""


def deadline_ns(message: TaskMessage, now_ns: int) -> int:
    """Return when an attempt that starts now must end.

    asynq v0.26 processor.go computeDeadline: the earlier of timeout and deadline; a message with
    neither gets 30 minutes. What no datetime can hold becomes the nearest that one can.
    """
    timeout_s, deadline_s = message.timeout, message.deadline
    if not deadline_s:
        end_ns = now_ns + (timeout_s or DEFAULT_TIMEOUT_S) * NANOSECONDS
    elif timeout_s:
        end_ns = min(now_ns + timeout_s * NANOSECONDS, deadline_s * NANOSECONDS)
    else:
        end_ns = deadline_s * NANOSECONDS
    if EARLIEST_NS <= end_ns <= LATEST_NS:
        return end_ns
    return EARLIEST_NS if end_ns < EARLIEST_NS else LATEST_NS
