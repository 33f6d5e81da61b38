"""Listeners hear what happens to tasks, and never harm one."""

import asyncio
import gc
import weakref
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq import retry
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.events.event import TASK_EVENTS
from pyasynq.inspector import AsyncInspector
from tests.support.eventually import eventually_async
from tests.support.listening import keeper, make_mux, recorder, succeed


async def test_success_is_published_once_it_is_in_redis(work):
    seen = []

    async def listen(event):
        seen.append((event.name, work.state(info)))

    info = await work.enqueue("email", retention=60)
    async with work.serving(make_mux(succeed, listen)):
        await work.until(info, "completed")

    assert [name for name, _state in seen] == ["started", "succeeded"]
    assert seen[-1] == ("succeeded", "completed")


async def test_failures_are_published_with_what_becomes_of_the_task(work):
    events = []
    error = ValueError("bad address")

    async def fail(ctx, task):
        raise error

    async def listen(event):
        events.append(event)

    before = datetime.now(UTC)
    info = await work.enqueue("email", b'"ann"', max_retry=1, headers={"a": "b"})
    async with work.serving(
        make_mux(fail, listen), retry_delay=retry.fixed(0.05), base_state="state"
    ) as server:
        await work.until(info, "archived")

    assert [(each.name, each.attempt, each.error) for each in events] == [
        ("started", 1, None),
        ("failed", 1, error),
        ("retried", 1, error),
        ("started", 2, None),
        ("failed", 2, error),
        ("archived", 2, error),
    ]
    assert [each.name for each in events if each.retry_at is not None] == ["retried"]
    assert before < events[2].at
    assert before < events[2].retry_at
    archived = events[-1]
    assert (archived.task.type, archived.task_type) == ("email", "email")
    assert (archived.task.payload, archived.task.headers) == (b'"ann"', {"a": "b"})
    assert (archived.task_id, archived.queue, archived.max_retry) == (info.id, "default", 1)
    assert (archived.server_id, archived.state) == (server.id, "state")


async def test_an_event_tells_how_long_the_task_waited_and_its_handler_ran(work):
    events, go_on = [], asyncio.Event()

    async def handle(ctx, task):
        await go_on.wait()

    info = await work.enqueue("email")
    mux = make_mux(handle, keeper(events), names=["started", "succeeded"])
    async with work.serving(mux):
        await eventually_async(lambda: events)
        go_on.set()
        await work.until(info, None)

    started, succeeded = events
    assert started.duration is None
    assert started.waited == succeeded.waited
    assert started.waited > timedelta(0)
    assert timedelta(0) < succeeded.duration <= succeeded.at - started.at + timedelta(seconds=1)


async def test_what_never_ran_has_no_duration(work):
    events = []
    expired = await work.enqueue("email", expires=0)
    abandoned = await work.enqueue("email", max_retry=0)
    work.abandon(abandoned)
    async with work.serving(make_mux(succeed, keeper(events))):
        await work.until(expired, None)
        await work.until(abandoned, "archived")

    assert {(each.name, each.duration) for each in events} == {
        ("dropped", None),
        ("recovered", None),
        ("archived", None),
    }
    assert [each.waited for each in events if each.name == "recovered"] == [None]


@pytest.mark.parametrize(
    ("error", "names", "text"),
    [
        (ValueError("bad"), ["failed", "retried"], "bad"),
        (SkipRetry("no"), ["failed", "archived"], "no"),
        (RetryLater(3600, "busy"), ["deferred"], "busy"),
        (RetryLater(3600), ["deferred"], ""),
        (RevokeTask(), ["dropped"], ""),
    ],
)
async def test_an_event_has_the_error_text_that_redis_keeps(work, error, names, text):
    events = []

    async def handle(ctx, task):
        raise error

    info = await work.enqueue("email")
    mux = make_mux(handle, keeper(events), names=TASK_EVENTS[1:])
    async with work.serving(mux, retry_delay=retry.fixed(3600)):
        await eventually_async(lambda: len(events) == len(names))
        kept = None if work.state(info) is None else work.message(info).error_msg

    assert [each.name for each in events] == names
    assert [each.error_text for each in events] == [kept or ""] * len(names)
    assert text in events[0].error_text


