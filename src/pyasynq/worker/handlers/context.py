"""What a handler knows about the task it runs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, ContextVar, Token
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol

import msgspec
from typing_extensions import TypeVar

from pyasynq.clock import NANOSECONDS, Clock, to_datetime, to_span
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.task import Task
from pyasynq.wire.progress import ProgressRecord, record_of
from pyasynq.worker.attempt.running_task import RunningTask


class AnyState(Any):  # type: ignore[misc]  # it stands for Any, as said below
    """The state of a plain ``TaskContext``, for type checkers: whatever one does with it is right.

    Any itself as the default would let mypy lose the types of every task that takes a context,
    since then it cannot tell which overload of `App.task` is meant.
    """


# Contravariant, so that a function that takes a plain TaskContext may be given any: AnyState fits
# in every type, and no other type fits in AnyState.
State = TypeVar(  # noqa: PLC0105 - users see the name
    "State", contravariant=True, default=AnyState
)

_current: ContextVar["TaskContext[Any]"] = ContextVar("pyasynq_task_context")
_aggregated: ContextVar[tuple[str, str]] = ContextVar("pyasynq_aggregated_group")


class WriteResult(Protocol):
    """Stores a result of a running task at once."""

    def __call__(self, running: RunningTask, result: bytes) -> Coroutine[Any, Any, None]:
        """Store *result*; runs on the loop of the scope."""


def _report_nowhere(running: RunningTask, record: ProgressRecord) -> None:
    del running, record


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What all handlers of one server share.

    Attributes:
        report: takes the progress of a task, in any thread; it is written soon.
        is_only_slot: no task runs beside another one, here or elsewhere, as in a test, which looks
            at every result.
    """

    server_id: str
    clock: Clock
    loop: asyncio.AbstractEventLoop
    write_result: WriteResult
    report: Callable[[RunningTask, ProgressRecord], None] = _report_nowhere
    state: Any = None
    is_only_slot: bool = False


