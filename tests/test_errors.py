"""What errors know besides their text, and that they keep it wherever they go."""

import copy
import multiprocessing
import pickle
from datetime import timedelta

import pytest

from pyasynq import BatchCounts, control_flow, errors
from pyasynq.errors import (
    PyasynqError,
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


class OwnError(PyasynqError):
    """As an application may derive one."""

    def __init__(self, *, code):
        super().__init__(f"code {code}")
        self.code = code


MADE = [
    OwnError(code=3),
    errors.PyasynqError("text"),
    errors.ConfigError("one", "two"),
    errors.PayloadError("text", path="$.a"),
    errors.EnqueueError("text"),
    errors.DuplicateTaskError(queue="a", task_type="b", holder_id="c"),
    errors.TaskIdConflictError(queue="a", task_id="b", state="pending"),
    errors.NotFoundError("text"),
    errors.QueueNotFoundError("a"),
    errors.QueueNotFoundError("a", swapped_with="b"),
    errors.TaskNotFoundError(queue="a", task_id="b"),
    errors.HandlerNotFoundError("a"),
    errors.EntryNotFoundError("a"),
    errors.StateError("text", state="a", allowed=("b",)),
    errors.QueueNotEmptyError(queue="a", size=3),
    errors.QueueAlreadyPausedError("a"),
    errors.QueueNotPausedError("a"),
    errors.TaskStateError(task_id="a", state="b", allowed=("c", "d")),
    errors.ImportLineError(3, "why"),
    errors.ServerStateError("text"),
    errors.TaskFailedError(task_id="a", error="b"),
    errors.ResultNotKeptError("a"),
    errors.ResultTimeoutError(task_id="a", state="b", timeout_s=1),
    errors.BatchTimeoutError(counts=BatchCounts(pending=1), timeout_s=1),
    errors.HandlerProcessError("text"),
    errors.RedisUnavailableError("text", tried="a", may_have_happened=True, results=(1,)),
    errors.IncompatibleRedisError("text", needed="a"),
    errors.NotReplicatedError(replicas=0, wanted=1, timeout_s=1, answer=[None]),
    errors.FilterError("fault", hint="hint", query="a b", column=3),
    control_flow.SkipRetry("text"),
    control_flow.RevokeTask("text"),
    control_flow.RetryLater(3, "text"),
    control_flow.RetryLater(timedelta(seconds=3)),
]
WAYS = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
    "old pickle": lambda error: pickle.loads(pickle.dumps(error, protocol=0)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def test_every_error_is_among_those_that_are_made():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}

    assert {each for each in kinds if issubclass(each, Exception)} <= set(map(type, MADE))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", MADE, ids=repr)
def test_an_error_is_the_same_in_another_process(error, way):
    error.add_note("from the test")

    again = WAYS[way](error)

    assert type(again) is type(error)
    assert (str(again), again.args) == (str(error), error.args)
    assert vars(again) == vars(error)


def test_an_error_crosses_a_pool_of_processes():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(errors.DuplicateTaskError) as caught:
            pool.apply_async(raise_it, [MADE[5]]).get(timeout=60)

    assert caught.value.holder_id == "c"


def raise_it(error):
    raise error
