"""What pyasynq tells about its work so that others can follow a task through all programs.

Nothing here imports OpenTelemetry; what makes spans with it is `pyasynq.opentelemetry`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

BAGGAGE = "baggage"  # of the W3C: a list with commas, which several programs may add to

Headers = Mapping[str, str]
"""Headers of a task, among them those that carry the context of a span."""


class Trace(NamedTuple):
    """Where the running code is in a trace.

    Attributes:
        trace_id: 32 hexadecimal digits in lower case.
        span_id: likewise 16.
    """

    trace_id: str
    span_id: str


def current_trace() -> Trace | None:
    """Return the trace and the span in which the caller runs; None if there are none.

    The span may have been made by pyasynq, by the application, or by any instrumentation. It takes
    no time to speak of in a program that does not use OpenTelemetry, which this never imports.
    """
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    try:
        context = api.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}")
    except Exception:  # noqa: BLE001 - a span of the application's own class may do anything
        return None


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a task that a worker has to do with.

    Attributes:
        headers: of the task.
        payload: of the task; nobody shows it who was not asked to.
        attempt: the number of this attempt, from 1.
        wait_s: for how long it was pending; None if that is not known.
        server_id: of the worker.
        address: where Redis is, as "host:port"; empty if that is not one address.
        is_apart: told in a process of its own that runs the handler; what becomes of the attempt
            is decided by the worker.
    """

    type: str
    queue: str
    id: str
    headers: Headers
    payload: bytes
    attempt: int
    max_retry: int
    wait_s: float | None = None
    server_id: str = ""
    address: str = ""
    is_apart: bool = False


class TickFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a tick of a periodic task.

    Attributes:
        type: of the task; `queue`: where it goes; `body_size`: of its payload, in bytes.
        entry_id: of the periodic task.
        key: what its user has named it; empty if nothing.
        spec: when it ticks, as it was written, such as ``*/5 * * * *`` or ``@every 90s``.
        timezone: the name of the zone whose clock counts, such as ``Asia/Shanghai``.
    """

    type: str
    queue: str
    body_size: int
    entry_id: str
    key: str
    spec: str
    timezone: str


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How something ended for which there is a span.

    Attributes:
        outcome: what became of the attempt, as one word; empty for what is not an attempt.
        error: what was raised; None if nothing was.
        is_failure: whether that is a failure, and not an answer that a caller expects.
        task_id: of the task that was stored; empty if there is none, or more than one.
        queue: that of all tasks; empty if they are in several.
        count: how many tasks there were; None for a call that has one.
        refused: how many of them were not stored.
        retry_at_ns: when the task runs again, in nanoseconds of Unix time; None if it does not.
        delay_s: how long that is from now.
        reason: why it was put off, in the words of its handler.
    """

    outcome: str = ""
    error: BaseException | None = None
    is_failure: bool = True
    task_id: str = ""
    queue: str = ""
    count: int | None = None
    refused: int = 0
    retry_at_ns: int | None = None
    delay_s: float = 0.0
    reason: str = ""


class Span(Protocol):
    """A span that has begun. No method raises, whatever happens to the span."""

    @property
    def headers(self) -> Headers:
        """What a task carries so that its attempts continue the trace; empty for nothing."""

    def enter(self) -> Callable[[], None]:
        """Make it the current span of the caller's context; return what undoes that."""

    def end(self, ended: Ended) -> None:
        """End it; called once at most. A span that is not ended is never shown."""


class Tracing(Protocol):
    """Makes spans of what happens to tasks. No method raises."""

    def enqueue(self, *, task_type: str, queue: str, body_size: int, address: str) -> Span:
        """Begin the span of a call that stores one task; its parent is the current span."""

    def enqueue_many(self, *, task_type: str, queue: str, address: str) -> Span:
        """Begin the span of a call that stores many tasks; its parent is the current span.

        Args:
            task_type: that of all tasks; empty if they are not of one series.
            queue: likewise.
        """

    def tick(self, task: TickFacts) -> Span:
        """Begin the span of a tick that enqueues a task; it begins a trace."""

    def process(self, task: TaskFacts) -> Span:
        """Begin the span of an attempt; its parent is the span that the task carries."""

    def aggregate(
        self, *, queue: str, group: str, members: Sequence[Headers], address: str
    ) -> Span:
        """Begin the span of a call of an aggregator, linked with the spans of the members."""

    def recover(self, task: TaskFacts, ended: Ended) -> None:
        """Make the span of a recovery, beside those of the attempts of the task."""


