"""A server, its tasks and their entries in the lists expire together."""

import pytest

from pyasynq.broker.operations import presence
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.wire.records import ServerRecord, WorkerRecord

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


@pytest.fixture
def beat(redis_url):
    """Writes the presence of a server, as its heartbeat does."""
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
