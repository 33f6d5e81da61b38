"""Why a task does not run, read from Redis; the blocking twin of this file is generated."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.clock import FakeClock
from pyasynq.errors import ConfigError, DuplicateTaskError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.handled import Handled, HandledGroups, encode
from pyasynq.wire.records import ServerRecord, WorkerRecord, encode_server, encode_worker
from tests.support.clocks import HOUR_S, WrongClock
from tests.support.counting_proxy import CountingProxy
from tests.support.garbage import GARBAGE
from tests.support.golden_state import dump
from tests.support.stored_tasks import store
from tests.support.waiting import refused

NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
NOW_S = 2_000_000_000
EMAIL = Handled(types=("email",), groups=(HandledGroups(pattern="*", grace_s=60),))


@pytest.fixture
async def inspector(redis_url):
    async with AsyncInspector(redis_url, clock=FakeClock(NOW)) as inspector:
        yield inspector


def show_server(client, host="h", *, handled=EMAIL, workers=(), expires_s=NOW_S + 10, **fields):
    """Write what a server writes of itself; a server in Go has no *handled*."""
    name = f"{{{host}:1:{host}}}"
    values = {"queues": {"mail": 1}, "concurrency": 2, "status": "active", **fields}
    record = ServerRecord(host=host, pid=1, server_id=host, **values)
    client.zadd("asynq:servers", {f"asynq:servers:{name}": expires_s})
    client.set(f"asynq:servers:{name}", encode_server(record))
    if handled is not None:
        client.set(f"asynq:x:handled:{name}", encode(handled))
    for worker in workers:
        client.hset(f"asynq:workers:{name}", worker.task_id, encode_worker(worker))


def worker(task_id="a", **fields):
    values = {"task_type": "report", "queue": "mail", "started_ns": (NOW_S - 60) * 10**9, **fields}
    return WorkerRecord(task_id=task_id, **values)


def codes(found):
    return [(each.severity, each.code) for each in found]


async def test_a_task_that_waits_for_nothing_should_run(inspector, redis_client):
    show_server(redis_client)
    store(redis_client, "pending", "a")
    redis_client.hset("asynq:{mail}:t:a", "pending_since", (NOW_S - 4) * 10**9)

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.severity, found.code) == ("info", "should_run")
    assert found.evidence == {
        "servers": ["h:1"],
        "free_slots": 2,
        "ahead": 0,
        "pending_since": NOW - timedelta(seconds=4),
    }


async def test_the_position_counts_from_the_task_that_is_fetched_next(inspector, redis_client):
    show_server(redis_client)
    for task_id in "abc":
        store(redis_client, "pending", task_id)

    found = await inspector.tasks.explain("mail", "c")

    assert codes(found) == [("info", "behind_others"), ("info", "should_run")]
    assert (found[0].evidence["ahead"], found[0].evidence["pending"]) == (2, 3)


async def test_a_server_whose_time_is_over_does_not_count(inspector, redis_client):
    show_server(redis_client, expires_s=NOW_S - 1)
    store(redis_client, "pending", "a")

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.code, found.evidence["live_servers"]) == ("no_server", 0)


async def test_a_pause_is_told_with_all_that_was_said_about_it(inspector, redis_client):
    show_server(redis_client)
    store(redis_client, "pending", "a")
    until = NOW + timedelta(days=10_000)
    await inspector.queues.pause("mail", by="ann", reason="deploy", until=until)

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.severity, found.code) == ("warning", "paused")
    assert found.evidence == {
        "queue": "mail",
        "since": NOW,
        "by": "ann",
        "reason": "deploy",
        "until": until,
    }


async def test_taken_slots_are_told_with_what_takes_them(inspector, redis_client):
    show_server(redis_client, active_worker_count=2, workers=[worker("x"), worker("y")])
    store(redis_client, "pending", "a")

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.severity, found.code) == ("warning", "slots_taken")
    assert found.evidence["longest_running"][0] == {
        "queue": "mail",
        "task_id": "x",
        "type": "report",
        "started_at": NOW - timedelta(seconds=60),
    }


async def test_a_busier_queue_of_higher_priority_is_told_unless_it_is_paused(
    inspector, redis_client
):
    show_server(redis_client, queues={"mail": 1, "high": 2}, strict_priority=True)
    store(redis_client, "pending", "a")
    store(redis_client, "pending", "b", queue="high")

    first = await inspector.tasks.explain("mail", "a")
    await inspector.queues.pause("high")
    second = await inspector.tasks.explain("mail", "a")

    assert codes(first) == [("warning", "higher_queue_busy")]
    assert first[0].evidence["pending"] == {"high": 1}
    assert codes(second) == [("info", "should_run")]


async def test_a_type_without_a_handler_is_told_as_far_as_it_is_known(inspector, redis_client):
    show_server(redis_client, handled=Handled(types=("emails:*",)))
    store(redis_client, "pending", "a")

    first = await inspector.tasks.explain("mail", "a")
    show_server(redis_client, "go", handled=None)
    second = await inspector.tasks.explain("mail", "a")
    show_server(redis_client, "good")
    third = await inspector.tasks.explain("mail", "a")

    assert codes(first) == [("error", "no_handler")]
    assert codes(second) == [("warning", "no_handler")]
    assert codes(third) == [("warning", "handler_missing_at_some")]
    assert second[0].evidence["servers_not_known"] == ["go:1"]


@pytest.mark.parametrize(("state", "due_s"), [("scheduled", 60), ("retry", 60), ("retry", -60)])
async def test_it_is_told_when_a_task_is_due(inspector, redis_client, state, due_s):
    show_server(redis_client)
    message = {"error_msg": "no mail", "last_failed_at": NOW_S - 5} if state == "retry" else {}
    store(redis_client, state, "a", score=NOW_S + due_s, **message)

    found = await inspector.tasks.explain("mail", "a")

    expected = [("info", "not_due")] if due_s > 0 else [("warning", "overdue")]
    assert codes(found) == expected + ([("info", "last_error")] if message else [])
    assert found[0].evidence["due_at"] == NOW + timedelta(seconds=due_s)


async def test_it_is_told_which_limit_a_group_waits_for(inspector, redis_client):
    groups = (HandledGroups(pattern="*", grace_s=60, max_delay_s=300, max_size=20),)
    show_server(redis_client, handled=Handled(groups=groups))
    store(redis_client, "aggregating", "a", group="g", score=NOW_S - 100)
    store(redis_client, "aggregating", "b", group="g", score=NOW_S - 10)
    redis_client.hset("asynq:{mail}:t:a", "group", "g")

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.severity, found.code) == ("info", "group_waits")
    assert found.evidence == {
        "group": "g",
        "size": 2,
        "due_at": NOW + timedelta(seconds=50),
        "oldest_at": NOW - timedelta(seconds=100),
        "newest_at": NOW - timedelta(seconds=10),
        "grace_period": timedelta(seconds=60),
        "max_delay": timedelta(seconds=300),
        "max_size": 20,
    }


async def test_a_group_that_is_being_aggregated_is_told_with_its_deadline(inspector, redis_client):
    show_server(redis_client)
    store(redis_client, "aggregating", "a", group="g")
    redis_client.hset("asynq:{mail}:t:a", "group", "g")
    redis_client.rename("asynq:{mail}:g:g", "asynq:{mail}:g:g:set")
    redis_client.zadd("asynq:{mail}:aggregation_sets", {"asynq:{mail}:g:g:set": NOW_S + 30})

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.code, found.evidence["deadline"]) == (
        "being_aggregated",
        NOW + timedelta(seconds=30),
    )


async def test_a_group_that_is_not_listed_is_told(inspector, redis_client):
    show_server(redis_client)
    store(redis_client, "aggregating", "a", group="g", score=NOW_S - 100)
    redis_client.hset("asynq:{mail}:t:a", "group", "g")
    redis_client.delete("asynq:{mail}:groups")

    found = await inspector.tasks.explain("mail", "a")

    assert codes(found) == [("warning", "group_not_listed"), ("warning", "group_overdue")]


async def test_it_is_not_known_whether_servers_in_go_aggregate_a_group(inspector, redis_client):
    show_server(redis_client, handled=None)
    store(redis_client, "aggregating", "a", group="g", score=NOW_S - 100)
    redis_client.hset("asynq:{mail}:t:a", "group", "g")

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.code, found.evidence["servers"]) == ("aggregators_not_known", ["h:1"])


async def test_a_running_task_is_told_with_its_server(inspector, redis_client):
    deadline_ns = (NOW_S + 600) * 10**9
    other = worker(queue="low")
    show_server(redis_client, "other", queues={"low": 1}, workers=[other])
    show_server(redis_client, workers=[worker(deadline_ns=deadline_ns)])
    store(redis_client, "active", "a", score=NOW_S + 20)

    (found,) = await inspector.tasks.explain("mail", "a")

    assert found.code == "running"
    assert found.evidence == {
        "lease_ends_at": NOW + timedelta(seconds=20),
        "redis_time": NOW,
        "server": "h:1",
        "server_id": "h",
        "started_at": NOW - timedelta(seconds=60),
        "deadline": NOW + timedelta(seconds=600),
    }


@pytest.mark.parametrize(("lease_s", "code"), [(20, "worker_not_shown"), (-20, "orphaned")])
async def test_an_active_task_that_nobody_shows_is_told(inspector, redis_client, lease_s, code):
    show_server(redis_client)
    store(redis_client, "active", "a", score=NOW_S + lease_s)

    (found,) = await inspector.tasks.explain("mail", "a")

    assert (found.severity, found.code) == ("warning", code)


async def test_tasks_that_have_ended_are_told(inspector, redis_client):
    store(redis_client, "archived", "a", score=NOW_S - 60, error_msg="no mail", retried=3)
    store(redis_client, "completed", "b", score=NOW_S + 60, completed_at=NOW_S - 1, retention=61)

    (archived,) = await inspector.tasks.explain("mail", "a")
    (completed,) = await inspector.tasks.explain("mail", "b")

    assert (archived.code, archived.evidence["archived_at"]) == (
        "archived",
        NOW - timedelta(seconds=60),
    )
    assert (completed.code, completed.evidence["kept_until"]) == (
        "completed",
        NOW + timedelta(seconds=60),
    )


async def test_an_unknown_id_is_looked_for_in_other_queues_and_among_similar_ones(
    inspector, redis_client
):
    long = "2f0c3a9e-1111-4222-8333-444455556666"
    store(redis_client, "archived", long)
    store(redis_client, "scheduled", "9d7b")
    store(redis_client, "retry", long[:8], queue="low")

    found = await inspector.tasks.explain("mail", long[:8])

    assert codes(found) == [
        ("error", "unknown_id"),
        ("info", "same_id_elsewhere"),
        ("info", "similar_id"),
        ("info", "may_be_done"),
    ]
    assert found[1].evidence == {"queue": "low", "state": "retry"}
    assert found[2].evidence == {"task_id": long, "state": "archived"}


async def test_similar_ids_are_found_at_both_ends_of_a_long_queue(inspector, redis_client):
    store(redis_client, "pending", "oldest-task")
    redis_client.lpush("asynq:{mail}:pending", *(f"{number:09}" for number in range(1000)))
    store(redis_client, "pending", "newest-task")

    oldest = await inspector.tasks.explain("mail", "oldest")
    newest = await inspector.tasks.explain("mail", "newest")

    assert [each.evidence["task_id"] for each in (oldest[1], newest[1])] == [
        "oldest-task",
        "newest-task",
    ]


async def test_an_unknown_queue_is_told_with_the_one_that_may_be_meant(inspector, redis_client):
    store(redis_client, "pending", "a")

    found = await inspector.tasks.explain("mails", "a")

    assert codes(found) == [("error", "unknown_queue"), ("info", "same_id_elsewhere")]
    assert found[0].evidence["near"] == "mail"


async def test_damage_is_told(inspector, redis_client):
    show_server(redis_client)
    for task_id in ("ghost", "text", "broken", "odd", "unlisted"):
        store(redis_client, "pending", task_id)
    redis_client.delete("asynq:{mail}:t:ghost", "asynq:{mail}:t:text")
    redis_client.set("asynq:{mail}:t:text", "x")
    redis_client.hset("asynq:{mail}:t:broken", "msg", b"\xff")
    redis_client.hset("asynq:{mail}:t:odd", "state", "lost")
    redis_client.lrem("asynq:{mail}:pending", 0, "unlisted")

    found = {
        task_id: [each.code for each in await inspector.tasks.explain("mail", task_id)]
        for task_id in ("ghost", "text", "broken", "odd", "unlisted")
    }

    assert found == {
        "ghost": ["task_missing"],
        "text": ["wrong_type"],
        "broken": ["damaged"],
        "odd": ["unknown_state"],
        "unlisted": ["not_listed"],
    }


async def test_keys_of_other_types_are_told_and_hide_nothing_else(inspector, redis_client):
    store(redis_client, "pending", "a")
    redis_client.set("asynq:servers", "x")
    redis_client.set("asynq:{mail}:paused", NOW_S)

    found = await inspector.tasks.explain("mail", "a")

    assert codes(found) == [("error", "paused"), ("warning", "not_readable")]
    assert "asynq:servers" in found[1].evidence["error"]


async def test_what_redis_refuses_hides_nothing_else(inspector, redis_client):
    show_server(redis_client, handled=Handled(types=()))
    store(redis_client, "pending", "a")
    store(redis_client, "pending", "b", queue="low")

    with refused(redis_client, "smembers", "zrevrange", "llen", "time"):
        found = await inspector.tasks.explain("mail", "a")

    assert codes(found) == [("warning", "not_readable")] * 2
    assert [each.evidence["what"] for each in found] == ["servers", "names of queues"]
    assert "zrevrange" in found[0].evidence["error"]


async def test_whatever_a_task_holds_it_is_explained(inspector, redis_client):
    show_server(redis_client)
    for state in ("pending", "active", "scheduled", "retry", "archived", "completed"):
        for number, value in enumerate(GARBAGE):
            task_id = f"{state}{number}"
            store(redis_client, state, task_id)
            fields = ("pending_since", "expires_at", "process_at_ns", "group", "unique_key")
            redis_client.hset(f"asynq:{{mail}}:t:{task_id}", mapping=dict.fromkeys(fields, value))

            assert await inspector.tasks.explain("mail", task_id)


async def test_a_refused_enqueue_is_explained_by_the_holder_of_the_lock(
    inspector, redis_url, redis_client
):
    task = Task("email", b"{}", options=EnqueueOptions(queue="mail", unique=600))
    async with AsyncClient(redis_url) as client:
        free = await inspector.tasks.explain_enqueue(task)
        held = await client.enqueue(task, task_id="first")
        with pytest.raises(DuplicateTaskError):
            await client.enqueue(task)

    found = await inspector.tasks.explain_enqueue(task, task_id="first")
    other = await inspector.tasks.explain_enqueue(Task("email", b"[]"), queue="mail")
    keyed = await inspector.tasks.explain_enqueue(task, unique_key="k")
    redis_client.delete(f"asynq:{{mail}}:t:{held.id}")
    redis_client.delete("asynq:{mail}:pending")
    gone = await inspector.tasks.explain_enqueue(task)

    assert codes(found) == [("error", "id_taken"), ("error", "lock_held"), ("error", "no_server")]
    assert (found[1].evidence["holder"], found[1].evidence["state"]) == ("first", "pending")
    assert timedelta(0) < found[1].evidence["ends_in"] <= timedelta(seconds=600)
    assert codes(free) == codes(other) == codes(keyed) == [("info", "lock_free")]
    assert codes(gone) == [("error", "lock_without_task")]


async def test_wrong_arguments_are_refused(inspector):
    with pytest.raises(ConfigError, match="task_id must not be blank"):
        await inspector.tasks.explain("mail", " ")
    with pytest.raises(ConfigError, match="queue must not be blank"):
        await inspector.tasks.explain("", "a")
    with pytest.raises(ConfigError, match="explain_enqueue takes a Task, not str"):
        await inspector.tasks.explain_enqueue("email")
    with pytest.raises(ConfigError, match="unique_key must not be blank"):
        await inspector.tasks.explain_enqueue(Task("email"), unique_key="")


@pytest.mark.parametrize("task_id", ["a", "s", "x", "nowhere"])
async def test_it_takes_two_round_trips_and_changes_nothing(redis_server, redis_client, task_id):
    show_server(redis_client)
    store(redis_client, "pending", "a")
    store(redis_client, "scheduled", "s")
    store(redis_client, "archived", "x")
    for number in range(20):
        store(redis_client, "pending", str(number), queue=f"other{number}")
        show_server(redis_client, f"h{number}", expires_s=NOW_S - 1)
    before = dump(redis_client)

    with CountingProxy(redis_server.port) as proxy:
        async with AsyncInspector(proxy.url, clock=FakeClock(NOW)) as inspector:
            await inspector.tasks.explain("mail", task_id)  # connects, and loads the scripts
            proxy.count.round_trips = 0
            await inspector.tasks.explain("mail", task_id)
            trips = proxy.count.round_trips

    assert trips == (1 if task_id == "x" else 2)
    assert dump(redis_client) == before


async def test_a_wrong_clock_of_this_machine_hides_no_server(redis_url, redis_client):
    store(redis_client, "scheduled", "a")
    now_s = redis_client.time()[0]
    show_server(redis_client, expires_s=now_s + 10)
    clock = WrongClock(ahead_s=HOUR_S)

    async with AsyncInspector(redis_url, clock=clock) as inspector:
        found = await inspector.tasks.explain("mail", "a")

    assert codes(found) == [("warning", "clock_offset"), ("info", "not_due")]
    assert -3601 < found[0].evidence["redis_ahead_s"] < -3599
