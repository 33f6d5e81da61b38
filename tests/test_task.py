"""Tasks and what is known of them are data: they can be copied, pickled and hashed."""

import copy
import dataclasses
import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.options import EnqueueOptions
from pyasynq.task import NO_HEADERS, EnqueueResult, Task, TaskInfo, TaskState, stored_task
from pyasynq.wire.message import TaskMessage, decode, encode

INFO = TaskInfo(
    id="i",
    queue="q",
    type="t",
    payload=b"p",
    headers=NO_HEADERS,
    state=TaskState.PENDING,
    max_retry=3,
)
DATA = [
    Task("t"),
    Task("t", b"p", headers={"a": "b"}),
    Task("t", options=EnqueueOptions(queue="q", timeout=timedelta(1), headers={"a": "b"})),
    stored_task("t", b"p", NO_HEADERS),
    INFO,
    dataclasses.replace(INFO, headers={"a": "b"}, deadline=datetime(2030, 1, 1, tzinfo=UTC)),
    EnqueueResult(info=INFO),
    EnqueueOptions(headers={"a": "b"}, process_in=3),
]


@pytest.mark.parametrize("value", DATA, ids=repr)
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_equal_and_has_the_same_hash(value, copied):
    other = copied(value)

    assert other == value
    assert hash(other) == hash(value)
    assert {value: 1}[other] == 1


@pytest.mark.parametrize("value", DATA, ids=repr)
def test_it_becomes_a_dict_that_can_be_pickled(value):
    described = dataclasses.asdict(value)

    assert pickle.loads(pickle.dumps(described)) == described


def test_no_headers_become_a_plain_dict():
    described = dataclasses.asdict(INFO)

    assert type(described["headers"]) is dict
    assert json.dumps(described["headers"]) == "{}"


def test_the_headers_that_all_tasks_share_cannot_be_filled():
    headers = Task("t").headers

    for change in (
        lambda: headers.__setitem__("a", "b"),
        lambda: headers.update(a="b"),
        lambda: headers.setdefault("a", "b"),
        lambda: headers.__ior__({"a": "b"}),
    ):
        with pytest.raises(TypeError, match="make a task with other headers"):
            change()
    assert Task("t").headers == {}


def test_tasks_without_headers_share_one_object_whatever_becomes_of_them():
    message = decode(encode(TaskMessage(type="t", id="i")))

    assert message.headers is NO_HEADERS
    assert copy.deepcopy(NO_HEADERS) is NO_HEADERS
    assert pickle.loads(pickle.dumps(NO_HEADERS)) is NO_HEADERS


def test_different_tasks_are_different_members_of_a_set():
    assert len({Task("t"), Task("t"), Task("t", b"p"), Task("u")}) == 3
