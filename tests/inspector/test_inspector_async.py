"""Inspectors on a real Redis; the blocking twin of this file is generated."""

from datetime import timedelta

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.errors import (
    ConfigError,
    PayloadError,
    QueueNotFoundError,
    TaskNotFoundError,
    TaskStateError,
)
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskState
from tests.support.builders import make_active, make_data


async def test_queues_are_listed_and_counted(redis_url, redis_client):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        await client.enqueue(Task("email"), queue="mail")
        await client.enqueue(Task("email"), queue="mail", process_in=60)
        await client.enqueue(Task("email"), queue="mail", group="g")
        await client.enqueue(Task("email"), queue="ads")
        redis_client.set("asynq:{ads}:paused", "1")

        names = await inspector.queues.list()
        mail, ads = await inspector.queues.info("mail"), await inspector.queues.info("ads")
        everything = await inspector.queues.infos()

    assert names == ["ads", "mail"]
    assert (mail.pending, mail.scheduled, mail.aggregating, mail.groups) == (1, 1, 1, 1)
    assert (mail.size, mail.is_paused, ads.is_paused) == (3, False, True)
    assert timedelta(0) <= mail.latency < timedelta(minutes=1)
    assert mail.memory_usage > 0
    assert [info.queue for info in everything] == ["ads", "mail"]


