"""Options are resolved once for the same options, and never mixed up."""

import pytest

from pyasynq.broker.new_tasks import resolved_options
from pyasynq.broker.new_tasks.prepare import prepare
from pyasynq.broker.new_tasks.resolved_options import resolve
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from tests.support.builders import NOW_NS, make_keys


def test_the_same_options_are_worked_out_once():
    options = EnqueueOptions(timeout=30, retention=60)

    assert resolve(options) is resolve(options)


def test_options_at_the_address_of_others_that_are_gone_are_resolved_anew():
    retries = [resolve(EnqueueOptions(max_retry=number)).retry for number in range(1000)]

    assert retries == list(range(1000))


def test_options_made_anew_for_each_call_do_not_pile_up():
    for number in range(1000):
        resolve(EnqueueOptions(max_retry=number))

    assert len(resolved_options._kept) <= resolved_options.MOST_KEPT


def test_wrong_options_are_refused_each_time():
    options = EnqueueOptions(unique_key="a")

    for _ in range(2):
        with pytest.raises(ConfigError, match="need unique"):
            resolve(options)


def test_what_depends_on_the_task_and_the_time_is_not_kept():
    headers: dict[str, str] = {}
    options = EnqueueOptions(process_in=5, unique=60, headers=headers)

    def stored(payload: bytes, now_ns: int):
        task = Task("email", payload)
        return prepare(task, options, make_keys(), now_ns=now_ns, new_id=lambda: "new")

    first = stored(b"1", NOW_NS)
    headers["a"] = "1"
    second = stored(b"2", NOW_NS + 1)

    assert (first.message.headers, second.message.headers) == ({}, {"a": "1"})
    assert first.message.unique_key != second.message.unique_key
    assert second.process_at_ns == NOW_NS + 5_000_000_001