async def test_a_result_that_cannot_be_kept_is_told_by_the_text_of_a_success(work):
    events = []
    info = await work.enqueue("email", retention=60)

    async def handle(ctx, task):
        return "text"

    async with work.serving(make_mux(handle, keeper(events), names=["succeeded"])):
        await work.until(info, "completed")

    assert events[0].error_text == work.message(info).error_msg
    assert "str is not bytes" in events[0].error_text


async def test_the_last_attempt_is_told(work):
    events = []

    async def fail(ctx, task):
        raise ValueError("bad")

    info = await work.enqueue("email", max_retry=1)
    mux = make_mux(fail, keeper(events), names=["failed"])
    async with work.serving(mux, retry_delay=retry.fixed(0)):
        await work.until(info, "archived")

    assert [each.is_last_attempt for each in events] == [False, True]


@pytest.mark.parametrize(
    ("error", "name"),
    [(RetryLater(3600), "deferred"), (RevokeTask(), "dropped"), (KeyError("is none"), "retried")],
)
async def test_an_error_that_is_not_a_failure_is_not_published_as_one(work, error, name):
    names = []

    async def handle(ctx, task):
        raise error

    await work.enqueue("email")
    async with work.serving(
        make_mux(handle, recorder(names)),
        is_failure=lambda error: not isinstance(error, KeyError),
        retry_delay=retry.fixed(3600),
    ):
        await eventually_async(lambda: len(names) == 2)

    assert names == ["started", name]


@pytest.mark.parametrize(
    ("then", "names"), [("archive", ["failed", "archived"]), ("drop", ["dropped"])]
)
async def test_what_becomes_of_a_cancelled_task_is_published(work, then, names):
    names_heard, running = [], asyncio.Event()

    async def handle(ctx, task):
        running.set()
        await asyncio.Event().wait()

    async with AsyncInspector(work.url) as inspector:
        async with work.serving(make_mux(handle, recorder(names_heard))):
            info = await work.enqueue("email")
            await running.wait()
            await eventually_async(lambda: work.redis.pubsub_numsub("asynq:cancel")[0][1] == 1)
            await inspector.tasks.cancel(info.id, then=then)
            await eventually_async(lambda: len(names_heard) > len(names))

    assert names_heard == ["started", *names]


async def test_a_task_that_expired_is_dropped_and_never_started(work):
    names = []
    info = await work.enqueue("email", expires=0)
    async with work.serving(make_mux(succeed, recorder(names))):
        await work.until(info, None)

    assert names == ["dropped"]


async def test_a_task_that_the_stop_interrupts_is_published_as_requeued(work):
    names = []
    running = asyncio.Event()

    async def handle(ctx, task):
        running.set()
        await asyncio.Event().wait()

    await work.enqueue("email")
    async with work.serving(make_mux(handle, recorder(names)), shutdown_timeout=0.05):
        await running.wait()

    assert names == ["started", "requeued"]


async def test_a_task_that_somebody_else_has_taken_is_published_as_lost(work):
    names = []

    async def handle(ctx, task):
        work.redis.hset(f"asynq:{{default}}:t:{ctx.task_id}", "owner", "somebody else")

    await work.enqueue("email")
    async with work.serving(make_mux(handle, recorder(names)), recover_interval=60):
        await eventually_async(lambda: len(names) == 2)

    assert names == ["started", "lost"]


