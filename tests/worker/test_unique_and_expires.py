"""Unique locks over the life of a task; tasks that expire."""

import asyncio

import pytest

from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import DuplicateTaskError, TaskIdConflictError
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from tests.support.eventually import eventually_async


def locks(work) -> list[bytes]:
    return work.redis.keys("asynq:{default}:unique:*")


@pytest.mark.parametrize("retention", [0, 60])
async def test_a_lock_is_freed_when_the_task_is_done(work, retention):
    mux = ServeMux()
    mux.handler("email")(lambda ctx, task: None)

    info = await work.enqueue("email", unique=600, retention=retention)
    with pytest.raises(DuplicateTaskError) as caught:
        await work.enqueue("email", unique=600)
    async with work.serving(mux):
        await work.until(info, "completed" if retention else None)

    assert caught.value.holder_id == info.id
    assert locks(work) == []


async def test_a_lock_stays_while_the_task_is_retried_and_when_it_is_archived(work):
    mux = ServeMux()

    @mux.handler("email")
    async def fail(ctx, task):
        raise ValueError

    async with work.serving(mux, retry_delay=lambda *_: 600):
        first = await work.enqueue("email", unique=600)
        await work.until(first, "retry")
        assert len(locks(work)) == 1
    async with work.serving(mux):
        other = await work.enqueue("email", b"other", unique=600, max_retry=0)
        await work.until(other, "archived")

    assert len(locks(work)) == 2


@pytest.mark.parametrize("by", ["option", "server"])
async def test_a_lock_can_be_freed_when_the_task_is_archived(work, by):
    mux = ServeMux()

    @mux.handler("email")
    async def fail(ctx, task):
        raise SkipRetry

    option = {"unique_until": "archived"} if by == "option" else {}
    async with work.serving(mux, release_unique_on_archive=by == "server"):
        info = await work.enqueue("email", unique=600, **option)
        await work.until(info, "archived")

    assert locks(work) == []


@pytest.mark.parametrize("by", ["option", "server", "nobody"])
async def test_a_lock_is_freed_as_well_when_the_task_of_a_lost_worker_is_archived(work, by):
    option = {"unique_until": "archived"} if by == "option" else {}
    info = await work.enqueue("email", unique=600, max_retry=0, **option)
    work.abandon(info)

    async with work.serving(ServeMux(), release_unique_on_archive=by == "server"):
        await work.until(info, "archived")

    assert len(locks(work)) == (1 if by == "nobody" else 0)


async def test_a_lock_can_be_freed_when_the_task_starts(work):
    mux = ServeMux()
    started, release = asyncio.Event(), asyncio.Event()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await release.wait()

    async with work.serving(mux):
        first = await work.enqueue("email", unique=600, unique_until="started")
        await started.wait()
        second = await work.enqueue("email", unique=600, unique_until="started")
        release.set()
        await work.until(first, None)
        await work.until(second, None)


async def test_a_lock_is_freed_when_the_task_is_revoked(work):
    mux = ServeMux()

    @mux.handler("email")
    async def revoke(ctx, task):
        raise RevokeTask

    async with work.serving(mux):
        info = await work.enqueue("email", unique=600)
        await work.until(info, None)

    assert locks(work) == []


async def test_a_conflict_of_ids_leaves_no_lock(work):
    await work.enqueue("email", task_id="one")

    with pytest.raises(TaskIdConflictError):
        await work.enqueue("other", task_id="one", unique=600)

    assert locks(work) == []


async def test_trimming_the_archive_frees_locks(work):
    mux = ServeMux()

    @mux.handler("email")
    async def fail(ctx, task):
        raise SkipRetry

    async with work.serving(mux, archive_max_size=0):
        info = await work.enqueue("email", unique=600)
        await work.until(info, None)

    assert locks(work) == []


async def test_a_task_that_expired_is_dropped_with_its_lock_and_not_run(work):
    mux = ServeMux()
    seen = []

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.task_id)

    late = await work.enqueue("email", expires=0, unique=600)
    timely = await work.enqueue("email", b"other", expires=600)
    async with work.serving(mux):
        await work.until(late, None)
        await work.until(timely, None)

    assert seen == [timely.id]
    assert locks(work) == []


async def test_putting_off_counts_no_failure_until_it_was_done_too_often(work):
    mux = ServeMux()
    attempts = []

    async def put_off(ctx, task):
        attempts.append((ctx.attempt, ctx.retry_count))
        raise RetryLater(0.01)

    mux.add("email", put_off, settings=TaskSettings(max_deferrals=2))
    async with work.serving(mux):
        info = await work.enqueue("email", max_retry=0)
        await work.until(info, "archived")

    assert len(attempts) == 3
    assert {retries for _attempt, retries in attempts} == {0}
    assert work.count("failed") == 1


async def test_putting_off_goes_on_when_retries_are_used_up(work):
    mux = ServeMux()
    attempts = []

    @mux.handler("email")
    async def put_off(ctx, task):
        attempts.append(ctx.attempt)
        if len(attempts) < 4:
            raise RetryLater(0.01)

    async with work.serving(mux):
        info = await work.enqueue("email", max_retry=0)
        await work.until(info, None)
        await eventually_async(lambda: work.count("processed") == 1)

    assert work.count("failed") == 0
