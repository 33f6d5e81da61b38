"""The tasks of a series are those that would be prepared one by one."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.broker.new_tasks.prepare import info_of, prepare
from pyasynq.broker.new_tasks.series import SMALL_BYTES, StoredTask, TaskSeries
from pyasynq.clock import to_datetime
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import NOW_NS

DEADLINE = datetime(2040, 1, 1, tzinfo=UTC)
OPTIONS = {
    "none": {},
    "plain ones": {"queue": "mail", "max_retry": 3, "timeout": 0.5, "retention": 60},
    "a group": {"group": "g"},
    "a lock": {"unique": 60},
    "a lock with a key": {"unique": 60, "unique_key": "k", "unique_until": "started"},
    "headers": {"headers": {"a": "1"}},
    "a deadline": {"deadline": DEADLINE},
    "a time": {"process_at": DEADLINE},
    "a delay": {"process_in": 5, "unique": timedelta(minutes=1), "group": "g"},
    "an end": {"expires": 5},
}
PAYLOADS = [b"{}", b"x" * 200, b"", None, b"{}", b"x" * (SMALL_BYTES + 1)]


def one_by_one(payload: bytes | None, options: EnqueueOptions, namespace: str):
    keys = queue_keys(options.queue or "default", namespace)
    task = Task("email", payload)
    return prepare(task, options, keys, now_ns=NOW_NS, new_id=lambda: "new")


@pytest.mark.parametrize("given", OPTIONS.values(), ids=OPTIONS)
def test_a_task_of_a_series_is_the_one_that_is_prepared_by_itself(given):
    options = EnqueueOptions(**given)

    items = TaskSeries("email", options).prepare_all(
        PAYLOADS, "apart", now_ns=NOW_NS, new_id=lambda: "new"
    )

    assert items == [one_by_one(payload, options, "apart") for payload in PAYLOADS]
    assert [each.message for each in items] == [
        one_by_one(payload, options, "apart").message for payload in PAYLOADS
    ]


@pytest.mark.parametrize("given", OPTIONS.values(), ids=OPTIONS)
def test_what_was_known_of_a_stored_task_is_told_later(given):
    options = EnqueueOptions(**given)
    stored = StoredTask(id="new", payload=b"{}", now_ns=NOW_NS)

    info = TaskSeries("email", options).info_of(stored)

    expected = info_of(one_by_one(b"{}", options, "asynq"), now=to_datetime(NOW_NS))
    assert info == expected


def test_each_task_has_an_id_of_its_own():
    ids = iter("abc")

    items = TaskSeries("email", EnqueueOptions()).prepare_all(
        [b"{}"] * 3, "asynq", now_ns=NOW_NS, new_id=lambda: next(ids)
    )

    assert [(each.id, each.message.id) for each in items] == [(each, each) for each in "abc"]


def test_wrong_options_are_named_for_every_task():
    series = TaskSeries("email", EnqueueOptions(unique_key="k"))

    with pytest.raises(ConfigError) as caught:
        series.prepare_all([b"1", b"2"], "asynq", now_ns=NOW_NS, new_id=lambda: "new")

    assert [each.partition(":")[0] for each in caught.value.faults] == ["task 0", "task 1"]


def test_the_namespaces_of_a_series_are_not_mixed_up():
    series = TaskSeries("email", EnqueueOptions())

    prefixes = [
        series.prepare(b"{}", namespace, now_ns=NOW_NS, new_id=lambda: "new").keys.prefix
        for namespace in ("asynq", "other", "asynq", "other")
    ]

    assert prefixes == ["asynq:{default}:", "other:{default}:"] * 2