async def test_an_unknown_queue_is_an_error(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(QueueNotFoundError, match="queue 'mail' does not exist"):
            await inspector.queues.info("mail")


async def test_a_task_is_shown_as_it_stands(redis_url):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        enqueued = await client.enqueue(
            Task("email", b"{}", headers={"k": "v"}), queue="mail", timeout=30, process_in=60
        )

        found = await inspector.tasks.get("mail", enqueued.id)

    assert found == enqueued
    assert found.state is TaskState.SCHEDULED


async def test_an_unknown_task_or_queue_is_an_error(redis_url):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        await client.enqueue(Task("email"), queue="mail")

        with pytest.raises(TaskNotFoundError, match="task 'a' is not in queue 'mail'"):
            await inspector.tasks.get("mail", "a")
        with pytest.raises(QueueNotFoundError):
            await inspector.tasks.get("ads", "a")


@pytest.mark.parametrize(
    "fields",
    [
        {"msg": b"\xff\xff", "state": "pending"},
        {"msg": make_data(), "state": "weird"},
        {"msg": b"", "state": "pending"},
        {"state": "archived"},  # as Go leaves an ID whose hash was gone
    ],
)
async def test_a_task_that_cannot_be_read_is_an_error(fields, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset("asynq:{mail}:t:a", mapping=fields)

    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(PayloadError):
            await inspector.tasks.get("mail", "a")


async def test_a_blank_id_is_refused(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match="task_id must not be blank"):
            await inspector.tasks.get("mail", " ")
        with pytest.raises(ConfigError, match="task_id must not be blank"):
            await inspector.tasks.cancel("")
        with pytest.raises(ConfigError, match="queue must not be blank"):
            await inspector.tasks.cancel("a", queue="")


async def test_an_unknown_request_for_a_cancelled_task_is_refused(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match="then must be 'retry', 'archive' or 'drop'"):
            await inspector.tasks.cancel("a", then="delete")


async def test_a_cancellation_that_nobody_hears_is_not_an_error(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        assert await inspector.tasks.cancel("a") == 0


async def test_the_info_of_redis_is_returned(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        info = await inspector.redis.info()

    assert info["tcp_port"].isdigit()
    assert "redis_version" in info


async def test_the_info_of_redis_is_also_returned_as_redis_writes_it(redis_server, redis_url):
    async with AsyncInspector(redis_server.tcp_url) as inspector:
        text = await inspector.redis.info_text()
        address, is_cluster = inspector.address, inspector.is_cluster
        with pytest.raises(ConfigError, match="this redis is not a cluster"):
            await inspector.redis.cluster_nodes_text()

    assert text.startswith("# Server\r\nredis_version:")
    assert (address, is_cluster) == (f"127.0.0.1:{redis_server.port}", False)


ODD_NAMES = [b"", b" ", b"\x1c", b"ol\xe9", b"\xff\xfe", b"q" * 10_241, b"a}b{c", b"two\nlines"]


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_queue_with_an_odd_name_hides_no_other(name, redis_url, redis_client):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        await client.enqueue(Task("email"), queue="good")
        redis_client.sadd("asynq:queues", name)
        redis_client.lpush(b"asynq:{%s}:pending" % name, "a", "b")

        infos = {info.queue: info for info in await inspector.queues.infos()}

    odd = infos.pop(name.decode("utf-8", "surrogateescape"))
    assert (odd.pending, odd.error) == (
        (2, "") if name else (0, "a queue without a name, which has no keys of its own")
    )
    assert [(info.queue, info.pending) for info in infos.values()] == [("good", 1)]


ODD_NUMBERS = ["-" + "9" * 40, "9" * 40, "9" * 5000, "nan", "inf", "-inf", "1e400", "garbage", ""]


@pytest.mark.parametrize("value", ODD_NUMBERS)
async def test_an_odd_number_in_a_queue_hides_nothing(value, redis_url, redis_client):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        info = await client.enqueue(Task("email"), queue="odd")
        redis_client.hset(f"asynq:{{odd}}:t:{info.id}", "pending_since", value)
        for counter in ("processed", "failed"):
            redis_client.set(f"asynq:{{odd}}:{counter}", value)

        found, one = await inspector.queues.infos(), await inspector.queues.info("odd")
        task = await inspector.tasks.get("odd", info.id)

    assert [(each.queue, each.pending, each.latency) for each in (*found, one)] == [
        ("odd", 1, timedelta(0))
    ] * 2
    assert (one.processed_total, one.error) == (0, "")
    assert task.state is TaskState.PENDING


@pytest.mark.parametrize("score", ["inf", "-inf", "1e300", "-1e300", "9223372036854775807"])
@pytest.mark.parametrize("state", ["scheduled", "retry"])
async def test_a_task_that_is_due_at_no_possible_time_is_shown(
    score, state, redis_url, redis_client
):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        info = await client.enqueue(Task("email"), process_in=60)
        redis_client.hset(f"asynq:{{default}}:t:{info.id}", "state", state)
        redis_client.zadd(f"asynq:{{default}}:{state}", {info.id: score})

        found = await inspector.tasks.get("default", info.id)

    assert found.state.value == state
    assert found.next_process_at is not None
    assert found.next_process_at.year in (1, 9999)


KEYS_OF_A_QUEUE = ["pending", "active", "scheduled", "retry", "archived", "completed"]


@pytest.mark.parametrize(
    "key", [*KEYS_OF_A_QUEUE, "processed", "failed", "groups", "aggregation_sets"]
)
async def test_a_key_of_another_type_is_named_and_the_others_are_counted(
    key, redis_url, redis_client
):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        await client.enqueue(Task("email"), queue="good")
        for name in KEYS_OF_A_QUEUE:
            if name in ("pending", "active"):
                redis_client.lpush(f"asynq:{{odd}}:{name}", "a")
            else:
                redis_client.zadd(f"asynq:{{odd}}:{name}", {"a": 1})
        redis_client.sadd("asynq:queues", "odd")
        redis_client.delete(f"asynq:{{odd}}:{key}")
        redis_client.hset(f"asynq:{{odd}}:{key}", "a", "b")

        good, odd = await inspector.queues.infos()

    assert (good.pending, good.error) == (1, "")
    assert odd.error == (
        f"not counted, since it has a wrong type: asynq:{{odd}}:{key}; delete or rename it"
    )
    assert [getattr(odd, name) for name in KEYS_OF_A_QUEUE] == [
        0 if name == key else 1 for name in KEYS_OF_A_QUEUE
    ]


async def test_a_queue_with_very_many_groups_is_estimated(redis_url, redis_client):
    pipeline = redis_client.pipeline(transaction=False)
    for number in range(5000):
        pipeline.sadd("asynq:{mail}:groups", f"g{number}")
        pipeline.zadd(f"asynq:{{mail}}:g:g{number}", {"a": 1, "b": 2})
    pipeline.sadd("asynq:queues", "mail")
    pipeline.execute()

    async with AsyncInspector(redis_url) as inspector:
        info = await inspector.queues.info("mail")

    assert (info.groups, info.aggregating, info.size) == (5000, 10_000, 10_000)
    assert info.is_estimated


@pytest.mark.parametrize(
    "options",
    [{}, {"process_in": 60}, {"group": "g"}, {"unique": 60}, {"unique": 60, "process_in": 60}],
    ids=str,
)
async def test_a_task_that_waits_is_deleted_with_its_lock(redis_url, redis_client, options):
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        enqueued = await client.enqueue(Task("email"), queue="mail", **options)

        await inspector.tasks.delete("mail", enqueued.id)

        with pytest.raises(TaskNotFoundError):
            await inspector.tasks.delete("mail", enqueued.id)
    left = set(redis_client.keys("asynq:{mail}:*"))
    assert left <= {b"asynq:{mail}:x:scheduled_groups"}


@pytest.mark.parametrize("state", ["archived", "completed", "retry"])
async def test_a_task_that_has_run_is_deleted(redis_url, redis_client, state):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset("asynq:{mail}:t:a", mapping={"msg": b"", "state": state})
    redis_client.zadd(f"asynq:{{mail}}:{state}", {"a": 5, "other": 6})

    async with AsyncInspector(redis_url) as inspector:
        await inspector.tasks.delete("mail", "a")

    assert not redis_client.exists("asynq:{mail}:t:a")
    assert redis_client.zrange(f"asynq:{{mail}}:{state}", 0, -1) == [b"other"]


async def test_a_running_task_is_not_deleted_and_the_error_tells_to_cancel_it(
    redis_url, redis_client
):
    redis_client.sadd("asynq:queues", "mail")
    make_active(redis_client, "a")

    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(TaskStateError) as caught:
            await inspector.tasks.delete("mail", "a")

    assert str(caught.value) == (
        "task 'a' is active; cancel it, as with cancel(then=\"drop\"), which deletes it once it "
        "has ended"
    )
    assert caught.value.state == "active"
    assert redis_client.exists("asynq:{mail}:t:a")


async def test_a_member_of_a_group_that_is_being_aggregated_is_not_deleted(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.hset("asynq:{mail}:t:a", mapping={"state": "aggregating", "group": "g"})
    redis_client.zadd("asynq:{mail}:g:g:set", {"a": 1})

    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(TaskStateError, match="being aggregated at this moment; try again"):
            await inspector.tasks.delete("mail", "a")

    assert redis_client.zrange("asynq:{mail}:g:g:set", 0, -1) == [b"a"]


async def test_deleting_names_the_queue_or_the_task_that_does_not_exist(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")

    async with AsyncInspector(redis_url) as inspector:
        with pytest.raises(TaskNotFoundError, match="task 'a' is not in queue 'mail'"):
            await inspector.tasks.delete("mail", "a")
        with pytest.raises(QueueNotFoundError):
            await inspector.tasks.delete("ads", "a")
        with pytest.raises(ConfigError, match="task_id"):
            await inspector.tasks.delete("mail", " ")


async def test_a_task_is_found_in_every_queue_by_its_id(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "broken")
    redis_client.hset("asynq:{broken}:t:a", mapping={"msg": b"\xff", "state": "pending"})
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        one = await client.enqueue(Task("email"), queue="mail", task_id="a", process_in=60)
        other = await client.enqueue(Task("advert"), queue="ads", task_id="a", process_in=60)

        assert await inspector.tasks.find("a") == [other, one]
        assert await inspector.tasks.find("b") == []


async def test_many_tasks_are_read_in_order_whatever_became_of_them(redis_url, redis_client):
    redis_client.hset("asynq:{mail}:t:broken", mapping={"msg": b"\xff", "state": "strange"})
    async with AsyncClient(redis_url) as client, AsyncInspector(redis_url) as inspector:
        results = await client.enqueue_many(
            [Task("email", options=EnqueueOptions(queue="mail", process_in=60))] * 501
        )
        infos = [each.info for each in results]
        wanted = [("mail", each.id) for each in infos]
        wanted[1:1] = [("mail", "none"), ("mail", "broken")]

        found = await inspector.tasks.get_many(wanted)
        states = await inspector.tasks.states(wanted)

    assert found == [infos[0], None, None, *infos[1:]]
    assert states == [TaskState.SCHEDULED, None, None, *[TaskState.SCHEDULED] * 500]
