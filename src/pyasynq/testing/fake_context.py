"""A context for calling a handler directly, without a queue, a worker or Redis."""

import asyncio
import math
from contextvars import Token
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, cast

from typing_extensions import override

from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.clock import NANOSECONDS, Clock, SystemClock, to_ns
from pyasynq.errors import ConfigError
from pyasynq.options import DEFAULT_MAX_RETRY, Duration, EnqueueOptions, to_seconds
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import TaskMessage
from pyasynq.worker.attempt.running_task import DEFAULT_TIMEOUT_S, Ending, RunningTask
from pyasynq.worker.handlers.context import Scope, TaskContext, enter

A_TASK = Task("testing")


class FakeTaskContext(TaskContext):
    """A TaskContext that belongs to no worker; made by `task_context`.

    As a context manager it is what `current_context` returns inside the block.

    Attributes:
        results: what was given to `write_result` and `awrite_result`, in that order.
    """

    __slots__ = ("_entered", "results")

    def __init__(self, running: RunningTask, task: Task, scope: Scope) -> None:
        super().__init__(running, task, scope)
        self.results: list[bytes] = []
        self._entered: list[Token[TaskContext]] = []

    def cancel(self) -> None:
        """Let `is_cancelled` be true from now on."""
        self._running.ending = Ending.CANCELLED

    @override
    def write_result(self, result: bytes) -> None:
        """Add *result* to `results`.

        Raises:
            ConfigError: it is not bytes.
        """
        if not isinstance(result, bytes):
            raise ConfigError(f"a result must be bytes, not {type(result).__name__}")
        self.results.append(result)

    @override
    async def awrite_result(self, result: bytes) -> None:
        """Add *result* to `results`; like `write_result`."""
        self.write_result(result)

    def __enter__(self) -> Self:
        self._entered.append(enter(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        token = self._entered.pop()
        token.var.reset(token)


def task_context(
    task: Task = A_TASK,
    *,
    task_id: str = "testing",
    queue: str = "default",
    attempt: int = 1,
    max_retry: int = DEFAULT_MAX_RETRY,
    timeout: Duration = timedelta(seconds=DEFAULT_TIMEOUT_S),
    retention: Duration = 0,
    enqueued_at: datetime | None = None,
    state: Any = None,
    server_id: str = "testing",
    clock: Clock | None = None,
) -> FakeTaskContext:
    """Return a context for a direct call: ``resize(task_context(attempt=3), image)``.

    Args:
        task: type, payload and headers, such as ``resize.bind(image)``.
        attempt: from 1, up to ``max_retry + 1``.
        timeout: until the deadline, from now.
        retention: what ``ctx.retention`` is.
        enqueued_at: an aware datetime; now if not given.
        state: what ``ctx.state`` is, such as a fake of what the lifespan opens.
        server_id: what ``ctx.server_id`` is.
        clock: tells the time that is left; a `FakeClock` lets a test move it.

    Raises:
        ConfigError: names every wrong argument.
    """
    EnqueueOptions(  # checks them
        queue=queue, task_id=task_id, max_retry=max_retry, timeout=timeout, retention=retention
    )
    ConfigError.raise_if([_attempt_fault(attempt, max_retry)])
    clock = SystemClock() if clock is None else clock
    message = TaskMessage(
        type=task.type,
        payload=task.payload or b"",
        headers=task.headers,
        id=task_id,
        queue=queue,
        retry=max_retry,
        retried=attempt - 1,
        timeout=math.ceil(to_seconds(timeout)),
        retention=math.ceil(to_seconds(retention)),
    )
    running = _running(message, clock, enqueued_at, to_seconds(timeout))
    scope = Scope(
        server_id=server_id,
        clock=clock,
        loop=cast("asyncio.AbstractEventLoop", None),  # what would need it is overridden
        write_result=_no_writer,
        state=state,
    )
    return FakeTaskContext(running, task, scope)


def _attempt_fault(attempt: object, max_retry: int) -> str | None:
    """Return what is wrong with the number of an attempt; None if it is good."""
    if isinstance(attempt, bool) or not isinstance(attempt, int) or attempt < 1:
        return f"attempt must be a whole number from 1, not {attempt!r}"
    if attempt > max_retry + 1:
        return f"attempt {attempt} is one too many for max_retry={max_retry}"
    return None


def _running(
    message: TaskMessage, clock: Clock, enqueued_at: datetime | None, timeout_s: float
) -> RunningTask:
    now_ns = clock.redis_now_ns()
    since_ns = now_ns if enqueued_at is None else to_ns(enqueued_at)
    end_ns = now_ns + int(timeout_s * NANOSECONDS)
    return RunningTask(
        message=message,
        keys=queue_keys(message.queue),
        key=(message.queue, message.id),
        fence=Fence(owner="testing"),
        leased=Leased(task_id=message.id, data=b"", pending_since_ns=since_ns),
        started_ns=now_ns,
        deadline_ns=end_ns,
        ends_at=math.inf,
        lease_until_s=math.ceil(end_ns / NANOSECONDS),
    )


async def _no_writer(running: RunningTask, result: bytes) -> None:
    """Write nothing: FakeTaskContext keeps results itself."""
