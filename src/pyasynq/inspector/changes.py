"""What can be done to several tasks at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from pyasynq.errors import ConfigError
from pyasynq.inspector.verdicts import ARCHIVABLE, DELETABLE, MOVABLE, RUNNABLE
from pyasynq.options import CancelThen, cancel_fault, moment_fault
from pyasynq.task import TaskState

Verb = Literal["run", "archive", "delete", "cancel", "reschedule"]

ALLOWED: dict[Verb, tuple[str, ...]] = {
    "run": RUNNABLE,
    "archive": ARCHIVABLE,
    "delete": DELETABLE,
    "cancel": ("active",),
    "reschedule": MOVABLE,
}
"""The states in which a task allows each change."""


class TaskRef(NamedTuple):
    """A task that is to be changed.

    Attributes:
        queue: its queue.
        id: its ID.
        state: the state in which it must be; None for any that allows the change.
    """

    queue: str
    id: str
    state: TaskState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be done to tasks.

    Attributes:
        verb: run, archive, delete, cancel or reschedule; see the methods of these names.
        at: for reschedule: when the tasks are due, an aware datetime.
        then: for cancel: what becomes of the tasks.

    Raises:
        ConfigError: there is no such verb, or *at* or *then* is wrong or missing.
    """

    verb: Verb
    at: datetime | None = None
    then: CancelThen = "retry"

    def __post_init__(self) -> None:
        is_moving = self.verb == "reschedule"
        ConfigError.raise_if(
            [
                None if self.verb in ALLOWED else f"verb must be one of {', '.join(ALLOWED)}",
                cancel_fault(self.then),
                moment_fault("at", self.at) if is_moving else None,
                "only reschedule takes at" if self.at is not None and not is_moving else None,
            ]
        )

    @property
    def allowed(self) -> tuple[str, ...]:
        """The states in which a task allows it."""
        return ALLOWED[self.verb]
