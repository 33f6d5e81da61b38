"""A server shows what it does, and keeps its leases."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.wire.handled import HandledGroups, decode
from pyasynq.wire.records import decode_server, decode_worker
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually, eventually_async

SCRIPT = """
    import sys
    from pyasynq.worker.config import ServerConfig
    from pyasynq.worker.handlers.mux import ServeMux
    from pyasynq.worker.server import Server

    Server(sys.argv[1], ServerConfig(heartbeat_interval=0.5, lease_duration=1)).run(ServeMux())
"""


LEASE = "asynq:{default}:lease"


async def test_heartbeater_shows_the_server_and_what_it_runs(work):
    release = asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        await release.wait()

    async with work.serving(mux, concurrency=7, queues={"default": 2}) as server:
        info = await work.enqueue("email", b"payload")
        await eventually_async(lambda: work.redis.keys("asynq:workers:*"))
        (member,) = work.redis.zrange("asynq:servers", 0, -1)
        shown = decode_server(work.redis.get(member))
        (key,) = work.redis.keys("asynq:workers:*")
        running = decode_worker(work.redis.hget(key, info.id))
        release.set()

    assert (shown.server_id, shown.concurrency, shown.status) == (server.id, 7, "active")
    assert dict(shown.queues) == {"default": 2}
    assert (running.task_type, running.task_payload, running.queue) == (
        "email",
        b"payload",
        "default",
    )
    assert work.redis.exists("asynq:servers", "asynq:workers", member, key) == 0


async def test_a_server_publishes_what_it_handles_until_it_ends(work):
    mux = ServeMux()
    mux.add("email:", lambda ctx, task: None)
    mux.add("report", lambda ctx, task: None, is_exact=True)
    mux.add("image:*", lambda ctx, task: None, is_exact=True)
    mux.aggregator("daily:*", max_size=9)(lambda group, tasks: None)

    async with work.serving(mux, group_grace_period=2) as server:
        (key,) = work.redis.keys("asynq:x:handled:*")
        first = decode(work.redis.get(key))
        lives_s = work.redis.ttl(key)
        mux.add("late", lambda ctx, task: None, is_exact=True)
        await eventually_async(lambda: "late" in (decode(work.redis.get(key)).types or ()))
        async with AsyncInspector(work.url) as inspector:
            (shown,) = await inspector.servers.list()

    assert first.types == ("email:*", "image:*", "report")
    assert first.groups == (HandledGroups(pattern="daily:*", grace_s=2, max_size=9),)
    assert 60 < lives_s <= 200
    assert (shown.id, shown.task_types) == (server.id, ("email:*", "image:*", "late", "report"))
    assert work.redis.exists(key) == 0


async def test_what_a_server_handles_is_not_written_with_every_beat(work):
    async with work.serving(ServeMux()):
        (member,) = work.redis.zrange("asynq:servers", 0, -1)
        (key,) = work.redis.keys("asynq:x:handled:*")
        work.redis.delete(key, member)
        await eventually_async(lambda: work.redis.exists(member))

        assert work.redis.exists(key) == 0


async def test_heartbeater_extends_the_lease_although_a_handler_blocks_the_loop(work):
    mux = ServeMux()
    attempts = []

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append(ctx.attempt)
        first_s = work.redis.zscore(LEASE, ctx.task_id)

        def has_outlived_its_first_lease():
            return (
                work.redis.time()[0] > first_s and work.redis.zscore(LEASE, ctx.task_id) > first_s
            )

        eventually(has_outlived_its_first_lease)  # it blocks the loop

    async with work.serving(mux, lease_duration=1):
        info = await work.enqueue("email")
        await work.until(info, None)

    assert attempts == [1]
    assert work.count("failed") == 0


async def test_presence_lives_for_two_beats_and_ends_with_the_server(work):
    async with work.serving(ServeMux(), heartbeat_interval=500, lease_duration=1000):
        (server,) = work.redis.keys("asynq:servers:*")
        ttl_s = work.redis.ttl(server)

    assert 900 < ttl_s <= 1000
    assert work.redis.keys("asynq:servers*") == work.redis.keys("asynq:workers*") == []


async def test_a_killed_server_vanishes_from_every_list(work, tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(SCRIPT))
    process = subprocess.Popen([sys.executable, str(script), work.url])  # noqa: ASYNC220 - it is killed
    eventually(lambda: work.redis.zcard("asynq:servers") == 1)
    (killed,) = work.redis.zrange("asynq:servers", 0, -1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    async with work.serving(ServeMux()) as server:
        await eventually_async(lambda: not work.redis.exists(killed))
        await eventually_async(lambda: killed not in work.redis.zrange("asynq:servers", 0, -1))
        (alive,) = work.redis.zrange("asynq:servers", 0, -1)

    assert server.id.encode() in alive
