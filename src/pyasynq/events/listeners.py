"""Which functions listen for which events."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Protocol, TypeVar, overload

import msgspec
from msgspec.structs import replace

from pyasynq.errors import ConfigError
from pyasynq.events.event import (
    EVENT_NAMES,
    PERIODIC_EVENTS,
    Event,
    EventName,
    PeriodicEvent,
    PeriodicEventName,
    TaskEvent,
    TaskEventName,
    WorkerEvent,
    WorkerEventName,
)
from pyasynq.functions.form import form_fault, is_coroutine_function, name_of
from pyasynq.functions.redefinition import is_redefined
from pyasynq.spelling import nearest

L = TypeVar("L", bound=Callable[..., object])
F = TypeVar("F", bound=Callable[[Event], object])
S = TypeVar("S", bound=Callable[[TaskEvent | WorkerEvent], object])
T = TypeVar("T", bound=Callable[[TaskEvent], object])
W = TypeVar("W", bound=Callable[[WorkerEvent], object])
P = TypeVar("P", bound=Callable[[PeriodicEvent], object])
"""A listener of any event, of those of a server, of tasks, of workers, of periodic tasks."""

_OTHER_NAMES = {  # of other task queues
    "completed": "succeeded",
    "done": "succeeded",
    "error": "failed",
    "failure": "failed",
    "prerun": "started",
    "revoked": "dropped",
    "shutdown": "worker_stopped",
    "start": "started",
    "startup": "worker_started",
    "success": "succeeded",
    "worker_ready": "worker_started",
    "worker_shutdown": "worker_stopped",
}


class OnEvent(Protocol):
    """Registers a listener, of which a type checker knows the event by its name."""

    @overload
    def __call__(self, name: TaskEventName, /, *more: TaskEventName) -> Callable[[T], T]: ...

    @overload
    def __call__(self, name: WorkerEventName, /, *more: WorkerEventName) -> Callable[[W], W]: ...

    @overload
    def __call__(
        self, name: PeriodicEventName, /, *more: PeriodicEventName
    ) -> Callable[[P], P]: ...

    @overload
    def __call__(self, *names: EventName) -> Callable[[F], F]: ...

    def __call__(self, *names: Any) -> Any:
        """Call the decorated function for the events called *names*."""


class Listener(msgspec.Struct, frozen=True, eq=False):
    """A function, and the events it is called for.

    Attributes:
        is_async: it runs on the event loop; else in a thread.
    """

    function: Callable[[Any], object]
    names: frozenset[EventName]
    is_async: bool

    @property
    def label(self) -> str:
        """How the log calls it."""
        named = getattr(self.function, "__qualname__", None) or type(self.function).__qualname__
        return f"{getattr(self.function, '__module__', '?')}.{named}"


class Listeners:
    """Listeners in the order of their registration.

    Args:
        owner: how one calls what has them: "app", "mux" or "scheduler".
        names: the events that happen there.
    """

    def __init__(self, owner: str = "app", names: tuple[EventName, ...] = EVENT_NAMES) -> None:
        self._owner = owner
        self._names = names
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

    def take(self, others: Iterable[Listener]) -> None:
        """Take all of *others* along, also those for events that do not happen here."""
        for each in others:
            self.add(each)

    def of(self, names: Collection[EventName]) -> list[Listener]:
        """Return those that listen for some of *names*, each for these alone."""
        return [
            replace(each, names=each.names.intersection(names))
            for each in self._all
            if not each.names.isdisjoint(names)
        ]

    def on(self, *names: Any) -> Any:
        """Register the decorated function; see `register`."""
        return self.register(names)

    def register(self, names: tuple[EventName, ...]) -> Callable[[L], L]:
        """Register the decorated function for the events called *names*.

        Raises:
            ConfigError: a name is wrong or given twice, there is none, or the function is of
                another form.
        """
        ConfigError.raise_if(_name_faults(names, self._names, self._owner))

        def register(function: L) -> L:
            ConfigError.raise_if([form_fault("a listener", function, "def listener(event)", 1)])
            self.add(Listener(function, frozenset(names), is_coroutine_function(function)))
            return function

        return register


def _name_faults(
    names: tuple[object, ...], here: tuple[EventName, ...], owner: str
) -> Iterator[str]:
    known = ", ".join(map(repr, here))
    if not names:
        yield f"name the events to listen for: {known}"
    for position, name in enumerate(names):
        if _is_among(name, EVENT_NAMES) and name not in here:
            yield f"event {name!r} does not happen here; {_place_of(name)}"
        elif not _is_among(name, here):
            hint = _hint(name, here, owner) or f"events are {known}"
            yield f"{_shown(name)} is not an event; {hint}"
        elif name in names[:position]:
            yield f"event {name!r} is named twice"


def _is_among(name: object, names: tuple[EventName, ...]) -> bool:
    return isinstance(name, str) and name in names


def _place_of(name: object) -> str:
    """Return where one listens for an event that happens elsewhere."""
    if name in PERIODIC_EVENTS:
        return f"listen for it with `scheduler.on({name!r})`, or of an App with `app.on({name!r})`"
    return f"listen for it with `mux.on({name!r})`, or of an App with `app.on({name!r})`"


def _shown(name: object) -> str:
    """Return *name* for a text; `@app.on` without a call gives the function itself."""
    return f"the function {name_of(name)!r}" if callable(name) else repr(name)


def _hint(name: object, here: tuple[EventName, ...], owner: str) -> str | None:
    """Return what to write instead of *name*; None if nothing is known."""
    if callable(name):
        example = "failed" if "failed" in here else here[-1]
        return f'write `@{owner}.on("{example}")` above it'
    if isinstance(name, list | tuple | set) and name and all(_is_among(one, here) for one in name):
        return f"write `@{owner}.on({', '.join(map(repr, name))})`"
    if not isinstance(name, str):
        return None
    plain = name.lower().removeprefix("on_").removeprefix("task_")
    near = _OTHER_NAMES.get(plain)
    if near not in here:
        near = nearest(plain, here)
    return f"did you mean {near!r}?" if near else None
