# Generated from test_large_payloads_async.py by tools/unasync.py: change that file.
"""What clients log about large payloads."""

import pytest

from pyasynq.client import Client
from pyasynq.errors import ConfigError
from pyasynq.task import Task


def logged_types(caplog):
    return [each.task_type for each in caplog.records if each.name == "pyasynq.payload_size"]


def test_a_payload_beyond_a_mebibyte_is_stored_and_logged(redis_url, redis_client, caplog):
    with Client(redis_url) as client:
        client.enqueue(Task("small", bytes(1 << 20)))
        info = client.enqueue(Task("large", bytes((1 << 20) + 1)))

    assert logged_types(caplog) == ["large"]
    assert redis_client.lpos("asynq:{default}:pending", info.id) is not None


def test_the_limit_of_a_client_is_its_own(redis_url, caplog):
    with Client(redis_url, max_payload_size=10) as client:
        results = client.enqueue_many([Task("a", bytes(10)), Task("b", bytes(11))])

    assert logged_types(caplog) == ["b"]
    assert [each.error for each in results] == [None, None]


def test_a_limit_that_is_not_positive_is_refused_with_every_other_fault():
    with pytest.raises(ConfigError) as caught:
        Client(enqueue_patience=-1, max_payload_size=0)

    assert len(caught.value.faults) == 2
