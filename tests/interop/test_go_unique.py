"""A unique lock that one language holds is respected, and freed, by the other."""

import pytest

from pyasynq.control_flow import SkipRetry
from pyasynq.errors import DuplicateTaskError
from pyasynq.worker.handlers.mux import ServeMux

PAYLOADS = {
    "none": None,
    "empty": b"",
    "unicode": "Grüße 你好".encode(),
    "binary": b"\xff\x00\xfe",
    "1 MB": b"\xab" * 1_000_000,
}

each_payload = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)


def mux_of(handle) -> ServeMux:
    mux = ServeMux()
    mux.add("email", handle)
    return mux


async def succeed(ctx, task): ...


async def fail(ctx, task):
    raise ValueError("not yet")


async def give_up(ctx, task):
    raise SkipRetry("never")


@each_payload
async def test_a_lock_taken_by_go_refuses_python_and_names_the_holder(peer, work, payload):
    theirs = await peer.enqueue("email", payload, unique=600)

    with pytest.raises(DuplicateTaskError) as caught:
        await work.enqueue("email", payload, unique=600)

    assert caught.value.holder_id == theirs["id"]
    assert (caught.value.queue, caught.value.task_type) == ("default", "email")


@each_payload
async def test_a_lock_taken_by_python_refuses_go(peer, work, payload):
    await work.enqueue("email", payload, unique=600)

    answer = await peer.enqueue("email", payload, unique=600)

    assert answer == {"refused": "ErrDuplicateTask"}


@pytest.mark.parametrize("options", [{"process_in": 60}, {"group": "g"}], ids=["later", "grouped"])
async def test_locks_of_scheduled_and_grouped_tasks_count_too(peer, work, options):
    theirs = await peer.enqueue("email", b"1", unique=600, **options)
    await work.enqueue("email", b"2", unique=600, **options)

    with pytest.raises(DuplicateTaskError) as caught:
        await work.enqueue("email", b"1", unique=600)
    answer = await peer.enqueue("email", b"2", unique=600)

    assert caught.value.holder_id == theirs["id"]
    assert answer == {"refused": "ErrDuplicateTask"}


async def test_none_and_empty_payloads_are_different_locks_in_both_languages(peer, work):
    await peer.enqueue("email", None, unique=600)
    await work.enqueue("email", b"", unique=600)

    with pytest.raises(DuplicateTaskError):
        await work.enqueue("email", None, unique=600)
    answer = await peer.enqueue("email", b"", unique=600)

    assert answer == {"refused": "ErrDuplicateTask"}


async def test_another_queue_type_or_payload_is_another_lock(peer, work):
    await peer.enqueue("email", b"1", unique=600)

    await work.enqueue("email", b"1", unique=600, queue="other")
    await work.enqueue("email:", b"1", unique=600)
    await work.enqueue("email", b"2", unique=600)

    assert len(work.redis.keys("asynq:*:unique:*")) == 4


@each_payload
@pytest.mark.parametrize("retention", [0, 60], ids=["done", "completed"])
async def test_a_lock_of_go_is_freed_when_python_has_run_the_task(
    peer, work, inspector, payload, retention
):
    await peer.enqueue("email", payload, task_id="a", unique=600, retention=retention)
    held = await inspector.tasks.get("default", "a")
    async with work.serving(mux_of(succeed)):
        await work.until(held, "completed" if retention else None)

    assert work.redis.keys("asynq:*:unique:*") == []
    assert "refused" not in await peer.enqueue("email", payload, unique=600)


@each_payload
@pytest.mark.parametrize("retention", [0, 60], ids=["done", "completed"])
async def test_a_lock_of_python_is_freed_when_go_has_run_the_task(peer, work, payload, retention):
    await peer.serve()
    held = await work.enqueue("email", payload, unique=600, retention=retention)
    await work.until(held, "completed" if retention else None)

    assert work.redis.keys("asynq:*:unique:*") == []


@pytest.mark.parametrize(("handle", "state"), [(fail, "retry"), (give_up, "archived")])
async def test_a_task_that_failed_in_python_still_holds_its_lock_of_go(
    peer, work, inspector, handle, state
):
    await peer.enqueue("email", task_id="a", unique=600)
    held = await inspector.tasks.get("default", "a")
    async with work.serving(mux_of(handle)):
        await work.until(held, state)

    assert await peer.enqueue("email", unique=600) == {"refused": "ErrDuplicateTask"}


@pytest.mark.parametrize(("task_type", "state"), [("fail", "retry"), ("skip", "archived")])
async def test_a_task_that_failed_in_go_still_holds_its_lock_of_python(
    peer, work, task_type, state
):
    await peer.serve()
    held = await work.enqueue(task_type, unique=600)
    await work.until(held, state)

    with pytest.raises(DuplicateTaskError) as caught:
        await work.enqueue(task_type, unique=600)

    assert caught.value.holder_id == held.id


async def test_a_lock_that_go_took_over_is_not_freed_by_the_old_holder(peer, work):
    lock = "asynq:{default}:unique:email:99914b932bd37a50b983c5e7c90ae93b"
    old = await work.enqueue("email", unique=600)
    work.redis.delete(lock)  # its time was over
    new = await peer.enqueue("email", unique=600, process_in=600)
    async with work.serving(mux_of(succeed)):
        await work.until(old, None)

    assert work.redis.get(lock).decode() == new["id"]
