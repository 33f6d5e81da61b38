"""What errors know besides their text."""

import pytest

from pyasynq.errors import (
    QueueAlreadyPausedError,
    QueueNotEmptyError,
    QueueNotPausedError,
    StateError,
    TaskStateError,
)


@pytest.mark.parametrize(
    ("error", "state", "allowed", "text"),
    [
        (
            QueueNotEmptyError(queue="mail", size=12),
            "not empty",
            ("empty",),
            "queue 'mail' is not empty (12 tasks); pass force=True to delete them",
        ),
        (
            QueueAlreadyPausedError("mail"),
            "paused",
            ("not paused",),
            "queue 'mail' is already paused",
        ),
        (QueueNotPausedError("mail"), "not paused", ("paused",), "queue 'mail' is not paused"),
        (
            TaskStateError(task_id="a", state="active", allowed=("retry", "archived")),
            "active",
            ("retry", "archived"),
            "task 'a' is active; this needs a task that is retry or archived",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, StateError) else "",
)
def test_a_state_error_names_the_state_and_those_that_are_allowed(error, state, allowed, text):
    assert isinstance(error, StateError)
    assert (error.state, error.allowed, str(error)) == (state, allowed, text)
