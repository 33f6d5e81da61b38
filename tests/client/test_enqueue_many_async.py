"""Many tasks at once, on a real Redis; the blocking twin of this file is generated."""

from collections import Counter
from random import Random

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    PyasynqError,
    RedisUnavailableError,
    TaskIdConflictError,
)
from pyasynq.options import EnqueueOptions
from pyasynq.task import EnqueueResult, Task, TaskState
from tests.support.chaos_proxy import ChaosProxy


def tasks(count, **options):
    return [
        Task("email", b"%d" % number, options=EnqueueOptions(**options)) for number in range(count)
    ]


def commands(redis_client):
    stats = redis_client.info("commandstats")
    return {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}


async def test_tasks_of_every_kind_go_together_and_each_has_a_result(redis_url, redis_client):
    mixed = [
        Task("now"),
        (Task("later"), EnqueueOptions(process_in=60)),
        (Task("grouped"), EnqueueOptions(group="g", queue="low")),
        (Task("unique"), EnqueueOptions(unique=60)),
        (Task("unique"), EnqueueOptions(unique=60)),
        (Task("named", options=EnqueueOptions(queue="low")), EnqueueOptions(task_id="one")),
        (Task("named"), EnqueueOptions(queue="low", task_id="one")),
    ]
    async with AsyncClient(redis_url) as client:
        results = await client.enqueue_many(mixed)

    assert [each.info.state if each.info else type(each.error) for each in results] == [
        TaskState.PENDING,
        TaskState.SCHEDULED,
        TaskState.AGGREGATING,
        TaskState.PENDING,
        DuplicateTaskError,
        TaskState.PENDING,
        TaskIdConflictError,
    ]
    assert [each.info.type for each in results if each.info] == [
        *("now", "later", "grouped", "unique", "named")
    ]
    assert results[4].error.holder_id == results[3].info.id
    assert redis_client.smembers("asynq:queues") == {b"default", b"low"}
    assert redis_client.llen("asynq:{default}:pending") == 2
    assert redis_client.zcard("asynq:{low}:g:g") == 1


async def test_a_queue_keeps_the_order_of_its_tasks(redis_url, redis_client):
    async with AsyncClient(redis_url) as client:
        results = await client.enqueue_many(tasks(1234))

    stored = redis_client.lrange("asynq:{default}:pending", 0, -1)
    assert [each.decode() for each in reversed(stored)] == [each.info.id for each in results]


DUE = {"process_in": 60}
GROUP = {"group": "g"}


@pytest.mark.parametrize("first", [{}, DUE, GROUP], ids=["pending", "scheduled", "group"])
@pytest.mark.parametrize("second", [{}, DUE, GROUP], ids=["pending", "scheduled", "group"])
@pytest.mark.parametrize("shared", [{"task_id": "a"}, {"unique": 60}], ids=["id", "lock"])
async def test_of_two_tasks_that_share_an_id_or_a_lock_the_first_is_stored(
    first, second, shared, redis_url
):
    async with AsyncClient(redis_url) as client:
        results = await client.enqueue_many(
            [
                (Task("email", b"other"), EnqueueOptions(**second)),
                (Task("email"), EnqueueOptions(**first, **shared)),
                (Task("email"), EnqueueOptions(**second, **shared)),
            ]
        )

    assert [each.info is not None for each in results] == [True, True, False]
    assert isinstance(results[2].error, DuplicateTaskError | TaskIdConflictError)


async def test_the_first_is_stored_even_if_redis_does_not_know_its_script(redis_url, redis_client):
    async with AsyncClient(redis_url) as client:
        redis_client.script_flush()
        await client.enqueue(Task("email", b"other"))
        results = await client.enqueue_many(
            [
                (Task("email"), EnqueueOptions(process_in=60, task_id="a")),
                (Task("email"), EnqueueOptions(task_id="a")),
            ]
        )

    assert results[0].error is None
    assert results[1].error.state == "scheduled"


