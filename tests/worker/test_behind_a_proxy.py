"""Everything that needs no subscription works through a proxy, in front of two servers."""

import asyncio
import contextlib
import shutil

import pytest

from pyasynq.broker.operations import redis_info
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import DuplicateTaskError, IncompatibleRedisError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.envoy import Envoy
from tests.support.eventually import eventually_async
from tests.support.twemproxy import Twemproxy
from tests.support.workplace import QUICK

QUEUES = {f"q{number}": 1 for number in range(6)}  # on both servers
PROXIES = [pytest.param(Twemproxy, id="twemproxy", marks=pytest.mark.needs("nutcracker"))]
if shutil.which("envoy"):  # `make test-servers SERVERS=envoy` brings it
    PROXIES.append(pytest.param(Envoy, id="envoy"))


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request):
    proxy = request.param()
    yield proxy
    proxy.stop()


@pytest.fixture
def url(proxy):
    proxy.flush()
    return proxy.url


class Handlers:
    """A mux whose handlers note what they ran."""

    def __init__(self) -> None:
        self.mux, self.ran, self.holds = ServeMux(), [], asyncio.Event()
        self.mux.add("run", self._run)
        self.mux.add("fail once", self._fail_once)
        self.mux.add("hold", self._hold)

    async def _run(self, ctx, task):
        self.ran.append(ctx.task_id)

    async def _fail_once(self, ctx, task):
        self.ran.append(ctx.task_id)
        if self.ran.count(ctx.task_id) == 1:
            raise RuntimeError("once")

    async def _hold(self, ctx, task):
        self.holds.set()
        await asyncio.Event().wait()

    async def run(self, *ids: str) -> None:
        """Wait until all of these tasks have run."""
        await eventually_async(lambda: set(ids) <= set(self.ran))


@contextlib.asynccontextmanager
async def serving(url, mux, **settings):
    given = {**QUICK, "queues": QUEUES, "retry_delay": lambda *_: 0.01, **settings}
    async with Server(url, ServerConfig(**given)).running(mux) as server:
        yield server


async def test_each_way_to_enqueue_a_task_ends_in_one_run(url):
    handlers = Handlers()
    async with AsyncClient(url) as client, serving(url, handlers.mux):
        infos = [await client.enqueue(Task("run"), queue=queue) for queue in QUEUES]
        infos.append(await client.enqueue(Task("run"), queue="q2", process_in=0.1))
        many = await client.enqueue_many([(Task("run"), EnqueueOptions(queue="q3"))] * 9)
        infos += [each.info for each in many]
        with Client(url) as blocking:
            infos.append(await asyncio.to_thread(blocking.enqueue, Task("run"), queue="q4"))
        await handlers.run(*(info.id for info in infos))

    assert sorted(handlers.ran) == sorted(info.id for info in infos)


async def test_a_failed_task_is_retried(url):
    handlers = Handlers()
    async with AsyncClient(url) as client, serving(url, handlers.mux):
        info = await client.enqueue(Task("fail once"), queue="q1")
        await eventually_async(lambda: handlers.ran.count(info.id) == 2)


async def test_a_unique_task_is_refused_until_it_has_run(url):
    handlers = Handlers()
    async with AsyncClient(url) as client:
        first = await client.enqueue(Task("run"), queue="q5", unique=60)
        with pytest.raises(DuplicateTaskError):
            await client.enqueue(Task("run"), queue="q5", unique=60)
        async with serving(url, handlers.mux):  # it has written the outcome when it has stopped
            await handlers.run(first.id)
        second = await client.enqueue(Task("run"), queue="q5", unique=60)

    assert second.id != first.id


async def test_a_group_becomes_one_task(url):
    handlers, seen = Handlers(), []

    def aggregate(group, tasks):
        seen.append((group, len(tasks)))
        return Task("run")

    settings = {"group_aggregator": aggregate, "group_max_size": 3, "group_grace_period": 1}
    async with AsyncClient(url) as client, serving(url, handlers.mux, **settings):
        for number in range(3):
            await client.enqueue(Task("one", b"%d" % number), queue="q0", group="g")
        await eventually_async(lambda: handlers.ran)

    assert seen == [("g", 3)]


async def test_a_scheduler_enqueues_what_is_due(url):
    handlers = Handlers()
    scheduler = Scheduler(url)
    scheduler.register("@every 1s", Task("run"), queue="q2")
    async with serving(url, handlers.mux), scheduler.running():
        await eventually_async(lambda: handlers.ran)


async def test_an_inspector_sees_queues_tasks_servers_and_redis(url, proxy):
    async with AsyncClient(url) as client, AsyncInspector(url) as inspector:
        info = await client.enqueue(Task("run"), queue="q1")
        await client.enqueue(Task("run"), queue="q4", process_in=3600)
        async with serving(url, ServeMux(), queues={"idle": 1}):
            (server,) = await inspector.servers.list()
        queues = {each.queue: each for each in await inspector.queues.infos()}
        found = await inspector.tasks.get("q1", info.id)
        redis = await inspector.redis.info()

    assert server.queues == {"idle": 1}
    assert (queues["q1"].pending, queues["q4"].scheduled) == (1, 1)
    assert (queues["q1"].memory_usage is None) == isinstance(proxy, Envoy)  # it knows no MEMORY
    assert found.state == "pending"
    assert "redis_version" in redis


async def test_a_server_stops_and_leaves_its_task_to_others(url):
    handlers = Handlers()
    async with AsyncClient(url) as client, AsyncInspector(url) as inspector:
        info = await client.enqueue(Task("hold"), queue="q3")
        async with serving(url, handlers.mux, shutdown_timeout=0.1):
            await handlers.holds.wait()

        assert (await inspector.tasks.get("q3", info.id)).state == "pending"
        assert await inspector.servers.list() == []


async def test_a_server_says_once_that_nobody_can_cancel_its_tasks(url, caplog):
    async with serving(url, ServeMux()):
        pass

    told = [line for line in caplog.messages if "SUBSCRIBE" in line]
    assert len([line for line in told if "asynq:cancel" in line]) == 1
    assert len(told) == 2


async def test_a_cancellation_is_refused_in_words_or_heard_by_no_server(url, proxy):
    async with AsyncClient(url) as client, AsyncInspector(url) as inspector:
        info = await client.enqueue(Task("run"), queue="q3")
        if isinstance(proxy, Envoy):  # it answers PUBLISH by itself
            assert await inspector.tasks.cancel(info.id, queue="q3") == 0
        else:
            with pytest.raises(IncompatibleRedisError, match="the proxy in front of redis"):
                await inspector.tasks.cancel(info.id, queue="q3")


async def test_calls_at_the_same_time_share_one_connection(url):
    runner = AsyncRunner(Connector.of(url).open_async(), clock=SystemClock())
    try:
        times = await asyncio.gather(*(runner.run(redis_info.redis_time()) for _ in range(20)))
    finally:
        await runner.close()

    assert all(each > 0 for each in times)


@pytest.mark.needs("nutcracker")
async def test_a_server_does_not_start_behind_a_proxy_without_hash_tags_that_gives_no_sign():
    proxy = Twemproxy(hash_tag="")
    connector = Connector.of(proxy.url)
    connector._proxy.is_checked = True  # as if the first connection had not recognised it
    try:
        with pytest.raises(IncompatibleRedisError, match="does not honour hash tags"):
            await asyncio.wait_for(Server(connector, ServerConfig()).serve(ServeMux()), 20)
    finally:
        proxy.stop()
