"""Every exception of pyasynq.

    PyasynqError
    ├── ConfigError (ValueError)
    │   └── FilterError
    ├── PayloadError (ValueError)
    ├── EnqueueError
    │   ├── DuplicateTaskError
    │   └── TaskIdConflictError
    ├── NotFoundError (LookupError)
    │   ├── QueueNotFoundError
    │   ├── TaskNotFoundError
    │   ├── HandlerNotFoundError
    │   └── EntryNotFoundError
    ├── StateError
    │   ├── QueueNotEmptyError
    │   ├── QueueAlreadyPausedError
    │   ├── QueueNotPausedError
    │   └── TaskStateError
    ├── ImportLineError
    ├── ServerStateError
    ├── TaskFailedError
    ├── ResultNotKeptError
    ├── ResultTimeoutError (TimeoutError)
    ├── BatchTimeoutError (TimeoutError)
    ├── HandlerProcessError
    ├── RedisUnavailableError (ConnectionError)
    │   └── NotReplicatedError
    └── IncompatibleRedisError

Control flow inside handlers, which is not an error of the library, is in control_flow.py.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from typing_extensions import override

from pyasynq.error_copies import as_it_is


class PyasynqError(Exception):
    """Base of every error that pyasynq raises; it can be pickled and copied."""

    __reduce__ = as_it_is


class ConfigError(PyasynqError, ValueError):
    """A setting, an option or an argument is wrong; nothing was changed.

    Attributes:
        faults: every fault found, one sentence each.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults

    @classmethod
    def raise_if(cls, faults: Iterable[str | None]) -> None:
        """Raise one error for all *faults*, if there are any; None stands for no fault."""
        found = tuple(fault for fault in faults if fault)
        if found:
            raise cls(*found)


class FilterError(ConfigError):
    """A filter, which says what tasks are meant, has a mistake.

    Attributes:
        query: the whole text of the filter.
        column: where the mistake is, from 1.
        hint: what to write instead; empty if that is clear.
    """

    def __init__(self, fault: str, *, hint: str, query: str, column: int) -> None:
        super().__init__(f"column {column} of the filter: {fault}{'; ' if hint else ''}{hint}")
        self.query = query
        self.column = column
        self.hint = hint


class PayloadError(PyasynqError, ValueError):
    """A payload or a stored message cannot be encoded or decoded.

    Attributes:
        path: the part of the JSON document, such as ``$.user_id``; empty if that is not known.
        task_type: the type of the task that was to be enqueued; empty if there is none.
        parameter: the parameter of its function; empty if that is not known.
        value: a short form of the value that does not fit; empty if it is unknown, secret or no
            single text or number. It is not in what is stored and logged for a failed task.
    """

    # Also for an error that another process has raised.
    path: str = ""
    task_type: str = ""
    parameter: str = ""
    value: str = ""

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path

    @override
    def __str__(self) -> str:
        return self._text(f" ({self.value})" if self.value else "")

    @property
    def text_without_value(self) -> str:
        """The text of the error without any part of the payload."""
        return self._text("")

    def _text(self, value: str) -> str:
        where = f"parameter {self.parameter!r} of " if self.parameter else ""
        call = f"; {where}task {self.task_type!r}" if self.task_type else ""
        return f"{super().__str__()}{value}{call}"


class EnqueueError(PyasynqError):
    """A task was not enqueued."""


class DuplicateTaskError(EnqueueError):
    """Another task holds the unique lock.

    Attributes:
        queue: the queue of both tasks.
        task_type: the type of both tasks.
        holder_id: ID of the task that holds the lock.
    """

    def __init__(self, *, queue: str, task_type: str, holder_id: str) -> None:
        super().__init__(
            f"a task of type {task_type!r} with the same unique key is in queue {queue!r} "
            f"(task {holder_id!r} holds the lock)"
        )
        self.queue = queue
        self.task_type = task_type
        self.holder_id = holder_id


