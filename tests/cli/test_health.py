"""`pyasynq health` tells probes by its exit code whether all is well."""

import json

import pytest

from pyasynq.broker.operations import presence
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.wire.records import ServerRecord


@pytest.fixture
def server(redis_url):
    """Shows a server in Redis that serves some queues."""

    def show(*queues, status="active"):
        clock = SystemClock()
        record = ServerRecord(
            host="h", server_id=status, status=status, queues=dict.fromkeys(queues, 1)
        )
        runner = Runner(Connector.of(redis_url).open_sync(), clock=clock)
        now_s = clock.now_ns() // NANOSECONDS
        for operation in presence.write_server_state(
            record, {}, namespace="asynq", now_s=now_s, ttl_s=60
        ):
            runner.run(operation)
        runner.close()

    return show


def test_all_is_well_if_a_server_is_alive(cli, server):
    server("mail")

    done = cli("health")

    healthy, redis, servers = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert healthy == "Healthy: yes"
    assert redis.startswith("Redis:   answers in ")
    assert servers == "Servers: 1 alive"


def test_each_queue_that_is_named_must_be_served(cli, server):
    server("mail", "ads")

    served = cli("health", "-q", "mail", "-q", "ads")
    missing = cli("health", "-q", "mail", "-q", "news")

    assert (served.code, missing.code) == (0, 1)
    assert "Queue ads:  served by 1 server\n" in served.out
    assert "Problem:    no server serves queue 'news'\n" in missing.out


@pytest.mark.parametrize("status", [None, "closed", "stopped"])
def test_without_a_server_that_takes_tasks_nothing_is_well(cli, server, status):
    if status:
        server("mail", status=status)

    done = cli("health", "-o", "json")

    found = json.loads(done.out)
    assert done.code == 1
    assert found.pop("latency") > 0
    assert found == {
        "healthy": False,
        "redis": True,
        "servers": 0,
        "queues": {},
        "problems": ["no server is alive; `pyasynq worker` starts one"],
    }


@pytest.mark.usefixtures("impatient")
def test_a_redis_that_does_not_answer_is_told_in_every_form(cli, tmp_path):
    url = f"unix://{tmp_path}/nobody?connect_timeout=1"

    plain = cli("health", "--redis-url", url)
    document = json.loads(cli("health", "--redis-url", url, "-o", "json").out)

    assert plain.code == 69
    assert "Problem: redis is not available" in plain.out
    assert (document["healthy"], document["redis"], document["latency"]) == (False, False, None)
