"""What `App` and its decorators take as keyword arguments."""

from collections.abc import Sequence
from typing import Literal

from pyasynq.options import OptionKeywords
from pyasynq.retry import IsFailure, RetryDelay
from pyasynq.worker.handlers.mux import OnInvalidResult

OnInvalidPayload = Literal["retry", "archive"]


class TaskKeywords(OptionKeywords, total=False):
    """What `App.task` takes: the options of every enqueue, and how the task is run.

    Attributes:
        retry_delay: (times retried, error, task) → wait before the next attempt.
        is_failure: whether an exception counts as a failure.
        on_invalid_payload: what becomes of a task whose payload does not fit: "retry", since
            another version of the code may understand it, or "archive" at once.
        on_invalid_result: what becomes of a task whose work is done, but whose result cannot be
            stored: "complete" it without a result, or "archive" it.
        max_deferrals: how many RetryLater in a row are granted; None for any number.
        aliases: other types that the same function handles, such as its old name.
        executor: "process" runs the function in a process of its own, which is killed when the
            task times out or is cancelled: for work that keeps a CPU busy.
    """

    retry_delay: RetryDelay | None
    is_failure: IsFailure | None
    on_invalid_payload: OnInvalidPayload | None
    on_invalid_result: OnInvalidResult | None
    max_deferrals: int | None
    aliases: Sequence[str]
    executor: Literal["process"] | None
