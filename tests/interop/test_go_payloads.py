"""Payloads and results pass from one language to the other byte for byte."""

import random

import pytest

from pyasynq.app import App
from pyasynq.errors import TaskFailedError
from pyasynq.options import EnqueueOptions
from pyasynq.worker.handlers.mux import ServeMux

PAYLOADS = {
    "none": None,
    "empty": b"",
    "unicode": "Grüße, 你好, \u202e\u200d, \U0001f469\u200d\U0001f467, \u00e9 vs e\u0301".encode(),
    "json": b'{"s":"<\\u2028>&","n":-0.0,"big":18446744073709551615}',
    "every byte": bytes(range(256)) * 2,
    "invalid utf-8": b"\xff\xfe\xc3(\x80\x00\xed\xa0\x80",
    "nul": b"\x00",
    "a protobuf": b"\x0a\x05email\x12\x02{}",
    "1 MB": random.Random(1).randbytes(1_000_000),
}

each_payload = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)


@each_payload
async def test_a_payload_and_a_result_pass_from_python_to_go_and_back(
    peer, work, inspector, payload
):
    worker = await peer.serve()
    info = await work.enqueue("echo", payload, retention=60)
    await work.until(info, "completed")

    (seen,) = worker.printed
    kept = await inspector.tasks.get("default", info.id)
    assert seen["payload"] == (payload or b"")
    assert kept.payload == (payload or b"")
    assert kept.result == (payload or None)


@each_payload
async def test_a_payload_and_a_result_pass_from_go_to_python_and_back(
    peer, work, inspector, payload
):
    seen = []
    mux = ServeMux()

    @mux.handler("echo")
    async def handle(ctx, task):
        seen.append(task.payload)
        return task.payload

    await peer.enqueue("echo", payload, task_id="a", retention=60)
    info = await inspector.tasks.get("default", "a")
    async with work.serving(mux):
        await work.until(info, "completed")

    kept = await peer.get("default", "a")
    assert seen == [payload or b""]
    assert kept["payload"] == (payload or b"")
    assert kept["result"] == (payload or b"")


@each_payload
async def test_both_clients_store_the_same_message(peer, work, payload):
    task = "asynq:{default}:t:a"
    await work.enqueue("echo", payload, task_id="a", headers={"k": "v"}, group="g")
    ours = work.redis.hgetall(task)
    work.redis.flushall()
    await peer.enqueue("echo", payload, task_id="a", headers={"k": "v"}, group="g")

    assert work.redis.hgetall(task) == ours


async def test_the_largest_names_and_headers_pass_unharmed(peer, work, inspector):
    name = "naïve:类型/{}%s\\\"' " * 20 + "end"
    headers = {f"{name}{n}": name * 5 for n in range(50)}
    worker = await peer.serve()
    info = await work.enqueue(f"echo:{name}", task_id=name, headers=headers, retention=60)
    await work.until(info, "completed")

    (seen,) = worker.printed
    assert (seen["id"], seen["type"], seen["headers"]) == (name, f"echo:{name}", headers)


async def test_progress_that_python_writes_is_seen_by_go_while_the_task_runs(peer, work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        await ctx.awrite_result(b"half \xff")
        seen.append(await peer.get("default", ctx.task_id))

    async with work.serving(mux):
        info = await work.enqueue("email", retention=60)
        await work.until(info, "completed")

    kept = await peer.get("default", info.id)
    assert (seen[0]["state"], seen[0]["result"]) == ("active", b"half \xff")
    assert kept["result"] == b"half \xff"


@pytest.mark.parametrize("retention", [1, 86_400])
async def test_a_completed_task_is_kept_equally_long(peer, work, retention):
    mux = ServeMux()

    @mux.handler("echo")
    async def handle(ctx, task):
        return b""

    ours = await work.enqueue("echo", retention=retention)
    async with work.serving(mux, janitor_interval=60):
        await work.until(ours, "completed")
    await peer.serve()
    theirs = await work.enqueue("echo", retention=retention)
    await work.until(theirs, "completed")

    for info in (ours, theirs):
        found = await peer.get("default", info.id)
        expiry = work.redis.zscore("asynq:{default}:completed", info.id)
        assert expiry == found["completed_at"] + retention


async def test_an_app_waits_for_the_result_of_a_handler_in_go(peer, redis_url):
    app = App(redis_url, task_defaults=EnqueueOptions(retention=60))

    @app.task("echo")
    async def echo(user_id: int, *, name: str) -> dict[str, int | str]:
        raise NotImplementedError

    await peer.serve()
    handle = await echo.aenqueue(1, name="Ann <é>")
    result = await handle.aresult(timeout=20)
    await app.aclose()

    assert result == {"user_id": 1, "name": "Ann <é>"}


async def test_an_app_learns_why_a_handler_in_go_failed(peer, redis_url):
    app = App(redis_url)

    @app.task("fail", max_retry=0, retention=600)
    async def fail() -> None: ...

    await peer.serve()
    handle = await fail.aenqueue()
    with pytest.raises(TaskFailedError) as caught:
        await handle.aresult(timeout=20)
    await app.aclose()

    assert caught.value.error == "failed in go ✗"
