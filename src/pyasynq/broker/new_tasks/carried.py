"""Headers that carry the context of a span with new tasks, and what a span is told of them."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.errors import DuplicateTaskError, PyasynqError, TaskIdConflictError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskDraft
from pyasynq.tracing import Ended, Span, Tracing
from pyasynq.wire.message import encoded_headers

REFUSALS = (DuplicateTaskError, TaskIdConflictError)
"""What a caller who asks for a lock or names an ID expects, and no span calls a failure."""


class Carried(msgspec.Struct, frozen=True, gc=False):
    """Headers that all tasks of one call carry, and their bytes."""

    headers: Mapping[str, str]
    encoded: bytes

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Return them with their bytes."""
        return cls(headers, encoded_headers(headers))


class CarryingTask(Task):
    """A task that carries the context of a span already."""

    __slots__ = ()


def carrying(task: Task, options: EnqueueOptions, headers: Mapping[str, str]) -> Task:
    """Return *task* with *options*, and with headers that carry the context of a span.

    A header of the user's own wins. A ``tracestate`` belongs to its ``traceparent``, so it is not
    added to one of the user's own.
    """
    own: Mapping[str, str] = task.headers
    if options.headers:
        own = {**own, **options.headers}
    draft: Any = TaskDraft()
    draft.type, draft.payload, draft.options = task.type, task.payload, options
    draft.headers = _added(headers, own) | dict(task.headers) if own else headers
    draft.__class__ = CarryingTask
    carrying_task: Task = draft
    return carrying_task


class Sending:
    """The span of a call that stores tasks; a block around the call ends it.

    Attributes:
        headers: what the tasks carry.
    """

    def __init__(self, span: Span) -> None:
        self._span = span
        self._ended = Ended()
        self.headers = span.headers

    @classmethod
    def one(
        cls, tracing: Tracing, task_type: str, queue: str, payload: bytes | None, address: str
    ) -> Self:
        """Begin the span of a call that stores one task."""
        size = len(payload or b"")
        span = tracing.enqueue(task_type=task_type, queue=queue, body_size=size, address=address)
        return cls(span)

    def stored(self, task_id: str) -> None:
        """Note that the task is stored."""
        self._ended = Ended(task_id=task_id)

    def stored_many(
        self, items: Sequence[PreparedTask], outcomes: Sequence[PyasynqError | None]
    ) -> None:
        """Note that *items* are stored, or why they are not.

        Of the errors the span is told one, a failure if there is one.
        """
        queues = {item.keys.queue for item in items}
        errors = [each for each in outcomes if each is not None]
        failures = [each for each in errors if not isinstance(each, REFUSALS)]
        self._ended = Ended(
            queue=queues.pop() if len(queues) == 1 else "",
            count=len(items),
            refused=len(errors),
            error=next(iter(failures or errors), None),
            is_failure=bool(failures),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._ended = Ended(error=error, is_failure=not isinstance(error, REFUSALS))
        self._span.end(self._ended)


def _added(headers: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name not in own and not (name == "tracestate" and "traceparent" in own)
    }