class TaskIdConflictError(EnqueueError):
    """A task with this ID is already in the queue.

    Attributes:
        queue: the queue.
        task_id: the ID in question.
        state: state of the task that has the ID; empty if its record is damaged.
    """

    def __init__(self, *, queue: str, task_id: str, state: str) -> None:
        super().__init__(
            f"task {task_id!r} is already in queue {queue!r} (state {state!r}); "
            "delete it first or choose another task_id"
        )
        self.queue = queue
        self.task_id = task_id
        self.state = state


class NotFoundError(PyasynqError, LookupError):
    """What was asked for does not exist."""


class QueueNotFoundError(NotFoundError):
    """There is no such queue.

    Attributes:
        queue: the name.
        swapped_with: the name of a queue that was given as the ID of the task; empty otherwise.
    """

    swapped_with: str = ""  # also for an error that another process has raised

    def __init__(self, queue: str, *, swapped_with: str = "") -> None:
        hint = f"; it looks like queue and ID were swapped, since {swapped_with!r} is a queue"
        super().__init__(f"queue {queue!r} does not exist{hint if swapped_with else ''}")
        self.queue = queue
        self.swapped_with = swapped_with


class TaskNotFoundError(NotFoundError):
    """There is no such task in this queue.

    Attributes:
        queue: the queue that was searched.
        task_id: the ID.
    """

    def __init__(self, *, queue: str, task_id: str) -> None:
        super().__init__(f"task {task_id!r} is not in queue {queue!r}")
        self.queue = queue
        self.task_id = task_id


class HandlerNotFoundError(NotFoundError):
    """No handler is registered for the type of a task.

    The text is Go Asynq's, since its tools group failures by it.

    Attributes:
        task_type: the type.
    """

    def __init__(self, task_type: str) -> None:
        # asynq v0.26 servemux.go: NotFound returns `handler not found for task "<type>"`.
        super().__init__(f'handler not found for task "{task_type}"')
        self.task_type = task_type


class EntryNotFoundError(NotFoundError):
    """There is no such scheduler entry.

    Attributes:
        entry_id: the ID.
    """

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"scheduler entry {entry_id!r} does not exist")
        self.entry_id = entry_id


