"""Who may write the progress of a task, and what is read of it."""

from hashlib import sha1

import pytest

from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.operations.progress import read_progress, write_progress
from tests.support.builders import make_active, make_data, make_keys

KEY = "asynq:{mail}:t:a"
DIGEST = sha1(make_data(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("fence", "is_written"),
    [
        (Fence(owner="me"), True),
        (Fence(owner="another"), False),
        (Fence(owner="me", digest=DIGEST), True),
        (Fence(owner="me", digest="0" * 40), False),
    ],
    ids=str,
)
def test_only_the_worker_that_holds_a_task_writes_its_progress(
    run, redis_client, fence, is_written
):
    make_active(redis_client, "a", owner="me", data=make_data())

    assert run(write_progress(make_keys(), "a", fence, b"half")) is is_written
    assert redis_client.hget(KEY, "progress") == (b"half" if is_written else None)


def test_a_task_that_is_gone_is_not_made_again(run, redis_client):
    assert run(write_progress(make_keys(), "a", Fence(owner="me"), b"half")) is False
    assert not redis_client.exists(KEY)


def test_a_task_that_has_ended_takes_no_progress(run, redis_client):
    redis_client.hset(KEY, mapping={"msg": make_data(), "state": "completed"})

    assert run(write_progress(make_keys(), "a", Fence(owner="me"), b"half")) is False


def test_reading_tells_whether_there_is_such_a_task(run, redis_client):
    assert run(read_progress(make_keys(), "a")) == (False, None)
    redis_client.hset(KEY, "state", "active")
    assert run(read_progress(make_keys(), "a")) == (True, None)
    redis_client.hset(KEY, "progress", "half")
    assert run(read_progress(make_keys(), "a")) == (True, b"half")
