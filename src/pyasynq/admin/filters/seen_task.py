"""A task as somebody sees it from whom something is hidden: filters compare nothing else of it."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

from pyasynq.admin.redaction import Redactor, redacted_error, redacted_headers
from pyasynq.inspector.found_task import FoundTask


class SeenTask:
    """What may be shown of a task; each part is redacted when it is first asked for.

    Args:
        task: the task.
        redact: hides what must not be shown.
    """

    def __init__(self, task: FoundTask, redact: Redactor) -> None:
        self.id = task.id
        self._task = task
        self._redact = redact

    @property
    def type(self) -> str:
        """The task type."""
        return self._task.type

    @cached_property
    def payload(self) -> bytes:
        """What may be shown of the payload."""
        return self._redact("payload", self._task.payload)

    @cached_property
    def result(self) -> bytes:
        """What may be shown of the result; empty for none."""
        result = self._task.result
        return self._redact("result", result) if result else result

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """What may be shown of the headers."""
        return redacted_headers(self._task.headers, self._redact)

    @cached_property
    def last_error(self) -> str:
        """What may be shown of the text of the last failure."""
        return redacted_error(self._task.last_error, self._redact)


View = Callable[[FoundTask], SeenTask]


def view_of(redact: Redactor) -> View:
    """Return what makes of a task what a filter may compare.

    It remembers the last task, so that several comparisons redact it once.
    """
    return lru_cache(maxsize=1)(lambda task: SeenTask(task, redact))
