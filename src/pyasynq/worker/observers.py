"""The stream of what happens to the tasks of a server: who is called with it, and when.

    on_start        a handler is about to start
    on_settle       what becomes of a task is decided; Redis does not know yet
    on_outcomes     what became of some tasks of one queue is in Redis: each is final
    on_recovered    the server of a task is gone, and what becomes of the task is in Redis

Measures, the recorder of history and statistics, listeners and the log of tasks stand on it; a
further one is one more `Observer` in the list of `assemble`. All is called on the event loop, in
the order of that list, and must return at once and never raise: it is called for each task.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec

import msgspec

from pyasynq.wire.message import TaskMessage
from pyasynq.worker.attempt.outcome import Outcome
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.attempt.writes import Settled

P = ParamSpec("P")

OnStart = Callable[[RunningTask], None]
OnSettle = Callable[[RunningTask, Outcome], None]
OnOutcomes = Callable[[Sequence[Settled]], None]
OnRecovered = Callable[[str, str, TaskMessage, Outcome], None]
"""(queue, ID, message, what became of the task)"""


class Observer(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of a server wants to be called with; None for what it does not want.

    Attributes:
        keeps_errors: `RunningTask.error` is to be there when an outcome is in Redis. The last one
            that wants it forgets the error, which knows its frames, and they the task.
    """

    on_start: OnStart | None = None
    on_settle: OnSettle | None = None
    on_outcomes: OnOutcomes | None = None
    on_recovered: OnRecovered | None = None
    keeps_errors: bool = False


def together(observers: Iterable[Observer]) -> Observer:
    """Return one observer that calls all of them in their order."""
    given = tuple(observers)
    return Observer(
        on_start=_all(each.on_start for each in given),
        on_settle=_all(each.on_settle for each in given),
        on_outcomes=_all(each.on_outcomes for each in given),
        on_recovered=_all(each.on_recovered for each in given),
        keeps_errors=any(each.keeps_errors for each in given),
    )


def each_of(call: OnSettle) -> OnOutcomes:
    """Return what calls *call* with each task of a batch and its outcome."""

    def call_each(settled: Sequence[Settled]) -> None:
        for running, outcome in settled:
            call(running, outcome)

    return call_each


def _all(calls: Iterable[Callable[P, None] | None]) -> Callable[P, None] | None:
    """Return what calls each of *calls* that is one; None if none is."""
    given = [call for call in calls if call is not None]
    if len(given) <= 1:
        return given[0] if given else None

    def call_all(*args: P.args, **kwargs: P.kwargs) -> None:
        for call in given:
            call(*args, **kwargs)

    return call_all