async def test_many_pairs_of_rivals_share_their_round_trips(redis_url, redis_client):
    pairs = [
        (Task("email"), EnqueueOptions(task_id=str(number), **options))
        for number in range(100)
        for options in (DUE, {})
    ]
    async with AsyncClient(redis_url) as client:
        await client.enqueue_many([Task("email"), (Task("email"), EnqueueOptions(**DUE))])
        redis_client.config_resetstat()
        results = await client.enqueue_many(pairs)

    assert [each.error is None for each in results] == [True, False] * 100
    assert commands(redis_client)["evalsha"] == 2


async def test_a_queue_keeps_the_order_of_its_tasks_even_if_some_have_rivals(
    redis_url, redis_client
):
    async with AsyncClient(redis_url) as client:
        await client.enqueue_many(
            [
                (Task("a"), EnqueueOptions(task_id="1")),
                (Task("a"), EnqueueOptions(task_id="2", unique=60, **DUE)),
                (Task("a"), EnqueueOptions(task_id="3", unique=60)),
                (Task("b"), EnqueueOptions(task_id="4", unique=60)),
                (Task("c"), EnqueueOptions(task_id="5")),
                (Task("c"), EnqueueOptions(task_id="2")),
                (Task("c"), EnqueueOptions(task_id="6")),
            ]
        )

    stored = redis_client.lrange("asynq:{default}:pending", 0, -1)
    assert [each.decode() for each in reversed(stored)] == ["1", "4", "5", "6"]


@pytest.mark.parametrize("seed", range(30))
async def test_many_tasks_have_the_results_that_one_after_the_other_would_have(
    seed, redis_url, redis_client
):
    random = Random(seed)

    def one() -> tuple[Task, EnqueueOptions]:
        options = dict(random.choice([{}, DUE, GROUP]), queue=random.choice(["q", "r"]))
        options |= random.choice([{}, {"task_id": random.choice("abc")}])
        options |= random.choice([{}, {"unique": 60}, {"unique": 60, "unique_key": "k"}])
        return Task(random.choice(["s", "t"])), EnqueueOptions(**options)

    given = [one() for _ in range(random.randint(2, 12))]
    async with AsyncClient(redis_url) as client:
        together = await client.enqueue_many(given)
        redis_client.flushdb()
        apart = [each for task in given for each in await client.enqueue_many([task])]

    assert [described(each) for each in together] == [described(each) for each in apart]


def described(result: EnqueueResult) -> object:
    if result.info is not None:
        return result.info.state
    return type(result.error), getattr(result.error, "state", None)


async def test_scripts_get_at_most_250_tasks_in_few_round_trips(redis_url, redis_client):
    async with AsyncClient(redis_url) as client:
        await client.enqueue_many(tasks(1))
        redis_client.config_resetstat()
        await client.enqueue_many(tasks(900, queue="new"))

    calls = commands(redis_client)
    assert (calls["evalsha"], calls["sadd"]) == (4, 1)


async def test_scripts_get_about_a_mebibyte_at_most(redis_url, redis_client):
    large = [Task("email", b"x" * (600 << 10)) for _ in range(5)]
    huge = Task("email", b"x" * (3 << 20))
    async with AsyncClient(redis_url) as client:
        await client.enqueue_many(tasks(1))
        redis_client.config_resetstat()
        results = await client.enqueue_many([*large, huge, *tasks(3)])

    assert all(each.info for each in results)
    assert commands(redis_client)["evalsha"] == 7


async def test_no_tasks_make_no_calls(redis_url):
    async with AsyncClient(redis_url) as client:
        assert await client.enqueue_many([]) == []


async def test_a_wrong_task_is_named_and_nothing_is_sent(redis_url, redis_client):
    async with AsyncClient(redis_url) as client:
        with pytest.raises(ConfigError) as caught:
            await client.enqueue_many([Task("email"), "email", (Task("a"), {"queue": "low"})])

    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["task 1", "task 2"]
    assert redis_client.keys() == []


