"""Steps of a walk, which decode nothing by themselves; the blocking twin is generated."""

import pytest

from pyasynq.errors import ConfigError, PayloadError, QueueNotFoundError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.task import TaskState
from tests.support.stored_tasks import store


async def walked(inspector, state, **how):
    """Walk to the end; return the IDs of each step."""
    steps, cursor = [], None
    while True:
        chunk = await inspector.tasks.walk("mail", state, cursor=cursor, **how)
        steps.append([each.id for each in chunk.tasks])
        cursor = chunk.cursor
        if cursor is None:
            return [step for step in steps if step]


@pytest.mark.parametrize(
    ("state", "newest_first", "steps"),
    [
        ("pending", False, [["4", "3"], ["2", "1"], ["0"]]),
        ("pending", True, [["4", "3"], ["2", "1"], ["0"]]),
        ("archived", False, [["0", "1"], ["2", "3"], ["4"]]),
        ("archived", True, [["4", "3"], ["2", "1"], ["0"]]),
        ("completed", True, [["4", "3"], ["2", "1"], ["0"]]),
        ("scheduled", True, [["0", "1"], ["2", "3"], ["4"]]),
        ("retry", True, [["0", "1"], ["2", "3"], ["4"]]),
    ],
)
async def test_a_walk_goes_on_where_the_step_before_has_ended(
    redis_url, redis_client, state, newest_first, steps
):
    for number in range(5):
        store(redis_client, state, str(number), score=1000 + number)

    async with AsyncInspector(redis_url) as inspector:
        found = await walked(inspector, state, newest_first=newest_first, limit=2)

    assert found == steps


async def test_the_latest_members_of_each_group_come_first(redis_url, redis_client):
    for number in range(3):
        store(redis_client, "aggregating", f"a{number}", group="a", score=number)
        store(redis_client, "aggregating", f"b{number}", group="b", score=number)

    async with AsyncInspector(redis_url) as inspector:
        found = await walked(inspector, "aggregating", newest_first=True)
        of_one = await walked(inspector, "aggregating", group="b")

    assert found == [["a2", "a1", "a0"], ["b2", "b1", "b0"]]
    assert of_one == [["b0", "b1", "b2"]]


@pytest.mark.parametrize("gone", [["9"], ["9", "8"], ["7", "8", "9"]])
async def test_a_walk_from_the_latest_misses_nothing_when_what_it_has_passed_goes(
    redis_url, redis_client, gone
):
    for number in range(10):
        store(redis_client, "archived", str(number), score=1000)

    async with AsyncInspector(redis_url) as inspector:
        first = await inspector.tasks.walk("mail", "archived", newest_first=True, limit=3)
        redis_client.zrem("asynq:{mail}:archived", *gone)
        second = await inspector.tasks.walk(
            "mail", "archived", newest_first=True, cursor=first.cursor
        )

    assert [each.id for each in first.tasks] == ["9", "8", "7"]
    assert [each.id for each in second.tasks][-7:] == ["6", "5", "4", "3", "2", "1", "0"]


async def test_a_walk_goes_on_behind_any_task_of_a_step(redis_url, redis_client):
    for number in range(5):
        store(redis_client, "archived", str(number), score=1000 + number)

    async with AsyncInspector(redis_url) as inspector:
        chunk = await inspector.tasks.walk("mail", "archived")
        rest = await inspector.tasks.walk("mail", "archived", cursor=chunk.cursor_after(2))

    assert chunk.size == 5
    assert [each.id for each in rest.tasks] == ["2", "3", "4"]


async def test_a_task_that_cannot_be_read_has_an_id_and_a_reason(redis_url, redis_client):
    store(redis_client, "archived", "a")
    redis_client.hset("asynq:{mail}:t:a", "msg", b"\xff")
    redis_client.zadd("asynq:{mail}:archived", {"ghost": 1})

    async with AsyncInspector(redis_url) as inspector:
        ghost, damaged = (await inspector.tasks.walk("mail", "archived")).tasks

    assert (ghost.id, damaged.id) == ("ghost", "a")
    for task in (ghost, damaged):
        assert "task" in task.shown().reason or "message" in task.shown().reason
        with pytest.raises(PayloadError):
            _ = task.type


@pytest.mark.parametrize("content", ["all", "message", "none"])
async def test_no_more_is_read_than_is_asked_for(redis_url, redis_client, content):
    store(redis_client, "scheduled", "a", score=5, result=b"r", error_msg="bad")

    async with AsyncInspector(redis_url) as inspector:
        chunk = await inspector.tasks.walk("mail", "scheduled", content=content)
    (task,) = chunk.tasks

    assert (chunk.content, task.id, task.due_ns) == (content, "a", 5 * 10**9)
    assert task.result == (b"r" if content == "all" else b"")
    if content == "none":
        with pytest.raises(PayloadError):
            _ = task.last_error
    else:
        assert task.last_error == "bad"


async def test_tasks_are_read_by_their_ids(redis_url, redis_client):
    store(redis_client, "retry", "a", type="email", error_msg="bad")

    async with AsyncInspector(redis_url) as inspector:
        found, absent = await inspector.tasks.look([("mail", "a"), ("mail", "b")])

    assert absent is None
    assert (found.id, found.state, found.type) == ("a", TaskState.RETRY, "email")
    assert (found.last_error, found.since_ns) == ("bad", None)


async def test_wrong_arguments_are_told(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")

    async with AsyncInspector(redis_url) as inspector:
        for wrong in ({"limit": 501}, {"cursor": "x"}, {"group": "g"}):
            with pytest.raises(ConfigError):
                await inspector.tasks.walk("mail", "archived", **wrong)
        with pytest.raises(ConfigError, match="at most 500 tasks are read at once, not 501"):
            await inspector.tasks.look([("mail", "a")] * 501)
        for state in ("archived", "aggregating"):
            with pytest.raises(QueueNotFoundError):
                await inspector.tasks.walk("nobody", state)
