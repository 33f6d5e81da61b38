"""What happens to tasks, and the functions that listen to it.

    started      its handler is about to run
    succeeded    it is done, or completed
    failed       an attempt failed; `retried` or `archived` follows
    retried      it runs again later, after a failure
    deferred     it runs again later, since its handler raised RetryLater
    archived     it is kept for a person to look at
    dropped      it is deleted without success: revoked, expired, or cancelled with then="drop"
    requeued     it is back at the front of its queue, since the server stops
    lost         its lease ended while it ran: another worker may have it
    recovered    its worker is gone; `retried` or `archived` follows

The notifier publishes each apart from the work, in the process it happened in.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

import msgspec

from pyasynq.errors import ConfigError
from pyasynq.spelling import nearest
from pyasynq.task import Task
from pyasynq.worker.handlers.function_form import form_fault, is_coroutine_function, name_of
from pyasynq.worker.handlers.redefinition import is_redefined

EventName = Literal[
    "started",
    "succeeded",
    "failed",
    "retried",
    "deferred",
    "archived",
    "dropped",
    "requeued",
    "lost",
    "recovered",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)

_OTHER_NAMES = {  # of other task queues
    "completed": "succeeded",
    "done": "succeeded",
    "error": "failed",
    "failure": "failed",
    "prerun": "started",
    "revoked": "dropped",
    "start": "started",
    "success": "succeeded",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent:
    """Something that happened to one task.

    Attributes:
        name: what, such as "archived".
        task: type, payload and headers; the type is empty where the message cannot be read.
        task_id: ID of the task, unique in its queue.
        queue: the queue it was found in.
        attempt: number of the attempt that this is about, from 1.
        max_retry: how often the task may be retried.
        at: when the server knew of it: all but `started`, `lost` and what it refused to start
            once it was in Redis.
        error: what the handler raised, or what stands for it (its time was up, it was cancelled,
            its worker is gone); None if nothing failed.
        retry_at: when the task runs again, of `retried` and `deferred`.
        server_id: ID of the server where it happened.
        state: what `TaskContext.state` is.
    """

    name: EventName
    task: Task
    task_id: str
    queue: str
    attempt: int
    max_retry: int
    at: datetime
    error: BaseException | None = None
    retry_at: datetime | None = None
    server_id: str
    state: Any = None

    @property
    def task_type(self) -> str:
        """Type of the task."""
        return self.task.type


ListenerFunction = Callable[[TaskEvent], Awaitable[object] | object]
F = TypeVar("F", bound=ListenerFunction)


class Listener(msgspec.Struct, frozen=True, eq=False):
    """A function, and the events it is called for.

    Attributes:
        is_async: it runs on the event loop; else in a thread.
    """

    function: ListenerFunction
    names: frozenset[EventName]
    is_async: bool

    @property
    def label(self) -> str:
        """How the log calls it."""
        named = getattr(self.function, "__qualname__", None) or type(self.function).__qualname__
        return f"{getattr(self.function, '__module__', '?')}.{named}"


class Listeners:
    """Listeners in the order of their registration."""

    def __init__(self) -> None:
        self._all: list[Listener] = []

    def __iter__(self) -> Iterator[Listener]:
        return iter(self._all)

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, listener: Listener) -> None:
        """Take *listener*, made by `register`, along; its old version is dropped."""
        self._all = [
            each
            for each in self._all
            if each.names != listener.names or not is_redefined(each.function, listener.function)
        ]
        self._all.append(listener)

    def register(self, names: tuple[EventName, ...]) -> Callable[[F], F]:
        """Register the decorated function for the events called *names*.

        Raises:
            ConfigError: a name is wrong or given twice, there is none, or the function is of
                another form.
        """
        ConfigError.raise_if(_name_faults(names))

        def register(function: F) -> F:
            ConfigError.raise_if([form_fault("a listener", function, "def listener(event)", 1)])
            self.add(Listener(function, frozenset(names), is_coroutine_function(function)))
            return function

        return register


def _name_faults(names: tuple[object, ...]) -> Iterator[str]:
    known = ", ".join(map(repr, EVENT_NAMES))
    if not names:
        yield f"name the events to listen for: {known}"
    for position, name in enumerate(names):
        if name not in EVENT_NAMES:
            yield f"{_shown(name)} is not an event; {_hint(name) or f'events are {known}'}"
        elif name in names[:position]:
            yield f"event {name!r} is named twice"


def _shown(name: object) -> str:
    """Return *name* for a text; `@app.on` without a call gives the function itself."""
    return f"the function {name_of(name)!r}" if callable(name) else repr(name)


def _hint(name: object) -> str | None:
    """Return what to write instead of *name*; None if nothing is known."""
    if callable(name):
        return 'write `@app.on("failed")` above it'
    if isinstance(name, list | tuple | set) and name and all(each in EVENT_NAMES for each in name):
        return f"write `@app.on({', '.join(map(repr, name))})`"
    if not isinstance(name, str):
        return None
    plain = name.lower().removeprefix("on_").removeprefix("task_")
    near = _OTHER_NAMES.get(plain) or nearest(plain, EVENT_NAMES)
    return f"did you mean {near!r}?" if near else None