class StateError(PyasynqError):
    """The state of a queue or a task does not allow the call; nothing was changed.

    Attributes:
        state: the state that was found; for a queue "not empty", "paused" or "not paused".
        allowed: the states in which the call would work.
    """

    def __init__(self, message: str, *, state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.state = state
        self.allowed = allowed


class QueueNotEmptyError(StateError):
    """The queue still holds tasks.

    Attributes:
        queue: the queue.
        size: how many tasks it holds.
    """

    def __init__(self, *, queue: str, size: int) -> None:
        super().__init__(
            f"queue {queue!r} is not empty ({size} tasks); pass force=True to delete them",
            state="not empty",
            allowed=("empty",),
        )
        self.queue = queue
        self.size = size


class QueueAlreadyPausedError(StateError):
    """The queue is already paused.

    Attributes:
        queue: the queue.
    """

    def __init__(self, queue: str) -> None:
        super().__init__(
            f"queue {queue!r} is already paused", state="paused", allowed=("not paused",)
        )
        self.queue = queue


class QueueNotPausedError(StateError):
    """The queue is not paused.

    Attributes:
        queue: the queue.
    """

    def __init__(self, queue: str) -> None:
        super().__init__(f"queue {queue!r} is not paused", state="not paused", allowed=("paused",))
        self.queue = queue


class TaskStateError(StateError):
    """The task is in a state that does not allow the call.

    Attributes:
        task_id: the task.
        advice: what to do, or why it is so; empty if another state is all that is needed.
    """

    advice: str = ""  # also for an error that another process has raised

    def __init__(
        self, *, task_id: str, state: str, allowed: tuple[str, ...], advice: str = ""
    ) -> None:
        told = advice or f"this needs a task that is {' or '.join(allowed)}"
        super().__init__(f"task {task_id!r} is {state}; {told}", state=state, allowed=allowed)
        self.task_id = task_id
        self.advice = advice


class ImportLineError(PyasynqError):
    """A line of an import was not imported, and none after it; `line` is its number, from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line: int = line
        self.reason: str = reason


class ServerStateError(PyasynqError):
    """A server or a client is in a state that does not allow the call (running, closed)."""


class TaskFailedError(PyasynqError):
    """The task whose result was asked for is archived.

    Attributes:
        task_id: the task.
        error: the stored text of its last failure.
    """

    def __init__(self, *, task_id: str, error: str) -> None:
        super().__init__(f"task {task_id!r} failed: {error}")
        self.task_id = task_id
        self.error = error


class ResultNotKeptError(PyasynqError):
    """The result of the task does not exist, and often neither does the task.

    Attributes:
        task_id: the task.
        reason: why the result is not kept; empty if the task no longer exists.
    """

    def __init__(self, task_id: str, *, reason: str = "") -> None:
        super().__init__(
            f"the result of task {task_id!r} is not kept: {reason}"
            if reason
            else f"task {task_id!r} no longer exists: it was done without a retention, its "
            "retention is over, or it was deleted; set retention to keep results"
        )
        self.task_id = task_id
        self.reason = reason


class ResultTimeoutError(PyasynqError, TimeoutError):
    """The task did not end in time; it goes on.

    Attributes:
        task_id: the task.
        state: its last known state.
    """

    def __init__(self, *, task_id: str, state: str, timeout_s: float) -> None:
        super().__init__(f"task {task_id!r} is still {state} after {timeout_s:g} s")
        self.task_id = task_id
        self.state = state


class BatchTimeoutError(PyasynqError, TimeoutError):
    """Not all tasks of a batch have ended in time; they go on.

    Attributes:
        counts: how many are in each state, a `BatchCounts`.
    """

    def __init__(self, *, counts: Any, timeout_s: float) -> None:
        super().__init__(
            f"{counts.left} of {counts.total} tasks have not ended after {timeout_s:g} s"
        )
        self.counts = counts


class HandlerProcessError(PyasynqError):
    """The process of a handler ended before the handler did, or could not be started.

    Also raised in place of an exception whose class only that process knows, with its text.
    """


class RedisUnavailableError(PyasynqError, ConnectionError):
    """Redis did not answer, for as long as the call was allowed to try.

    Attributes:
        reason: what is wrong, without the rest of the text.
        tried: which call was tried and how often, as text.
        may_have_happened: whether a write was sent, but its answer was lost.
        hint: what to do about it, if that can be told; also at the end of the text.
        results: for `enqueue_many`: an EnqueueResult per task, None for a task that may or may not
            have been stored. For that of a task: the TaskInfo or the NotEnqueued of each call that
            was read, and None where that is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        tried: str = "",
        may_have_happened: bool = False,
        hint: str = "",
        results: Sequence[Any] = (),
    ) -> None:
        parts = [message]
        if tried:
            parts.append(tried)
        if may_have_happened:
            parts.append("the write may have happened")
        if hint:
            parts.append(hint)
        super().__init__("; ".join(parts))
        self.reason = message
        self.tried = tried
        self.may_have_happened = may_have_happened
        self.hint = hint
        self.results = results


class NotReplicatedError(RedisUnavailableError):
    """Redis has stored what was enqueued, but too few replicas had it in time.

    Only raised with ``durability=replicated``. It will be lost if Redis fails before the replicas
    have it, and is stored once if the call is repeated with the same task_id.

    Attributes:
        replicas: how many had it.
        wanted: how many should have had it.
        answer: what Redis has answered to the write.
    """

    def __init__(self, *, replicas: int, wanted: int, timeout_s: float, answer: Any = None) -> None:
        super().__init__(
            f"redis has stored it, but only {replicas} of {wanted} replicas had it within "
            f"{timeout_s:g} s: it is lost if redis fails before they have it; to repeat the call "
            "with the same task_id stores it once"
        )
        self.may_have_happened = True
        self.replicas = replicas
        self.wanted = wanted
        self.answer = answer


class IncompatibleRedisError(PyasynqError):
    """Redis lacks a command, a right or a setting that the call needs, or is out of memory.

    Attributes:
        needed: the command or the setting.
    """

    def __init__(self, message: str, *, needed: str = "") -> None:
        super().__init__(message)
        self.needed = needed
