"""Results, written by the handler or returned."""

import asyncio
import json

import pytest

from pyasynq import retry
from pyasynq.errors import (
    ConfigError,
    ServerStateError,
)
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from tests.support.eventually import eventually_async

LATE = {"retry_delay": retry.fixed(3600)}


def result_of(work, info):
    return work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result")


async def test_the_blocking_form_is_refused_on_the_loop(work):
    mux, texts = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        with pytest.raises(ServerStateError) as caught:
            ctx.write_result(b"half")
        texts.append(str(caught.value))

    async with work.serving(mux):
        info = await work.enqueue("email", retention=60)
        await work.until(info, "completed")

    assert texts == ["write_result would block the event loop; use `await ctx.awrite_result(...)`"]


@pytest.mark.parametrize("value", ["text", None, {"a": 1}], ids=repr)
@pytest.mark.parametrize("where", ["loop", "thread", "process", "process_loop"])
async def test_only_bytes_can_be_written(work, where, value):
    payload = json.dumps(value).encode()

    async with work.serving(mux_of_writers(), process_pool_size=1, **LATE):
        info = await work.enqueue(f"write:{where}", payload, retention=60)
        after = await work.enqueue(f"write:{where}", b"[]", retention=60)
        await work.until(info, "retry")
        await work.until(after, "completed")

    text = f"a result must be bytes, not {type(value).__name__}"
    assert work.message(info).error_msg == text
    assert result_of(work, info) is None
    assert result_of(work, after) == b"bytes"


def mux_of_writers() -> ServeMux:
    mux = ServeMux()
    process = TaskSettings(executor="process")
    mux.add("write:loop", write_later)
    mux.add("write:thread", write_at_once)
    mux.add("write:process", write_at_once, settings=process)
    mux.add("write:process_loop", write_later, settings=process)
    return mux


def write_at_once(ctx, task):
    ctx.write_result(json.loads(task.payload) if task.payload != b"[]" else b"bytes")


async def write_later(ctx, task):
    await ctx.awrite_result(json.loads(task.payload) if task.payload != b"[]" else b"bytes")


async def test_a_plain_function_that_runs_a_loop_of_its_own_can_write(work):
    mux = ServeMux()

    @mux.handler("email")
    def handle(ctx, task):
        async def write():
            with pytest.raises(ConfigError):
                await ctx.awrite_result("text")
            await ctx.awrite_result(b"half")

        asyncio.run(write())

    async with work.serving(mux, **LATE):
        info = await work.enqueue("email", retention=60, max_retry=0)
        await eventually_async(lambda: work.state(info) in ("completed", "archived"))

    assert work.message(info).error_msg == ""
    assert result_of(work, info) == b"half"


async def test_progress_of_a_failed_attempt_stays_until_another_attempt_completes(work):
    mux, seen = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(result_of(work, info))
        if ctx.attempt == 1:
            await ctx.awrite_result(b"half")
            raise ValueError("broken off")

    info = await work.enqueue("email", retention=60)
    async with work.serving(mux, retry_delay=retry.fixed(0)):
        await work.until(info, "completed")

    assert seen == [None, b"half"]
    assert result_of(work, info) is None


async def test_without_a_retention_nothing_is_kept(work):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        await ctx.awrite_result(b"half")
        return b"whole"

    async with work.serving(mux):
        info = await work.enqueue("email")
        await work.until(info, None)

    assert work.redis.keys("asynq:{default}:t:*") == []
    assert work.redis.exists("asynq:{default}:completed") == 0


async def test_a_retention_begins_with_the_completion(work):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        return None

    async with work.serving(mux):
        info = await work.enqueue("email", retention=600)
        await work.until(info, "completed")

    expiry = work.redis.zscore("asynq:{default}:completed", info.id)
    assert expiry == work.message(info).completed_at + 600


async def test_progress_is_the_result_of_a_handler_that_returns_none(work):
    mux = ServeMux()

    @mux.handler("email")
    def handle(ctx, task):
        ctx.write_result(b"half")

    async with work.serving(mux):
        info = await work.enqueue("email", retention=60)
        await work.until(info, "completed")

    assert work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result") == b"half"
