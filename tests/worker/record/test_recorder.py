"""Attempts of tasks are kept, whatever runs them and however they end; and harm none."""

import asyncio
import gc
import weakref

import pytest

from pyasynq import App, retry
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.inspector import AsyncInspector
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.record import recorder
from pyasynq.worker.task_history import TaskHistory
from tests.support import process_handlers
from tests.support.eventually import eventually_async
from tests.support.listening import make_mux, succeed

KEYS = queue_keys("default")
KEPT = {"task_history": TaskHistory()}


async def attempts_of(work, info):
    async with AsyncInspector(work.url) as inspector:
        return await inspector.tasks.attempts(info.queue, info.id)


def ends(attempts):
    return [(each.number, each.outcome, each.then) for each in attempts]


async def test_an_attempt_is_kept_with_who_ran_it_and_how_long(work):
    info = await work.enqueue("email", retention=60)
    async with work.serving(make_mux(succeed), **KEPT) as server:
        await work.until(info, "completed")

    (attempt,) = await attempts_of(work, info)
    assert (attempt.number, attempt.outcome, attempt.then) == (1, "succeeded", "completed")
    assert (attempt.server_id, attempt.error, attempt.retry_at) == (server.id, "", None)
    assert attempt.pid > 0
    assert attempt.host
    assert attempt.duration >= attempt.waited * 0
    assert attempt.started_at <= attempt.ended_at


async def test_failures_are_kept_with_their_errors_and_tracebacks(work):
    async def fail(ctx, task):
        raise ValueError("too wide")

    info = await work.enqueue("email", max_retry=1)
    async with work.serving(make_mux(fail), retry_delay=retry.fixed(0.05), **KEPT):
        await work.until(info, "archived")

    last, first = await attempts_of(work, info)
    assert ends([last, first]) == [(2, "failed", "archived"), (1, "failed", "retried")]
    assert first.error.startswith("ValueError: too wide [")
    assert first.traceback.endswith("ValueError: too wide")
    assert 'raise ValueError("too wide")' in first.traceback
    assert first.ended_at < first.retry_at
    assert last.retry_at is None


@pytest.mark.parametrize(
    ("error", "outcome", "then"),
    [
        (SkipRetry("no use"), "skipped_retry", "archived"),
        (RetryLater(3600), "deferred", "retried"),
        (RevokeTask(), "revoked", "deleted"),
        (KeyError("not counted"), "failed", "retried"),
    ],
)
async def test_an_attempt_tells_how_it_ended(work, error, outcome, then):
    async def handle(ctx, task):
        raise error

    info = await work.enqueue("email")
    async with work.serving(
        make_mux(handle),
        is_failure=lambda error: not isinstance(error, KeyError),
        retry_delay=retry.fixed(3600),
        **KEPT,
    ) as server:
        state = {"deleted": None, "retried": "retry", "archived": "archived"}[then]
        await work.until_written(server, info, state)

    assert ends(await attempts_of(work, info)) == [(1, outcome, then)]


async def test_an_attempt_whose_time_is_up_or_that_is_cancelled_is_kept_as_such(work):
    async def wait(ctx, task):
        await asyncio.Event().wait()

    late = await work.enqueue("email", timeout=1, max_retry=0)
    infos = [await work.enqueue("email", max_retry=9) for _ in range(3)]
    async with work.serving(make_mux(wait), **KEPT), AsyncInspector(work.url) as inspector:
        for info, then in zip(infos, ("retry", "archive", "drop"), strict=True):
            await work.until(info, "active")
            await inspector.tasks.cancel(info.id, queue=info.queue, then=then)
        await work.until(late, "archived")
        await work.until(infos[2], None)

    assert ends(await attempts_of(work, late)) == [(1, "timed_out", "archived")]
    assert [ends(await attempts_of(work, each))[0] for each in infos] == [
        (1, "cancelled", "retried"),
        (1, "cancelled", "archived"),
        (1, "cancelled", "deleted"),
    ]


async def test_an_attempt_that_the_stop_of_its_server_ends_is_kept(work):
    started = asyncio.Event()

    async def wait(ctx, task):
        started.set()
        await asyncio.Event().wait()

    info = await work.enqueue("email")
    async with work.serving(make_mux(wait), shutdown_timeout=0, **KEPT):
        await started.wait()

    assert ends(await attempts_of(work, info)) == [(1, "requeued", "requeued")]