@pytest.mark.parametrize(
    "given",
    ["", "abc", b"", b"ab", {}, {"email": Task("email")}, Task("email"), None, 7, Task],
    ids=repr,
)
async def test_anything_but_a_collection_of_tasks_is_refused_as_a_whole(
    given, redis_url, redis_client
):
    async with AsyncClient(redis_url) as client:
        with pytest.raises(ConfigError, match=f"iterable of tasks, not {type(given).__name__}$"):
            await client.enqueue_many(given)

    assert redis_client.keys() == []


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ((Task("a", b"secret"), "low"), "Task and str"),
        ((), "an empty tuple"),
        (["x" * 1000], "list"),
        (Task, "type"),
    ],
    ids=str,
)
async def test_a_wrong_task_is_named_by_its_type_and_not_by_its_payload(given, kinds, redis_url):
    async with AsyncClient(redis_url) as client:
        with pytest.raises(ConfigError) as caught:
            await client.enqueue_many([given])

    expected = f"task 0: expected a Task, or a Task and its EnqueueOptions, not {kinds}; a task "
    assert caught.value.faults == (
        f"{expected}function makes one from its arguments with bind(...)",
    )


async def test_a_dict_in_place_of_options_is_told_with_what_to_write(redis_url):
    async with AsyncClient(redis_url) as client:
        with pytest.raises(ConfigError, match=r"write EnqueueOptions\(queue=…, timeout=…\)$"):
            await client.enqueue_many([(Task("a"), {"queue": "secret", "timeout": 5})])


async def test_a_lost_answer_stores_nothing_twice(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        async with AsyncClient(proxy.url) as client:
            await client.enqueue_many(tasks(1))
            redis_client.flushdb()
            proxy.cut_after = b"EVALSHA"
            results = await client.enqueue_many(tasks(700, unique=60))

        assert proxy.cuts == 1
    assert Counter(type(each.error) for each in results) == {type(None): 700}
    assert redis_client.llen("asynq:{default}:pending") == 700


async def test_without_redis_nobody_knows_the_fate_of_any_task():
    with ChaosProxy(0) as proxy:
        proxy.refuse()
        async with AsyncClient(proxy.url, enqueue_patience=0) as client:
            with pytest.raises(RedisUnavailableError, match="2 of 2 tasks") as caught:
                await client.enqueue_many(tasks(2))

    assert caught.value.results == (None, None)


async def test_what_was_stored_before_redis_was_full_is_reported(redis_url, redis_client):
    async with AsyncClient(redis_url) as client:
        await client.enqueue_many(tasks(1, queue="full"))
        redis_client.flushdb()
        redis_client.set("asynq:{full}:pending", "of another type")
        with pytest.raises(RedisUnavailableError, match="1 of 2 tasks") as caught:
            await client.enqueue_many([*tasks(1, queue="full"), *tasks(1)])

    refused, stored = caught.value.results
    assert refused is None
    assert isinstance(stored, EnqueueResult)
    assert stored.info.queue == "default"


async def test_a_refusal_of_all_is_that_refusal(redis_url, redis_client):
    redis_client.set("asynq:{default}:pending", "of another type")
    async with AsyncClient(redis_url) as client:
        with pytest.raises(PyasynqError, match="WRONGTYPE") as caught:
            await client.enqueue_many(tasks(2))

    assert not isinstance(caught.value, RedisUnavailableError)


@pytest.mark.parametrize("count", [1, 2])
async def test_no_task_is_stored_beside_a_pending_key_of_another_type(
    redis_url, redis_client, count
):
    redis_client.set("asynq:{default}:pending", "of another type")
    async with AsyncClient(redis_url) as client:
        with pytest.raises(PyasynqError, match="WRONGTYPE"):
            await client.enqueue_many(tasks(count))

    assert redis_client.keys("asynq:{default}:*") == [b"asynq:{default}:pending"]
