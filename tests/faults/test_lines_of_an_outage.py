"""An outage of Redis is one line in the log of a busy server, and its end another one."""

import asyncio
import contextlib
import logging

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.faults.shift import CALM
from tests.support.eventually import eventually_async
from tests.support.redis_cluster import SLOTS, RedisCluster
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.timeout(60)

# Every component of the server has something to do all the time.
BUSY = {
    **CALM,
    "concurrency": 4,
    "heartbeat_interval": 0.1,
    "recover_interval": 0.1,
    "janitor_interval": 0.1,
    "health_check_interval": 0.1,
    "group_grace_period": 1,
    "health_check": lambda _error: None,
}


class Work:
    """A mux with a task and an aggregator; counts per queue what has run."""

    def __init__(self) -> None:
        self.ended: dict[str, int] = {}
        self.mux = ServeMux()
        self.mux.handler("work")(self._work)
        self.mux.aggregator("*")(lambda group, _tasks: Task("work"))

    async def _work(self, ctx, _task) -> None:
        await asyncio.sleep(0.005)
        self.ended[ctx.queue] = self.ended.get(ctx.queue, 0) + 1

    async def more(self, queue: str) -> None:
        """Wait until another task of *queue* has run."""
        before = self.ended.get(queue, 0)
        await eventually_async(lambda: self.ended.get(queue, 0) > before, within_s=20)


@contextlib.asynccontextmanager
async def producing(url, *queues):
    """Enqueue tasks of every kind all the time."""

    async def produce(client, queue):
        while True:
            with contextlib.suppress(Exception):
                await client.enqueue(Task("work"), queue=queue, retention=1)
                await client.enqueue(Task("work"), queue=queue, process_in=1)
                await client.enqueue(Task("work"), queue=queue, group="g")
            await asyncio.sleep(0.01)

    async with AsyncClient(url, enqueue_patience=0) as client:
        producers = [asyncio.create_task(produce(client, queue)) for queue in queues]
        yield
        for producer in producers:
            producer.cancel()
        await asyncio.gather(*producers, return_exceptions=True)


def lines(caplog):
    """What was logged of the outage: the level, and the text up to the error."""
    return [
        (record.levelname, record.getMessage().partition(":")[0].partition(", after")[0])
        for record in caplog.records
        if record.name.startswith("pyasynq")
        and (record.levelno >= logging.WARNING or "again" in record.getMessage())
    ]


@pytest.fixture
def server():
    server = RedisServer("--appendonly", "yes")
    yield server
    server.stop()


async def test_a_redis_that_is_killed_is_one_warning_and_one_all_clear(server, caplog):
    caplog.set_level("INFO")
    work = Work()

    async with (
        Server(server.tcp_url, ServerConfig(**BUSY)).running(work.mux) as worker,
        producing(server.tcp_url, "default"),
    ):
        await work.more("default")
        server.kill()
        await eventually_async(lambda: not worker.is_ready)
        await asyncio.to_thread(server.start)
        await work.more("default")
        await eventually_async(lambda: "again" in caplog.text, within_s=20)

    assert lines(caplog) == [
        ("WARNING", "the server waits for redis"),
        ("INFO", "redis answers again"),
    ]


async def test_a_password_that_is_changed_is_one_error_and_one_all_clear(
    redis_client, redis_server, redis_url, caplog
):
    caplog.set_level("INFO")
    work = Work()

    def set_password(password):
        rights = ("~*", "&*", "+@all")
        command = ("ACL", "SETUSER", "busy", "reset", "on", f">{password}", *rights)
        redis_client.execute_command(*command)
        redis_client.execute_command("CLIENT", "KILL", "USER", "busy")

    redis_client.execute_command("ACL", "SETUSER", "busy", "reset", "on", ">a", "~*", "&*", "+@all")
    url = f"redis://busy:a@127.0.0.1:{redis_server.port}/0"
    try:
        async with (
            Server(url, ServerConfig(**BUSY)).running(work.mux) as worker,
            producing(redis_url, "default"),
        ):
            await work.more("default")
            set_password("b")
            await eventually_async(lambda: not worker.is_ready)
            await eventually_async(lambda: "ERROR" in dict(lines(caplog)))
            set_password("a")
            await work.more("default")
            await eventually_async(lambda: "again" in caplog.text, within_s=20)
    finally:
        redis_client.execute_command("ACL", "DELUSER", "busy")

    found = lines(caplog)
    # That connections were cut, which is noticed first by some of them, is a line of its own.
    assert [level for level, _text in found if level != "WARNING"] == ["ERROR", "INFO"]
    assert {text for _level, text in found} == {"the server waits for redis", "redis answers again"}
    assert len(found) <= 3


@pytest.fixture
def cluster():
    cluster = RedisCluster()
    for node in cluster.nodes:
        with node.client() as client:
            client.config_set("cluster-require-full-coverage", "no")
            client.config_set("appendonly", "yes")
    yield cluster
    cluster.stop()


def queue_on(cluster, node):
    """Return the name of a queue that is on *node*."""
    share = SLOTS // len(cluster.nodes)
    first = cluster.nodes.index(node) * share
    with node.client() as client:
        return next(
            name
            for name in (f"q{number}" for number in range(1000))
            if first <= client.execute_command("CLUSTER KEYSLOT", name) < first + share
        )


async def test_a_node_of_a_cluster_that_is_killed_is_one_warning_of_its_queue(cluster, caplog):
    caplog.set_level("INFO")
    work = Work()
    lost, other = cluster.nodes[2], cluster.nodes[0]
    away, here = queue_on(cluster, lost), queue_on(cluster, other)
    queues = {away: 1, here: 1}

    async with (
        Server(cluster.url, ServerConfig(**BUSY, queues=queues)).running(work.mux),
        producing(cluster.url, away, here),
    ):
        await work.more(away)
        lost.kill()
        await eventually_async(lambda: "waits for redis" in caplog.text, within_s=20)
        await work.more(here)
        await asyncio.to_thread(lost.start)
        await work.more(away)
        await eventually_async(lambda: "answers again" in caplog.text, within_s=20)

    of_queues = [line for line in lines(caplog) if "redis" in line[1]]
    assert of_queues == [
        ("WARNING", f"the server waits for redis (queue {away!r})"),
        ("INFO", f"redis answers again (queue {away!r})"),
    ]