async def test_a_plain_handler_and_one_in_a_process_are_kept_alike(work):
    mux = ServeMux()

    def fail(ctx, task):
        raise ValueError("plain")

    mux.add("plain", fail)
    for each in process_handlers.mux.routes:
        if each.pattern in ("fail", "describe"):
            mux.add(each.pattern, each.handler, settings=each.settings)
    infos = [await work.enqueue(each, max_retry=0, retention=60) for each in ("plain", "describe")]
    async with work.serving(mux, **KEPT):
        await work.until(infos[0], "archived")
        await work.until(infos[1], "completed")

    plain, describe = [await attempts_of(work, each) for each in infos]
    assert ends(plain) == [(1, "failed", "archived")]
    assert plain[0].traceback.endswith("ValueError: plain")
    assert ends(describe) == [(1, "succeeded", "completed")]


async def test_the_task_that_replaces_a_group_is_kept(work):
    mux = make_mux(succeed)
    mux.aggregator("*")(lambda group, tasks: Task("email", b"{}"))
    for payload in (b"1", b"2"):
        await work.enqueue("email", payload, group="g")
    async with work.serving(mux, group_max_size=2, group_grace_period=1, **KEPT):
        await eventually_async(lambda: work.count("processed") == 1)

    assert work.redis.zcard(KEYS.attempts) == 1


async def test_an_attempt_that_goes_on_can_be_seen_and_so_can_its_recovery(work, monkeypatch):
    monkeypatch.setattr(recorder, "INTERVAL_S", 0.1)
    started, ends_now = asyncio.Event(), asyncio.Event()

    async def wait(ctx, task):
        started.set()
        await ends_now.wait()

    info = await work.enqueue("email", max_retry=3)
    async with work.serving(make_mux(wait), **KEPT) as server:
        await started.wait()
        await eventually_async(lambda: work.redis.exists(KEYS.attempts_of(info.id)))
        (running,) = await attempts_of(work, info)
        # As if its server had been killed, and another one had found it.
        work.redis.zadd(KEYS.lease, {info.id: 1})
        work.redis.hset(KEYS.task(info.id), "owner", "another")
        async with work.serving(make_mux(succeed), retry_delay=retry.fixed(3600), **KEPT):
            await work.until(info, "retry")
        ends_now.set()

    (lost,) = await attempts_of(work, info)
    assert (running.outcome, running.ended_at, running.server_id) == ("running", None, server.id)
    assert (lost.outcome, lost.then, lost.server_id) == ("lost", "retried", server.id)
    assert lost.error == "asynq: task lease expired"


async def test_only_the_last_attempts_are_kept(work):
    async def fail(ctx, task):
        raise ValueError

    info = await work.enqueue("email", max_retry=4)
    async with work.serving(
        make_mux(fail), retry_delay=retry.fixed(0.01), task_history=TaskHistory(attempts=2)
    ):
        await work.until(info, "archived")

    assert [each.number for each in await attempts_of(work, info)] == [5, 4]


async def test_a_task_that_is_deleted_leaves_its_attempts_for_a_shorter_time(work):
    async def handle(ctx, task):
        if task.payload == b"fail":
            raise ValueError

    kept = TaskHistory(keep=1000, keep_deleted=100)
    infos = [await work.enqueue("email", each, max_retry=0) for each in (b"fail", b"done")]
    async with work.serving(make_mux(handle), task_history=kept) as server:
        await work.until_written(server, infos[0], "archived")
        await work.until_written(server, infos[1])

    failed, done = [work.redis.ttl(KEYS.attempts_of(each.id)) for each in infos]
    assert 900 < failed <= 1000
    assert 50 < done <= 100


async def test_an_attempt_that_deletes_its_task_can_be_left_out(work):
    info = await work.enqueue("email")
    async with work.serving(make_mux(succeed), task_history=TaskHistory(keep_deleted=0)) as server:
        await work.until_written(server, info)

    assert await attempts_of(work, info) == ()


async def test_what_is_not_an_attempt_is_not_kept(work):
    info = await work.enqueue("email", expires=1)
    work.redis.hset(KEYS.task(info.id), "expires_at", 1)
    async with work.serving(make_mux(succeed), **KEPT) as server:
        await work.until_written(server, info)

    assert await attempts_of(work, info) == ()


async def test_a_redact_function_hides_what_it_wants_and_a_bad_one_everything(work, caplog):
    async def fail(ctx, task):
        raise ValueError("password=hunter2")

    kept = []
    for redact in (lambda text: text.replace("hunter2", "***"), lambda text: 1 / 0, lambda text: 7):
        info = await work.enqueue("email", max_retry=0)
        async with work.serving(make_mux(fail), task_history=TaskHistory(redact=redact)):
            await work.until(info, "archived")
        kept += await attempts_of(work, info)

    assert "password=***" in kept[0].error
    assert "password=***" in kept[0].traceback
    assert [(each.error, each.traceback) for each in kept[1:]] == [("", ""), ("", "")]
    assert caplog.text.count("redact of the task history failed") == 2