class TaskContext(Generic[State]):
    """The running task, as its handler and the middlewares see it; made by the worker.

    ``TaskContext[Resources]`` tells type checkers that `state` is a Resources, which nothing checks
    at run time; a plain ``TaskContext`` has a state of any type.

    Attributes:
        task: type, payload and headers.
    """

    __slots__ = ("_running", "_scope", "task")

    def __init__(self, running: RunningTask, task: Task, scope: Scope) -> None:
        self._running = running
        self._scope = scope
        self.task: Task = task

    @property
    def task_id(self) -> str:
        """ID of the task, unique in its queue."""
        return self._running.leased.task_id

    @property
    def task_type(self) -> str:
        """Type of the task."""
        return self._running.message.type

    @property
    def queue(self) -> str:
        """Queue the task was fetched from."""
        return self._running.keys.queue

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the task."""
        return self._running.message.headers

    @property
    def retry_count(self) -> int:
        """How often the task was retried so far, from 0."""
        return self._running.message.retried

    @property
    def attempt(self) -> int:
        """Number of this attempt, from 1."""
        return self._running.message.retried + 1

    @property
    def max_retry(self) -> int:
        """How often the task may be retried."""
        return self._running.message.retry

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure of this attempt archives the task."""
        return self._running.message.retried >= self._running.message.retry

    @property
    def enqueued_at(self) -> datetime | None:
        """When the task became pending; None if Redis does not know, as after a requeue."""
        since_ns = self._running.leased.pending_since_ns
        return None if since_ns is None else to_datetime(since_ns)

    @property
    def is_cancelled(self) -> bool:
        """Whether the handler should end: out of time, cancelled, lease lost, or a shutdown.

        Async handlers are also cancelled; plain functions should look at this now and then.
        """
        return self._running.ending is not None

    @property
    def deadline(self) -> datetime:
        """When this attempt must have ended."""
        return to_datetime(self._running.deadline_ns)

    @property
    def retention(self) -> timedelta:
        """How long the completed task will be kept; zero for not at all."""
        return to_span(self._running.message.retention)

    @property
    def state(self) -> State:  # type: ignore[misc]  # contravariant, as said above
        """What the server's lifespan yielded, or its `base_state`."""
        state: State = self._scope.state
        return state

    @property
    def server_id(self) -> str:
        """ID of the server that runs the task."""
        return self._scope.server_id

    def remaining(self) -> timedelta:
        """Return the time left until the deadline; zero once it has passed."""
        left_ns = self._running.deadline_ns - self._scope.clock.redis_now_ns()
        return to_span(max(0, left_ns) / NANOSECONDS)

    def write_result(self, result: bytes) -> None:
        """Store *result* at once, as progress; for plain functions, which run in a thread.

        It is kept as the result if the handler returns None and the task has a retention. Safe
        to repeat; the last one counts.

        Raises:
            ConfigError: *result* is not bytes.
            ServerStateError: called on the event loop; await `awrite_result` there.
            RedisUnavailableError: it may or may not be stored.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            write = self._writing(result)
            asyncio.run_coroutine_threadsafe(write, self._scope.loop).result()
        else:
            raise ServerStateError(
                "write_result would block the event loop; use `await ctx.awrite_result(...)`"
            )

    async def awrite_result(self, result: bytes) -> None:
        """Store *result* at once, as progress; for coroutine functions; see `write_result`.

        Works on any event loop, also on one that a plain function runs in its thread.
        """
        write, loop = self._writing(result), self._scope.loop
        if asyncio.get_running_loop() is loop:
            await write
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(write, loop))

    def progress(self, done: float, total: float | None = None, note: str | None = None) -> None:
        """Tell how far the handler is, for `TaskHandle.progress` and other readers.

        Works in coroutine functions, threads and processes, and returns at once: the latest
        report of a task is written about once a second, and the last one before the task ends.
        So it may be called for every row of a file. What cannot be written is left out; a task
        that was taken over by another worker writes nothing.

        Args:
            done: how much is done, in any unit, from 0.
            total: how much there is, in the same unit; None if that is not known.
            note: what is being done, for people; cut after 1,024 bytes.

        Raises:
            ConfigError: an argument is of another type, or no number from 0 to 2**53.
        """
        record = record_of(
            done, total, note, attempt=self.attempt, now_ns=self._scope.clock.redis_now_ns()
        )
        if isinstance(record, str):
            raise ConfigError(record)
        self._scope.report(self._running, record)

    def _writing(self, result: bytes) -> Coroutine[Any, Any, None]:
        if not isinstance(result, bytes):
            raise ConfigError(f"a result must be bytes, not {type(result).__name__}")
        return self._scope.write_result(self._running, result)


def current_context() -> TaskContext[Any]:
    """Return the context of the task that the caller works for.

    Works anywhere below a handler, also in the tasks and threads that inherit its context.

    Raises:
        LookupError: called outside a handler.
    """
    try:
        return _current.get()
    except LookupError:
        raise LookupError("no task is running here; call this inside a handler") from None


def context_here() -> TaskContext[Any] | None:
    """Return the context of the task that the caller works for, if there is one."""
    return _current.get(None)


def aggregated_here() -> tuple[str, str] | None:
    """Return the queue and the group that the caller aggregates, if it does."""
    return _aggregated.get(None)


def enter_group(queue: str, group: str) -> None:
    """Let what this asyncio task calls from now on be an aggregation of *group*."""
    _aggregated.set((queue, group))


def waiting_fault(queue: str, task_id: str) -> tuple[str, bool] | None:
    """Return what is wrong with waiting here for a task, and whether it would never end.

    None outside of a handler, where nothing is wrong with it.
    """
    context = _current.get(None)
    if context is None:
        return None
    if (context.queue, context.task_id) == (queue, task_id):
        return "a task cannot wait for its own result, since it is not done before", True
    if context._scope.is_only_slot:  # noqa: SLF001 - of this file
        return (
            "waiting for a task inside a task never ends here, where one task runs after the "
            "other; let the first task enqueue what follows"
        ), True
    return (
        "waiting for a task inside a task keeps a slot taken, and nothing runs once every slot "
        "waits; let the first task enqueue what follows"
    ), False


def is_different(left: Context, entered: Context) -> bool:
    """Whether a variable of *entered* is not the very same object in *left*.

    The variable for the context of the running task does not count.
    """
    for variable, value in entered.items():
        if left.get(variable, entered) is not value and variable is not _current:
            return True
    return False


def is_kept(context: TaskContext) -> bool:
    """Whether what the handler returns is looked at; cheaper than to ask for `retention`."""
    return context._running.message.retention > 0 or context._scope.is_only_slot  # noqa: SLF001


def running_of(context: TaskContext) -> RunningTask:
    """Return what the server knows of the task of *context*; for pyasynq itself."""
    return context._running  # noqa: SLF001 - not for users


def is_only_slot(context: TaskContext) -> bool:
    """Whether no task runs beside that of *context*; for pyasynq itself."""
    return context._scope.is_only_slot  # noqa: SLF001 - not for users


def clock_of(context: TaskContext) -> Clock:
    """Return the clock by which *context* tells the time; for pyasynq itself."""
    return context._scope.clock  # noqa: SLF001 - not for users


enter: Callable[[TaskContext], Token[TaskContext]] = _current.set
"""Makes a context the current one of this asyncio task."""


def stateless(context: TaskContext) -> TaskContext:
    """Return *context* without a state, as a handler in a process sees it, and make it current."""
    scope = msgspec.structs.replace(context._scope, state=None)  # noqa: SLF001 - of this file
    bare: TaskContext = TaskContext(running_of(context), context.task, scope)
    enter(bare)
    return bare


def enter_span(context: TaskContext) -> None:
    """Make a context the current one, and the span of its task the current span."""
    enter(context)
    span = context._running.span  # noqa: SLF001 - of this file
    if span is not None:
        span.enter()
