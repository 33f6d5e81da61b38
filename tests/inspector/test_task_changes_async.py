"""Several tasks are changed, each for itself; the blocking twin of this file is generated."""

from datetime import UTC, datetime

import pytest

from pyasynq.errors import ConfigError, StateError, TaskNotFoundError, TaskStateError
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.task import TaskState
from tests.support.stored_tasks import store

LATER = datetime(2033, 1, 1, tzinfo=UTC)
ARCHIVED = TaskState.ARCHIVED


def state_of(client, task_id):
    return client.hget(f"asynq:{{mail}}:t:{task_id}", "state")


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (Change(verb="run"), b"pending"),
        (Change(verb="archive"), b"archived"),
        (Change(verb="delete"), None),
        (Change(verb="reschedule", at=LATER), b"scheduled"),
    ],
    ids=lambda value: getattr(value, "verb", ""),
)
async def test_each_task_is_changed_or_told_why_not(redis_url, redis_client, change, left):
    store(redis_client, "scheduled", "a")
    store(redis_client, "active", "b")

    async with AsyncInspector(redis_url) as inspector:
        done, wrong, absent = await inspector.tasks.change(
            change, [TaskRef("mail", "a"), TaskRef("mail", "b"), TaskRef("mail", "c")]
        )

    assert done is None
    assert isinstance(wrong, TaskStateError)
    assert isinstance(absent, TaskNotFoundError)
    assert state_of(redis_client, "a") == left
    assert state_of(redis_client, "b") == b"active"


@pytest.mark.parametrize("verb", ["run", "archive", "delete", "reschedule"])
async def test_a_task_in_another_state_than_it_was_seen_in_stays_as_it_is(
    redis_url, redis_client, verb
):
    store(redis_client, "scheduled", "a")
    change = Change(verb=verb, at=LATER if verb == "reschedule" else None)

    async with AsyncInspector(redis_url) as inspector:
        (outcome,) = await inspector.tasks.change(change, [TaskRef("mail", "a", TaskState.RETRY)])

    assert (outcome.state, outcome.allowed) == ("scheduled", ("retry",))
    assert redis_client.zrange("asynq:{mail}:scheduled", 0, -1) == [b"a"]


async def test_a_task_that_is_rescheduled_again_to_the_same_time_is_done(redis_url, redis_client):
    store(redis_client, "archived", "a")
    change = Change(verb="reschedule", at=LATER)

    async with AsyncInspector(redis_url) as inspector:
        for _ in range(2):
            assert await inspector.tasks.change(change, [TaskRef("mail", "a", ARCHIVED)]) == [None]

    assert redis_client.zscore("asynq:{mail}:scheduled", "a") == LATER.timestamp()


async def test_tasks_that_run_are_cancelled_if_a_server_listens(redis_url, redis_client):
    store(redis_client, "active", "a")
    store(redis_client, "retry", "b")
    tasks = [TaskRef("mail", name, TaskState.ACTIVE) for name in "abc"]
    change = Change(verb="cancel", then="archive")

    async with AsyncInspector(redis_url) as inspector:
        unheard = (await inspector.tasks.change(change, tasks))[0]
        with redis_client.pubsub() as listener:
            listener.subscribe("asynq:cancel")
            listener.get_message(timeout=5)
            outcomes = await inspector.tasks.change(change, tasks)
            heard = listener.get_message(timeout=5)

    assert isinstance(unheard, StateError)
    assert [type(each) for each in outcomes] == [type(None), TaskStateError, TaskNotFoundError]
    assert heard["data"] == b"a"
    assert redis_client.hget("asynq:{mail}:t:a", "on_cancel") == b"archive"


async def test_the_archive_stays_bounded(redis_url, redis_client):
    for number in range(3):
        store(redis_client, "scheduled", f"new{number}")
    redis_client.zadd("asynq:{mail}:archived", {f"old{number}": 1 for number in range(20)})

    async with AsyncInspector(redis_url) as inspector:
        tasks = [TaskRef("mail", f"new{number}") for number in range(3)]
        await inspector.tasks.change(Change(verb="archive"), tasks)

    assert redis_client.zcard("asynq:{mail}:archived") == 19


def test_a_wrong_change_is_told():
    for wrong in (
        {"verb": "explode"},
        {"verb": "reschedule"},
        {"verb": "run", "at": LATER},
        {"verb": "cancel", "then": "nothing"},
    ):
        with pytest.raises(ConfigError):
            Change(**wrong)


async def test_no_more_than_500_tasks_are_changed_at_once(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match="at most 500 tasks are changed at once"):
            await inspector.tasks.change(Change(verb="run"), [TaskRef("mail", "a")] * 501)
        with pytest.raises(ConfigError):
            await inspector.tasks.change(Change(verb="run"), [TaskRef("mail", "")])
