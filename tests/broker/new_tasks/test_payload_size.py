"""Large payloads are logged, and too large ones refused."""

import logging

import pytest

from pyasynq.broker.new_tasks import payload_size, prepare
from pyasynq.broker.new_tasks.payload_size import PayloadSizes
from pyasynq.errors import ConfigError
from pyasynq.task import Task
from tests.support.builders import make_prepared


def texts(caplog):
    return [(each.levelno, each.getMessage()) for each in caplog.records]


def test_a_payload_up_to_the_limit_is_not_logged(caplog):
    sizes = PayloadSizes(3)

    for payload in (None, b"", b"123"):
        sizes.check("email", payload)

    assert texts(caplog) == []


def test_a_larger_one_is_logged_once_for_each_type_with_what_to_do(caplog):
    sizes = PayloadSizes(3)

    for task_type in ("email", "email", "image"):
        sizes.check(task_type, b"1234")

    assert [level for level, _text in texts(caplog)] == [logging.WARNING] * 2
    assert texts(caplog)[0][1] == (
        "a payload of task type 'email' has 4 bytes, more than max_payload_size (3); "
        "store the data elsewhere and enqueue a reference to it, or raise max_payload_size"
    )


def test_so_many_types_are_logged_and_no_more(caplog, monkeypatch):
    monkeypatch.setattr(payload_size, "MOST_TYPES", 2)
    sizes = PayloadSizes(3)

    for number in range(9):
        sizes.check(f"type {number}", b"1234")

    assert len(texts(caplog)) == 2


def test_a_payload_that_no_redis_string_holds_is_refused():
    with pytest.raises(ConfigError, match="the payload has 536870913 bytes; at most 512 MiB"):
        make_prepared(task=Task("email", bytes((512 << 20) + 1)))


def test_a_task_that_no_redis_string_holds_with_its_headers_is_refused(monkeypatch):
    monkeypatch.setattr(prepare, "LARGEST_PAYLOAD_BYTES", 200)
    make_prepared(task=Task("email", bytes(100)))

    with pytest.raises(ConfigError, match=r"the task has \d+ bytes; at most 512 MiB"):
        make_prepared(task=Task("email", bytes(190), headers={"a": "b" * 10}))
