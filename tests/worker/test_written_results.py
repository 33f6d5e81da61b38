"""Results, written by the handler or returned."""

import pytest

from pyasynq import retry
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.worker.mux import ServeMux


def result_of(work, info):
    return work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result")


async def test_the_blocking_form_is_refused_on_the_loop(work):
    mux, said = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        with pytest.raises(ServerStateError) as caught:
            ctx.write_result(b"half")
        said.append(str(caught.value))

    async with work.serving(mux):
        info = await work.enqueue("email", retention=60)
        await work.until(info, "completed")

    assert said == ["write_result would block the event loop; use `await ctx.awrite_result(...)`"]


@pytest.mark.parametrize("is_async", [True, False])
async def test_only_bytes_can_be_written(work, is_async):
    mux, said = ServeMux(), []

    async def handle(ctx, task):
        with pytest.raises(ConfigError) as caught:
            await ctx.awrite_result("text")
        said.append(str(caught.value))

    def handle_in_a_thread(ctx, task):
        with pytest.raises(ConfigError) as caught:
            ctx.write_result({"a": 1})
        said.append(str(caught.value))

    mux.add("email", handle if is_async else handle_in_a_thread)
    async with work.serving(mux):
        info = await work.enqueue("email", retention=60)
        await work.until(info, "completed")

    assert said == [f"a result must be bytes, not {'str' if is_async else 'dict'}"]
    assert result_of(work, info) is None


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
