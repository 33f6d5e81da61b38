"""Searches over all queues; the blocking twin of this file is generated."""

import tracemalloc

import pytest

from pyasynq.admin.redaction import SecretWords
from pyasynq.admin.search_async import search
from pyasynq.errors import ConfigError, FilterError, QueueNotFoundError
from pyasynq.inspector.inspector_async import AsyncInspector
from tests.support.builders import make_data
from tests.support.stored_tasks import store


async def found_ids(inspector, query, **how):
    return [task.id for task in (await search(inspector, query, **how)).tasks]


def store_some(client):
    store(client, "archived", "a1", type="email", error_msg="timeout", score=1000)
    store(client, "archived", "a2", type="email", error_msg="refused", score=2000)
    store(client, "retry", "r1", type="image", error_msg="timeout")
    store(client, "pending", "p1", payload=b'{"user": 7}')
    store(client, "active", "x1", queue="low")
    store(client, "aggregating", "g1", group="g", queue="low")
    store(client, "completed", "c1", queue="low", completed_at=5)


async def test_all_queues_and_states_are_looked_at_in_their_order(redis_url, redis_client):
    store_some(redis_client)

    async with AsyncInspector(redis_url) as inspector:
        found = await search(inspector, "")

    assert [task.id for task in found.tasks] == ["x1", "g1", "c1", "r1", "a2", "a1", "p1"]
    assert (found.scanned, found.cursor, found.broken) == (7, None, ())


@pytest.mark.parametrize(
    ("query", "ids", "scanned"),
    [
        ("queue:low", ["x1", "g1", "c1"], 3),
        ("state:archived error~timeout", ["a1"], 2),
        ("type:image or payload.user=7", ["r1", "p1"], 7),
        ("queue:mail !state:archived", ["r1", "p1"], 2),
        ("group:g", ["g1"], 7),
        ("group:g state:aggregating", ["g1"], 1),
        ("id:a1,p1,nobody", ["a1", "p1"], 2),
        ("id:a1 state:retry", [], 0),
        ("id:a1 age>1h", ["a1"], 7),
        ("id:a*", ["a2", "a1"], 7),
        ("state:pending state:retry", [], 0),
    ],
)
async def test_only_what_can_match_is_looked_at(redis_url, redis_client, query, ids, scanned):
    store_some(redis_client)

    async with AsyncInspector(redis_url) as inspector:
        found = await search(inspector, query)

    assert [task.id for task in found.tasks] == ids
    assert found.scanned == scanned


@pytest.mark.parametrize("how", [{"limit": 1}, {"scan": 1}, {"limit": 2}])
async def test_a_search_goes_on_where_it_has_stopped(redis_url, redis_client, how):
    store_some(redis_client)
    ids, cursor = [], None

    async with AsyncInspector(redis_url) as inspector:
        for _ in range(20):
            found = await search(inspector, "!id:r1", cursor=cursor, **how)
            ids += [task.id for task in found.tasks]
            cursor = found.cursor
            if cursor is None:
                break

    assert cursor is None
    assert ids == ["x1", "g1", "c1", "a2", "a1", "p1"]


async def test_a_search_goes_on_behind_a_queue_that_is_gone(redis_url, redis_client):
    store_some(redis_client)

    async with AsyncInspector(redis_url) as inspector:
        first = await search(inspector, "", limit=2)
        redis_client.srem("asynq:queues", "low")
        second = await search(inspector, "", cursor=first.cursor)

    assert [task.id for task in first.tasks] == ["x1", "g1"]
    assert [task.id for task in second.tasks] == ["r1", "a2", "a1", "p1"]


async def test_a_search_for_ids_goes_on_like_any_other(redis_url, redis_client):
    store_some(redis_client)

    async with AsyncInspector(redis_url) as inspector:
        first = await search(inspector, "id:a1,p1", limit=1)
        second = await search(inspector, "id:a1,p1", cursor=first.cursor)

    assert [task.id for task in (*first.tasks, *second.tasks)] == ["a1", "p1"]


async def test_many_tasks_are_looked_at_500_at_a_time(redis_url, redis_client):
    for number in range(1203):
        store(redis_client, "pending", str(number))
    steps = []

    async with AsyncInspector(redis_url) as inspector:
        found = await search(inspector, "id:7*", limit=1000, on_progress=steps.append)

    assert len(found.tasks) == 111
    assert steps == [500, 1000, 1203]


@pytest.mark.long
async def test_a_search_of_many_tasks_keeps_few_in_memory(redis_url, redis_client):
    pipeline = redis_client.pipeline(transaction=False)
    redis_client.sadd("asynq:queues", "mail")
    for number in range(50_000):
        message = make_data(id=str(number), payload=b"x" * 200)
        pipeline.hset(f"asynq:{{mail}}:t:{number}", mapping={"msg": message, "state": "archived"})
        pipeline.zadd("asynq:{mail}:archived", {str(number): number})
    pipeline.execute()

    async with AsyncInspector(redis_url) as inspector:
        await search(inspector, "error~absent", scan=1)
        tracemalloc.start()
        found = await search(inspector, "error~absent")
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert found.scanned == 50_000
    assert peak < 2_000_000


async def test_what_cannot_be_read_is_told_and_hides_nothing(redis_url, redis_client):
    store_some(redis_client)
    redis_client.hset("asynq:{mail}:t:a1", "msg", b"\xff")
    redis_client.set("asynq:{low}:active", "no list")

    async with AsyncInspector(redis_url) as inspector:
        found = await search(inspector, "error~timeout or id:x1")

    assert [task.id for task in found.tasks] == ["r1"]
    assert ([each.id for each in found.damaged], found.unreadable) == (["a1"], 1)
    assert len(found.broken) == 1
    assert found.broken[0].startswith("active tasks of queue 'low': ")


async def test_secrets_are_hidden_from_people_and_from_the_filter(redis_url, redis_client):
    store(redis_client, "pending", "a", payload=b'{"password":"hunter2"}')

    async with AsyncInspector(redis_url) as inspector:
        found = await search(inspector, "payload~password", redact=SecretWords())
        guessed = await search(inspector, "payload~hunter2", redact=SecretWords())

    assert found.tasks[0].payload == b'{"password":"[hidden]"}'
    assert guessed.tasks == ()


async def test_mistakes_are_told(redis_url, redis_client):
    store_some(redis_client)

    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(FilterError):
            await search(inspector, "stat:x")
        with pytest.raises(QueueNotFoundError):
            await search(inspector, "queue:nobody")
        for wrong in ({"limit": 0}, {"scan": 0}, {"cursor": "x"}, {"cursor": "WzEsMl0=.x"}):
            with pytest.raises(ConfigError):
                await search(inspector, "", **wrong)
        assert await found_ids(inspector, "queue:nobody,low state:active") == ["x1"]
