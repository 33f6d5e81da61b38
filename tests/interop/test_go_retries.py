"""A task that failed in one language is tried again by the other, which knows of the failure."""

import re
from datetime import UTC, datetime, timedelta

from pyasynq import retry
from pyasynq.control_flow import RetryLater, RevokeTask
from pyasynq.worker.handlers.mux import ServeMux
from tests.interop.peer import as_go_shows
from tests.support.eventually import eventually_async

RETRY = "asynq:{default}:retry"
HOUR = retry.fixed(3600)


def mux_of(handle) -> ServeMux:
    mux = ServeMux()
    for pattern in ("email", "fail", "skip"):
        mux.add(pattern, handle)
    return mux


def let_an_hour_pass(work) -> None:
    """Make every task due that waits for its retry."""
    for task_id in work.redis.zrange(RETRY, 0, -1):
        work.redis.zadd(RETRY, {task_id: 1})


async def fail(ctx, task):
    raise ValueError("bad size ✗")


async def test_go_retries_what_failed_in_python_and_keeps_the_error(peer, work, inspector):
    info = await work.enqueue("email", retention=60, max_retry=5)
    async with work.serving(mux_of(fail), retry_delay=HOUR):
        await work.until(info, "retry")
    failed = await inspector.tasks.get("default", info.id)
    worker = await peer.serve()
    let_an_hour_pass(work)
    await work.until(info, "completed")

    kept = await peer.get("default", info.id)
    assert re.fullmatch(
        r"ValueError: bad size ✗ \[tests/interop/test_go_retries\.py:\d+\]", failed.last_error
    )
    assert [(line["retried"], line["max_retry"]) for line in worker.printed] == [(1, 5)]
    assert (kept["last_error"], kept["retried"]) == (failed.last_error, 1)
    assert kept["last_failed_at"] == failed.last_failed_at.timestamp()


async def test_python_retries_what_failed_in_go_and_keeps_the_error(peer, work, inspector):
    seen = []

    async def handle(ctx, task):
        seen.append((ctx.retry_count, ctx.attempt, ctx.max_retry))

    worker = await peer.serve()
    info = await work.enqueue("fail", retention=60, max_retry=5)
    await work.until(info, "retry")
    failed = await peer.get("default", info.id)
    worker.kill()
    let_an_hour_pass(work)
    async with work.serving(mux_of(handle)):
        await work.until(info, "completed")

    kept = await inspector.tasks.get("default", info.id)
    assert seen == [(1, 2, 5)]
    assert (kept.last_error, kept.retried) == ("failed in go ✗", 1)
    assert kept.last_failed_at.timestamp() == failed["last_failed_at"]


async def test_both_inspectors_agree_on_a_failed_task_of_either_language(peer, work, inspector):
    worker = await peer.serve()
    theirs = await work.enqueue("fail")
    await work.until(theirs, "retry")
    worker.kill()
    async with work.serving(mux_of(fail), retry_delay=HOUR):
        ours = await work.enqueue("email")
        await work.until(ours, "retry")

    for info in (ours, theirs):
        found = as_go_shows(await inspector.tasks.get("default", info.id))
        assert found == await peer.get("default", info.id)


async def test_attempts_of_both_languages_use_up_the_same_retries(peer, work, inspector):
    info = await work.enqueue("fail", max_retry=2)
    async with work.serving(mux_of(fail), retry_delay=HOUR):
        await work.until(info, "retry")
    worker = await peer.serve()
    let_an_hour_pass(work)
    await eventually_async(lambda: work.message(info).retried == 2)
    worker.kill()
    let_an_hour_pass(work)
    async with work.serving(mux_of(fail), retry_delay=HOUR):
        await work.until(info, "archived")

    found = await peer.get("default", info.id)
    assert found["last_error"].startswith("ValueError: bad size")
    assert (found["retried"], found["max_retry"]) == (2, 2)
    assert (work.count("processed"), work.count("failed")) == (3, 3)


async def test_the_last_attempt_in_go_archives_a_task_of_python(peer, work, inspector):
    await peer.serve()
    exhausted = await work.enqueue("fail", max_retry=0)
    skipped = await work.enqueue("skip", max_retry=9)
    await work.until(exhausted, "archived")
    await work.until(skipped, "archived")

    found = [await inspector.tasks.get("default", info.id) for info in (exhausted, skipped)]
    assert [info.last_error for info in found] == ["failed in go ✗", "skip retry for the task"]
    assert [info.retried for info in found] == [0, 0]


async def test_a_retry_without_a_failure_is_not_counted_by_go(peer, work):
    async def handle(ctx, task):
        raise RetryLater(timedelta(hours=1))

    info = await work.enqueue("email", max_retry=0)
    async with work.serving(mux_of(handle)):
        await work.until(info, "retry")
    waiting = await peer.get("default", info.id)
    worker = await peer.serve()
    let_an_hour_pass(work)
    await work.until(info, None)

    in_an_hour = datetime.now(UTC).timestamp() + 3600
    assert in_an_hour - 60 < waiting["next_process_at"] <= in_an_hour
    assert (waiting["state"], waiting["retried"], waiting["last_error"]) == ("retry", 0, "")
    assert [line["retried"] for line in worker.printed] == [0]
    assert (work.count("processed"), work.count("failed")) == (1, 0)


async def test_go_shows_why_python_put_a_task_off_and_ignores_its_progress(peer, work, inspector):
    async def handle(ctx, task):
        ctx.progress(3, 10, "pages")
        raise RetryLater(timedelta(hours=1), "too many requests")

    info = await work.enqueue("email", retention=60)
    async with work.serving(mux_of(handle)):
        await work.until(info, "retry")
    waiting = await peer.get("default", info.id)
    await peer.serve()
    let_an_hour_pass(work)
    await work.until(info, "completed")

    progress = await inspector.tasks.progress("default", info.id)
    assert (waiting["last_error"], waiting["retried"]) == ("too many requests", 0)
    assert (progress.done, progress.total, progress.note) == (3, 10, "pages")
    assert (await peer.get("default", info.id))["state"] == "completed"


async def test_a_task_of_go_that_python_revokes_is_gone(peer, work, inspector):
    async def handle(ctx, task):
        raise RevokeTask

    await peer.enqueue("email", task_id="a", retention=60)
    info = await inspector.tasks.get("default", "a")
    async with work.serving(mux_of(handle)):
        await work.until(info, None)

    queue, *tasks = await peer.run("inspect", "default")
    assert (queue["size"], queue["processed"], queue["failed"]) == (0, 1, 0)
    assert [line for line in tasks if "id" in line] == []