async def test_a_lost_lease_is_published_as_lost(work):
    names = []
    running = asyncio.Event()

    async def handle(ctx, task):
        work.redis.zrem("asynq:{default}:lease", ctx.task_id)
        running.set()
        await asyncio.Event().wait()

    await work.enqueue("email")
    async with work.serving(make_mux(handle, recorder(names)), recover_interval=60):
        await running.wait()
        await eventually_async(lambda: len(names) == 2)

    assert names == ["started", "lost"]


async def test_recovered_tasks_are_published_with_what_becomes_of_them(work):
    events = []

    async def listen(event):
        events.append(event)

    kept = await work.enqueue("email", max_retry=1)
    gone = await work.enqueue("email", max_retry=0)
    unreadable = await work.enqueue("email")
    work.redis.hset(f"asynq:{{default}}:t:{unreadable.id}", "msg", b"\xff")
    ghost = await work.enqueue("email")
    work.abandon(kept, gone, unreadable, ghost)
    work.redis.delete(f"asynq:{{default}}:t:{ghost.id}")
    async with work.serving(make_mux(succeed, listen), retry_delay=retry.fixed(3600)) as server:
        await eventually_async(
            lambda: (
                {each.kind for each in server.counters.all() if each.name == "recovered"}
                == {"retried", "archived", "quarantined", "dropped"}
            )
        )

    ids = [each.id for each in (kept, gone, unreadable, ghost)]
    heard = {task_id: [e for e in events if e.task_id == task_id] for task_id in ids}
    assert {task_id: [event.name for event in each] for task_id, each in heard.items()} == {
        kept.id: ["recovered", "retried"],
        gone.id: ["recovered", "archived"],
        unreadable.id: ["recovered", "archived"],
        ghost.id: [],
    }
    assert str(heard[gone.id][1].error) == "asynq: task lease expired"
    assert (heard[kept.id][1].task_type, heard[unreadable.id][1].task_type) == ("email", "")
    assert heard[kept.id][1].retry_at is not None


async def test_a_server_without_listeners_has_no_notifier_and_keeps_no_errors(work):
    kept = []

    async def fail(ctx, task):
        kept.extend(server._parts.held.values())
        raise ValueError("bad")

    async with work.server().running(make_mux(fail)) as server:
        info = await work.enqueue("email", max_retry=0)
        await work.until(info, "archived")
        parts = server._parts

    assert parts.notifier is None
    assert parts.executor._on_start is None
    assert [each.error for each in kept] == [None]


async def test_nothing_is_called_at_the_start_when_nobody_listens_for_it(work):
    async with work.serving(make_mux(succeed, recorder([]), names=["archived"])) as server:
        assert server._parts.executor._on_start is None


async def test_an_error_is_freed_without_the_collector_once_it_is_published(work):
    class BadAddressError(Exception):  # unlike those of Python, a weak reference may name it
        pass

    freed = []

    async def fail(ctx, task):
        error = BadAddressError("bad")
        freed.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    gc.collect()
    gc.disable()
    try:
        info = await work.enqueue("email", max_retry=0)
        # pytest keeps every line of the log, and a line of a failure keeps the error.
        async with work.serving(make_mux(fail, recorder([])), log_failures="none"):
            await work.until(info, "archived")
            await eventually_async(lambda: freed[0]() is None)
    finally:
        gc.enable()


async def test_the_error_of_an_earlier_attempt_is_not_taken_for_one_of_this(work):
    events, errors = [], [ValueError("bad"), RetryLater(0), None]

    async def handle(ctx, task):
        if (error := errors.pop(0)) is not None:
            raise error

    info = await work.enqueue("email", retention=60)
    mux = make_mux(handle, keeper(events), names=["retried", "deferred", "succeeded"])
    async with work.serving(mux, retry_delay=retry.fixed(0)):
        await work.until(info, "completed")

    assert work.message(info).error_msg  # as Go leaves it
    assert [(each.name, bool(each.error_text)) for each in events] == [
        ("retried", True),
        ("deferred", False),
        ("succeeded", False),
    ]
