"""Every option that one language sets is read back the same by the other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyasynq.errors import TaskIdConflictError
from pyasynq.worker.handlers.mux import ServeMux
from tests.interop.peer import as_go_shows
from tests.support.eventually import eventually_async

LATE = datetime(2100, 1, 1, tzinfo=UTC)
LATE_S = 4_102_444_800

# What a task is, in the words of Go's inspector, if nothing is given.
PLAIN = {
    "queue": "default",
    "type": "email",
    "payload": b"{}",
    "headers": {},
    "state": "pending",
    "max_retry": 25,
    "retried": 0,
    "last_error": "",
    "last_failed_at": None,
    "timeout_s": 1800,
    "deadline": None,
    "group": "",
    "retention_s": 0,
    "completed_at": None,
    "result": b"",
}

# Options, and what they change.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "max_retry": ({"max_retry": 7}, {"max_retry": 7}),
    "no retry": ({"max_retry": 0}, {"max_retry": 0}),
    "queue": ({"queue": "Post:é"}, {"queue": "Post:é"}),
    "task_id": ({"task_id": "order:1 é"}, {"id": "order:1 é"}),
    "timeout": ({"timeout": 90}, {"timeout_s": 90}),
    "deadline": ({"deadline": LATE}, {"deadline": LATE_S, "timeout_s": 0}),
    "both limits": ({"deadline": LATE, "timeout": 5}, {"deadline": LATE_S, "timeout_s": 5}),
    "no limit": ({"timeout": 0}, {"timeout_s": 1800}),
    "unique": ({"unique": 600}, {}),
    "process_at": ({"process_at": LATE}, {"state": "scheduled", "next_process_at": LATE_S}),
    "retention": ({"retention": 3600}, {"retention_s": 3600}),
    "group": ({"group": "mail é"}, {"group": "mail é", "state": "aggregating"}),
    "group later": (
        {"group": "mail", "process_at": LATE},
        {"group": "mail", "state": "scheduled", "next_process_at": LATE_S},
    ),
    "headers": ({"headers": {"k": "v", "é": "✓", "none": ""}},) * 2,
}

each_case = pytest.mark.parametrize(("options", "change"), CASES.values(), ids=CASES)


def expected(found: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return what should be found; an ID and the present moment are free, unless *change* says."""
    free = {"id": found["id"], "next_process_at": found["next_process_at"]}
    return {**PLAIN, **free, **change}


@each_case
async def test_go_reads_the_options_that_python_set(peer, work, options, change):
    info = await work.enqueue("email", **options)

    found = await peer.get(info.queue, info.id)

    assert found["id"] == info.id
    assert found == expected(found, change)


@each_case
async def test_python_reads_the_options_that_go_set(peer, work, inspector, options, change):
    enqueued = await peer.enqueue("email", **options)

    found = as_go_shows(await inspector.tasks.get(enqueued["queue"], enqueued["id"]))

    assert found["id"] == enqueued["id"]
    assert found == expected(found, change)


@each_case
async def test_both_clients_answer_alike(peer, work, options, change):
    ours = as_go_shows(await work.enqueue("email", **options))
    work.redis.flushall()
    theirs = await peer.enqueue("email", **options)

    free = {name: ours[name] for name in ("id", "next_process_at") if name not in change}
    assert ours == {**theirs, **free}


async def test_process_in_counts_from_now_in_both_languages(peer, work, inspector):
    before = datetime.now(UTC)
    info = await work.enqueue("email", process_in=600)
    enqueued = await peer.enqueue("email", process_in=600)
    after = datetime.now(UTC)

    in_go = (await peer.get("default", info.id))["next_process_at"]
    in_python = (await inspector.tasks.get("default", enqueued["id"])).next_process_at
    earliest, latest = before + timedelta(seconds=599), after + timedelta(seconds=600)
    assert earliest.timestamp() < in_go <= latest.timestamp()
    assert earliest < in_python <= latest


@pytest.mark.parametrize(
    ("options", "longest"), [({}, 600), ({"process_in": 60}, 660)], ids=["now", "later"]
)
async def test_the_lock_of_a_unique_task_lives_equally_long(peer, work, options, longest):
    lock = "asynq:{default}:unique:email:99914b932bd37a50b983c5e7c90ae93b"
    await work.enqueue("email", unique=600, **options)
    ours = work.redis.ttl(lock)
    work.redis.flushall()
    await peer.enqueue("email", unique=600, **options)
    theirs = work.redis.ttl(lock)

    assert longest - 20 < ours <= longest
    assert longest - 20 < theirs <= longest


async def test_go_lists_the_group_of_a_python_task(peer, work):
    info = await work.enqueue("email", group="mail")
    await work.enqueue("email", group="other")

    found = await peer.run("group", "default", "mail")

    assert [line["id"] for line in found] == [info.id]


GIVEN = {
    "queue": "critical",
    "task_id": "order:1",
    "max_retry": 7,
    "deadline": LATE,
    "retention": 3600,
    "headers": {"é": "✓"},
}
SEEN = {
    "id": "order:1",
    "queue": "critical",
    "type": "email",
    "payload": b"{}",
    "headers": {"é": "✓"},
    "retried": 0,
    "max_retry": 7,
    "deadline": LATE_S,
}


async def test_a_go_handler_sees_what_python_set(peer, work):
    worker = await peer.serve("critical")
    info = await work.enqueue("email", **GIVEN)
    await work.until(info, "completed")

    (seen,) = worker.printed
    del seen["at"]
    assert seen == SEEN


async def test_a_python_handler_sees_what_go_set(peer, work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(
            {
                "id": ctx.task_id,
                "queue": ctx.queue,
                "type": ctx.task_type,
                "payload": task.payload,
                "headers": dict(ctx.headers),
                "retried": ctx.retry_count,
                "max_retry": ctx.max_retry,
                "deadline": int(ctx.deadline.timestamp()),
                "retention": ctx.retention,
            }
        )

    await peer.enqueue("email", **GIVEN)
    async with work.serving(mux, queues={"critical": 1}):
        await eventually_async(lambda: work.count("processed", "critical") == 1)

    assert seen == [{**SEEN, "retention": timedelta(hours=1)}]


async def test_the_timeout_of_either_language_is_the_deadline_in_the_other(peer, work):
    remaining = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        remaining.append(ctx.remaining().total_seconds())

    await peer.enqueue("email", timeout=90)
    async with work.serving(mux):
        await eventually_async(lambda: work.count("processed") == 1)
    worker = await peer.serve()
    await work.enqueue("email", timeout=90)
    await eventually_async(lambda: worker.printed)

    assert 80 < remaining[0] <= 90
    assert 89 <= worker.printed[0]["deadline"] - worker.printed[0]["at"] <= 91


async def test_an_id_taken_by_go_is_refused_to_python(peer, work):
    await peer.enqueue("email", task_id="a")

    with pytest.raises(TaskIdConflictError) as caught:
        await work.enqueue("email", task_id="a")

    assert (caught.value.task_id, caught.value.state) == ("a", "pending")


async def test_an_id_taken_by_python_is_refused_to_go(peer, work):
    await work.enqueue("email", task_id="a")

    answer = await peer.enqueue("email", task_id="a")

    assert answer == {"refused": "ErrTaskIDConflict"}
