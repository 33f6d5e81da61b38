"""Tasks are written as text, byte for byte; the blocking twin of this file is generated."""

import json

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.clock import FakeClock, to_datetime
from pyasynq.errors import ConfigError, PayloadError, QueueNotFoundError, TaskNotFoundError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import NOW_NS, make_active, make_data
from tests.support.golden_state import dump
from tests.support.stored_tasks import FAR_S, store

KEYS = queue_keys("mail")
STATES = ["pending", "active", "scheduled", "retry", "archived", "completed"]


async def exported(url, *given, **options):
    """Return the lines of an export as documents."""
    async with AsyncInspector(url, clock=FakeClock(to_datetime(NOW_NS))) as inspector:
        return [json.loads(line) async for line in inspector.tasks.export(*given, **options)]


async def test_a_line_holds_everything_that_people_can_read(redis_url, redis_client):
    store(
        redis_client,
        "retry",
        "a",
        result=b"half",
        payload=b'{"to":"Ann"}',
        headers={"b": "2", "a": "1"},
        retried=2,
        error_msg="no route",
        last_failed_at=2_000_000_000,
        timeout=30,
        deadline=2_000_000_100,
        retention=60,
        unique_key=KEYS.unique("email", b"x"),
    )
    redis_client.hset(KEYS.task("a"), "process_at_ns", FAR_S * 10**9)
    redis_client.set(KEYS.unique("email", b"x"), "a", px=90_000)

    (line,) = await exported(redis_url, "mail")

    assert 80_000 < line.pop("lock_ms") <= 90_000
    assert line == {
        "format": 1,
        "queue": "mail",
        "id": "a",
        "state": "retry",
        "score": 4102444800.0,
        "type": "email",
        "payload": '{"to":"Ann"}',
        "headers": {"a": "1", "b": "2"},
        "max_retry": 3,
        "retried": 2,
        "last_error": "no route",
        "last_failed_at": "2033-05-18T03:33:20Z",
        "timeout": 30,
        "deadline": "2033-05-18T03:35:00Z",
        "retention": 60,
        "unique_key": KEYS.unique("email", b"x"),
        "result": "half",
        "fields": {"process_at_ns": "4102444800000000000"},
    }


async def test_bytes_that_are_no_text_are_base64(redis_url, redis_client):
    store(redis_client, "pending", "a", payload=b"\xff", result=b"\xfe")
    redis_client.hset(KEYS.task("a"), b"\xfd", b"odd")

    (line,) = await exported(redis_url, "mail")

    assert (line["payload_base64"], line["result_base64"]) == ("/w==", "/g==")
    assert line["fields_base64"] == {"/Q==": "b2Rk"}
    assert "message_base64" not in line


async def test_a_queue_is_exported_state_by_state_each_in_the_order_of_its_tasks(
    redis_url, redis_client
):
    for state in STATES:
        for number in range(3):
            store(redis_client, state, f"{state}{number}", score=FAR_S + number)
    for name in ("h", "g"):
        store(redis_client, "aggregating", f"in-{name}", group=name)

    found = [line["id"] for line in await exported(redis_url, "mail")]

    in_order = ("scheduled", "in-g", "in-h", "pending", "active", "retry", "archived", "completed")
    assert found == [
        name
        for each in in_order
        for name in ([each] if "-" in each else [f"{each}{number}" for number in range(3)])
    ]


async def test_one_task_one_state_one_group_and_all_queues_can_be_chosen(redis_url, redis_client):
    store(redis_client, "pending", "a")
    store(redis_client, "archived", "b")
    store(redis_client, "aggregating", "c", group="g")
    store(redis_client, "aggregating", "d", group="h")
    store(redis_client, "archived", "e", queue="ads")

    async def ids(*given, **options):
        return [line["id"] for line in await exported(redis_url, *given, **options)]

    assert await ids("mail", state="archived") == ["b"]
    assert await ids(state="archived") == ["e", "b"]
    assert await ids("mail", group="g") == ["c"]
    assert await ids("mail", task_id="d") == ["d"]
    assert await ids() == ["e", "c", "d", "a", "b"]


async def test_one_task_is_the_line_that_it_is_among_all(redis_url, redis_client):
    for state in STATES:
        store(redis_client, state, state)
    redis_client.hset(KEYS.task("c"), mapping={"msg": make_data(), "state": "aggregating"})
    store(redis_client, "aggregating", "c", group="g")
    redis_client.hset(KEYS.task("c"), "group", "g")

    every = await exported(redis_url, "mail")
    singly = [(await exported(redis_url, "mail", task_id=line["id"]))[0] for line in every]

    assert singly == every


async def test_members_of_a_group_that_is_being_aggregated_belong_to_it(redis_url, redis_client):
    store(redis_client, "aggregating", "a", group="g")
    redis_client.hset(KEYS.task("b"), mapping={"msg": make_data(), "state": "aggregating"})
    staged = KEYS.aggregation_set("g", "b2c3")
    redis_client.zadd(staged, {"b": 7})
    redis_client.zadd(KEYS.aggregation_sets, {staged: FAR_S})

    for chosen in ({}, {"group": "g"}):
        found = await exported(redis_url, "mail", **chosen)
        assert [(line["id"], line["group"]) for line in found] == [("a", "g"), ("b", "g")]
    assert await exported(redis_url, "mail", group="other") == []