class Companion(Tracing, Protocol):
    """A tracing that is told of everything besides the one that was given, and reports itself."""

    def flush(self) -> None:
        """Send what waits to be sent, before the process ends; takes a few seconds at most."""


class NoSpan:
    """What stands for a span where none is made."""

    headers: ClassVar[Headers] = {}

    def enter(self) -> Callable[[], None]:
        """Leave the context as it is."""
        return lambda: None

    def end(self, ended: Ended) -> None:
        """Tell nobody."""


STARTS = ("enqueue", "enqueue_many", "tick", "process", "aggregate", "recover")
_default: list[Tracing | None] = [None]
_companions: list[Companion] = []


def set_default(tracing: Tracing | None) -> None:
    """Trace whatever is made from now on and is given no tracing of its own."""
    _default[0] = tracing


def add_companion(tracing: Companion) -> None:
    """Tell *tracing* of whatever is made from now on, besides that which it is given."""
    _companions.append(tracing)


def companions() -> Sequence[Companion]:
    """Return what was added by `add_companion`, in that order."""
    return _companions


def chosen(given: Tracing | None) -> Tracing | None:
    """Return the tracing that was given, else the default one, with all companions.

    Returns:
        None for no tracing.
    """
    own = _default[0] if given is None else given
    if not _companions:
        return own
    every = _companions if own is None else [own, *_companions]
    return every[0] if len(every) == 1 else _Together(every)


class _Together:
    """Several tracings as one; see `Tracing`."""

    def __init__(self, every: Sequence[Tracing]) -> None:
        self._every = tuple(every)

    def enqueue(self, **facts: Any) -> Span:
        return _Spans([each.enqueue(**facts) for each in self._every])

    def enqueue_many(self, **facts: Any) -> Span:
        return _Spans([each.enqueue_many(**facts) for each in self._every])

    def tick(self, task: TickFacts) -> Span:
        return _Spans([each.tick(task) for each in self._every])

    def process(self, task: TaskFacts) -> Span:
        return _Spans([each.process(task) for each in self._every])

    def aggregate(self, **facts: Any) -> Span:
        return _Spans([each.aggregate(**facts) for each in self._every])

    def recover(self, task: TaskFacts, ended: Ended) -> None:
        for each in self._every:
            each.recover(task, ended)


class _Spans:
    """The spans of several tracings as one; see `Span`."""

    __slots__ = ("_every",)

    def __init__(self, every: Sequence[Span]) -> None:
        self._every = every

    @property
    def headers(self) -> Headers:
        """Those of all; of one header the first wins, but a baggage has the entries of all."""
        merged: dict[str, str] = {}
        for each in self._every:
            for name, value in each.headers.items():
                if name == BAGGAGE and name in merged:
                    merged[name] += f",{value}"
                merged.setdefault(name, value)
        return merged

    def enter(self) -> Callable[[], None]:
        leaves = [each.enter() for each in self._every]

        def leave() -> None:
            for each in reversed(leaves):
                each()

        return leave

    def end(self, ended: Ended) -> None:
        for each in self._every:
            each.end(ended)


def tracing_fault(given: object) -> str | None:
    """Return what is wrong with a ``tracing`` argument; None if it is good."""
    if given is None or (
        not isinstance(given, type) and all(callable(getattr(given, each, None)) for each in STARTS)
    ):
        return None
    what = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
    return f"tracing must be OpenTelemetry(), of pyasynq.opentelemetry, or None, not {what}"
