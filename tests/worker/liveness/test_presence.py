"""Servers are listed for as long as they live, and not much longer."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pyasynq.broker.operations import presence
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.wire.records import ServerRecord, WorkerRecord
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually, eventually_async

NOW_S = 2_000_000_000
SERVER = ServerRecord(
    host="host",
    pid=1,
    server_id="me",
    concurrency=1,
    queues={"default": 1},
    strict_priority=False,
    status="active",
    started_ns=0,
    active_worker_count=1,
)
WORKER = WorkerRecord(
    host="host",
    pid=1,
    server_id="me",
    task_id="a",
    task_type="email",
    task_payload=b"",
    queue="default",
    started_ns=0,
    deadline_ns=0,
)
RECORDS = "asynq:servers:{host:1:me}", "asynq:workers:{host:1:me}"
SCRIPT = """
    import sys
    from pyasynq.worker.config import ServerConfig
    from pyasynq.worker.handlers.mux import ServeMux
    from pyasynq.worker.server import Server

    Server(sys.argv[1], ServerConfig(heartbeat_interval=0.5, lease_duration=1)).run(ServeMux())
"""


@pytest.fixture
def beat(redis_url):
    """Writes what a server says of itself at its beat."""
    runner = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())

    def write(ttl_s=10):
        operations = presence.write_server_state(
            SERVER, {"a": WORKER}, namespace="asynq", now_s=NOW_S, ttl_s=ttl_s
        )
        for answer in runner.run_all(operations):
            assert not isinstance(answer, BaseException)

    yield write
    runner.close()


def test_a_server_its_tasks_and_their_entries_expire_together(beat, redis_client):
    beat(ttl_s=1000)

    assert [redis_client.ttl(key) in (999, 1000) for key in RECORDS] == [True, True]
    assert redis_client.zrange("asynq:servers", 0, -1, withscores=True) == [
        (RECORDS[0].encode(), NOW_S + 1000)
    ]
    assert redis_client.zrange("asynq:workers", 0, -1, withscores=True) == [
        (RECORDS[1].encode(), NOW_S + 1000)
    ]


def test_a_beat_drops_servers_from_the_lists_that_beat_no_more(beat, redis_client):
    for index in ("asynq:servers", "asynq:workers"):
        redis_client.zadd(index, {"gone": NOW_S - 1, "alive": NOW_S})

    beat()

    for index, record in zip(("asynq:servers", "asynq:workers"), RECORDS, strict=True):
        assert redis_client.zrange(index, 0, -1) == [b"alive", record.encode()]


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