@pytest.mark.parametrize(
    ("fields", "reason", "is_exported"),
    [
        ({"msg": b"\xff", "state": "pending"}, "the bytes are not a task message", True),
        ({"msg": b"", "state": "pending"}, "its message is empty", True),
        ({"state": "pending"}, "its message is empty", True),
        ({"msg": make_data(), "state": "odd"}, None, True),
        (None, "it is listed, but there is no such task", False),
        ({str(number): "x" for number in range(1001)}, "has 1001 fields", False),
    ],
)
async def test_damaged_tasks_are_told_and_those_with_a_hash_are_exported(
    fields, reason, is_exported, redis_url, redis_client
):
    store(redis_client, "pending", "a")
    redis_client.delete(KEYS.task("a"))
    if fields is not None:
        redis_client.hset(KEYS.task("a"), mapping=fields)
    told = []

    found = await exported(redis_url, "mail", on_damaged=told.append)

    assert [each.id for each in told] == ([] if reason is None else ["a"])
    assert reason is None or reason in told[0].reason
    assert len(found) == is_exported


async def test_keys_of_another_type_are_told_and_hide_no_other_task(redis_url, redis_client):
    store(redis_client, "pending", "a")
    store(redis_client, "retry", "b")
    redis_client.delete(KEYS.task("b"))
    redis_client.set(KEYS.task("b"), "no hash")
    redis_client.set(KEYS.scheduled, "no set")
    told = []

    found = await exported(redis_url, "mail", on_damaged=told.append)

    assert [line["id"] for line in found] == ["a"]
    assert [(each.id, each.state.value) for each in told] == [("", "scheduled"), ("b", "retry")]
    assert "another type" in told[1].reason


async def test_queues_whose_names_cannot_be_used_are_told(redis_url, redis_client):
    store(redis_client, "pending", "a")
    redis_client.sadd("asynq:queues", " ", b"\xff")
    told = []

    found = await exported(redis_url, on_damaged=told.append)

    assert [line["id"] for line in found] == ["a"]
    assert [each.queue for each in told] == [" ", "\udcff"]
    assert all("its name cannot be used" in each.reason for each in told)


@pytest.mark.parametrize("change", ["pushes", "pops"])
async def test_no_task_that_stays_is_left_out_while_others_come_and_go(
    change, redis_url, redis_client
):
    names = [f"t{number:04}" for number in range(1000)]
    for name in names:
        redis_client.hset(KEYS.task(name), mapping={"msg": make_data(id=name), "state": "pending"})
    redis_client.lpush(KEYS.pending, *names)
    redis_client.sadd("asynq:queues", "mail")
    found = []

    async with AsyncInspector(redis_url) as inspector:
        async for line in inspector.tasks.export("mail", state="pending"):
            found.append(json.loads(line)["id"])
            if change == "pops" and len(found) in (200, 400):
                redis_client.rpop(KEYS.pending, 150)
            elif len(found) in (200, 400, 600, 800, 1000):
                new = [f"n{len(found)}-{number}" for number in range(300)]
                redis_client.lpush(KEYS.pending, *new)

    assert [name for name in found if name in names] == names


async def test_what_contradicts_itself_or_does_not_exist_is_told(redis_url, redis_client):
    store(redis_client, "pending", "a")
    redis_client.hset(KEYS.task("odd"), mapping={"msg": make_data(), "state": "odd"})

    for kind, given in [
        (QueueNotFoundError, {"queue": "ads"}),
        (QueueNotFoundError, {"queue": "ads", "task_id": "a"}),
        (TaskNotFoundError, {"queue": "mail", "task_id": "b"}),
        (PayloadError, {"queue": "mail", "task_id": "odd"}),
        (ConfigError, {"task_id": "a"}),
        (ConfigError, {"group": "g"}),
        (ConfigError, {"queue": " "}),
        (ConfigError, {"queue": "mail", "state": "pendng"}),
        (ConfigError, {"queue": "mail", "state": "retry", "group": "g"}),
        (ConfigError, {"queue": "mail", "state": "retry", "task_id": "a"}),
    ]:
        with pytest.raises(kind):
            await exported(redis_url, **given)


async def test_a_queue_in_every_state_is_the_same_in_another_redis(redis_url, redis_client):
    async with AsyncClient(redis_url) as client:
        await client.enqueue(Task("email", b"\xff"), queue="mail", unique=600, task_id="p1")
        await client.enqueue(
            Task("email", b"{}", headers={"k": "v"}), queue="mail", task_id="p2", expires=600
        )
        await client.enqueue(Task("email"), queue="mail", task_id="s", process_in=60, unique=60)
        await client.enqueue(Task("email", b"1"), queue="mail", task_id="g1", group="g", unique=90)
        await client.enqueue(Task("email"), queue="mail", task_id="g2", group="g", retention=60)
    for state in ("retry", "archived", "completed"):
        store(redis_client, state, state, result=b"x", error_msg="no", completed_at=5)
    make_active(redis_client, "run1", "run2", lease_s=FAR_S, owner="me")
    redis_client.zadd(KEYS.archived, {"b0": 1.5, "b1": float("inf")})
    redis_client.hset(KEYS.task("b0"), mapping={"msg": b"\xff\x00", "state": "archived"})
    redis_client.hset(KEYS.task("b1"), mapping={"msg": b"", "state": "odd", b"\xff": b"\xfe"})
    before = dump(redis_client)

    async with AsyncInspector(redis_url) as inspector:
        lines = [str(line) async for line in inspector.tasks.export("mail")]
        redis_client.flushall()
        result = await inspector.tasks.import_(lines, active="active")

    assert (result.imported, result.skipped, result.bad) == (12, 0, 0)
    after = dump(redis_client)
    assert {key: each[:2] for key, each in after.items()} == {
        key: each[:2] for key, each in before.items()
    }
    assert {key: each[2] is None for key, each in after.items()} == {
        key: each[2] is None for key, each in before.items()
    }