async def test_an_error_is_let_go_once_its_attempt_is_kept(work):
    seen = []

    class OwnError(Exception):
        def __init__(self):
            seen.append(weakref.ref(self))

    async def fail(ctx, task):
        raise OwnError

    info = await work.enqueue("email", max_retry=0)
    gc.disable()
    try:
        async with work.serving(make_mux(fail), log_failures="none", **KEPT) as server:
            await work.until_written(server, info, "archived")
            await eventually_async(lambda: seen[0]() is None)
    finally:
        gc.enable()


async def test_listeners_still_get_the_error(work):
    errors = []

    async def fail(ctx, task):
        raise ValueError("bad")

    async def listen(event):
        errors.append(event.error)

    info = await work.enqueue("email", max_retry=0)
    async with work.serving(make_mux(fail, listen, names=("archived",)), **KEPT):
        await work.until(info, "archived")

    assert [str(each) for each in errors] == ["bad"]
    assert (await attempts_of(work, info))[0].error.startswith("ValueError: bad")


async def test_many_attempts_are_written_in_a_few_round_trips(work, commands):
    for number in range(300):
        await work.enqueue("email", str(number).encode())
    async with work.serving(make_mux(succeed), concurrency=50, **KEPT):
        await eventually_async(lambda: work.count("processed") == 300)

    assert work.redis.zcard(KEYS.attempts) == 300
    writes = [
        each for each in commands.texts() if KEYS.attempts in each and each.startswith("EVALSHA")
    ]
    assert 3 <= len(writes) <= 12


async def test_a_server_that_keeps_nothing_has_no_recorder_and_writes_nothing(work):
    info = await work.enqueue("email", retention=60)
    async with work.serving(make_mux(succeed), type_statistics=False) as server:
        await work.until(info, "completed")
        assert server._parts.recorder is None

    assert work.redis.keys("*x:attempts*") == work.redis.keys("*x:types*") == []


async def test_a_history_that_redis_refuses_harms_no_task(work, caplog):
    work.redis.set(KEYS.attempts, "text")
    infos = [await work.enqueue("email", retention=60) for _ in range(3)]
    async with work.serving(make_mux(succeed), **KEPT) as server:
        for info in infos:
            await work.until(info, "completed")

    assert caplog.text.count("is not kept:") == 1
    assert [each.value for each in server.counters.all() if each.name == "attempts_dropped"] == [3]


async def test_statistics_that_redis_refuses_are_told_once_beside_a_history_that_it_takes(
    work, caplog, monkeypatch
):
    for name, value in {"INTERVAL_S": 0.02, "MINUTE_NS": 10**7, "LATEST_S": 0}.items():
        monkeypatch.setattr(recorder, name, value)
    work.redis.set(KEYS.types, "text")
    async with work.serving(make_mux(succeed), type_statistics=True, **KEPT) as server:

        def dropped():
            return sum(each.value for each in server.counters.all())

        for number in range(1, 4):
            info = await work.enqueue("email", retention=60)
            await eventually_async(lambda number=number: dropped() >= number)

    assert len(await attempts_of(work, info)) == 1
    assert caplog.text.count("is not kept:") == 1


async def test_one_history_that_is_something_else_costs_no_other_one(work):
    infos = [await work.enqueue("email", retention=60) for _ in range(3)]
    work.redis.set(KEYS.attempts_of(infos[0].id), "text")
    async with work.serving(make_mux(succeed), **KEPT):
        for info in infos:
            await work.until(info, "completed")

    assert work.redis.get(KEYS.attempts_of(infos[0].id)) == b"text"
    assert [len(await attempts_of(work, each)) for each in infos[1:]] == [1, 1]


async def test_a_task_whose_id_is_no_text_is_kept_like_others(work):
    key, odd = KEYS.task("").encode() + b"ol\xe9", b"ol\xe9"
    info = await work.enqueue("email", max_retry=0)
    data = work.redis.hget(KEYS.task(info.id), "msg")
    work.redis.hset(key, mapping={"msg": data, "state": "pending"})
    work.redis.lpush(KEYS.pending, odd)
    async with work.serving(make_mux(succeed), **KEPT):
        await eventually_async(lambda: work.count("processed") == 2)

    assert odd in work.redis.zrange(KEYS.attempts, 0, -1)
    assert work.redis.zcard(KEYS.attempts_of("").encode() + odd) == 1


async def test_an_app_under_test_may_keep_a_history():
    app = App("redis://nowhere.invalid", task_history=TaskHistory(), type_statistics=True)
    seen = []

    @app.task
    async def greet(name: str) -> None:
        seen.append(name)

    with app.testing() as harness:
        await greet.aenqueue("Ann")
        await asyncio.to_thread(harness.run_pending)

    assert seen == ["Ann"]
