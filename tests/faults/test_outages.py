"""Redis is away, slow or forgetful while tasks run: each runs once, and is counted once."""

import asyncio
import os
import signal
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.faults.figures import show
from tests.faults.shift import IMPATIENT, repeated_lines, shift
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.timeout(120)

TASKS = 150  # before the fault, and as many again meanwhile


@pytest.fixture
def server():
    """A Redis that loses nothing in a restart, and needs a moment to load its data."""
    server = RedisServer(
        *("--appendonly", "yes", "--appendfsync", "always"),
        *("--key-load-delay", "50", "--loading-process-events-interval-bytes", "1024"),
    )
    with server.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(6000):  # it listens now and then while it reads
            pipeline.set(f"other:{number}", number)
        pipeline.execute()
    yield server
    server.stop()


async def restart(server: RedisServer, _proxy: ChaosProxy) -> None:
    server.kill()
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    looking = redis.Redis(unix_socket_path=server.socket, retry=Retry(NoBackoff(), 0))
    has_loaded = False
    while not starting.done():
        await asyncio.sleep(0.005)
        try:
            looking.ping()
        except redis.BusyLoadingError:
            has_loaded = True
        except redis.ConnectionError:
            pass
    looking.close()
    await starting
    assert has_loaded


async def stop_the_process(server: RedisServer, _proxy: ChaosProxy) -> None:
    os.kill(server.pid, signal.SIGSTOP)
    await asyncio.sleep(1)
    os.kill(server.pid, signal.SIGCONT)


async def pause_the_clients(server: RedisServer, _proxy: ChaosProxy) -> None:
    with server.client() as client:
        client.client_pause(1000)
    await asyncio.sleep(1)


async def cut_again_and_again(_server: RedisServer, proxy: ChaosProxy) -> None:
    for _ in range(20):
        await asyncio.sleep(0.05)
        await asyncio.to_thread(proxy.cut)


async def hold_answers_and_cut(_server: RedisServer, proxy: ChaosProxy) -> None:
    proxy.hold_answers()
    await asyncio.sleep(1)
    await asyncio.to_thread(proxy.cut)
    proxy.release_answers()


async def hold_requests_and_cut(_server: RedisServer, proxy: ChaosProxy) -> None:
    proxy.hold_requests()
    await asyncio.sleep(1)
    await asyncio.to_thread(proxy.cut)
    proxy.release_requests()


async def delay_answers(_server: RedisServer, proxy: ChaosProxy) -> None:
    proxy.delay_s = 0.3
    await asyncio.sleep(1)
    proxy.delay_s = 0


async def flush_scripts(server: RedisServer, _proxy: ChaosProxy) -> None:
    with server.client() as client:
        for _ in range(50):
            client.script_flush()
            await asyncio.sleep(0.01)


FAULTS = {
    "redis restarted, AOF": restart,
    "redis stopped (SIGSTOP 1 s)": stop_the_process,
    "CLIENT PAUSE 1 s": pause_the_clients,
    "connections cut each 50 ms": cut_again_and_again,
    "half open: answers vanish 1 s": hold_answers_and_cut,
    "black hole: requests vanish 1 s": hold_requests_and_cut,
    "answers delayed 300 ms": delay_answers,
    "SCRIPT FLUSH each 10 ms": flush_scripts,
}
# An enqueue whose answer was lost is repeated; its task may have run and be gone by then.
CUTS_THE_PRODUCER = {"redis restarted, AOF"}
SILENT = {each for each in FAULTS if "1 s" in each}
SEEN_ONCE = {"redis restarted, AOF"}  # the others may be several outages to a slow machine


@pytest.mark.parametrize("name", FAULTS)
async def test_every_task_runs_once_and_is_counted_once(name, server, caplog):
    with ChaosProxy(server.port) as proxy:
        url = proxy.url + (IMPATIENT if name in SILENT else "")
        async with shift(url, client_url=server.tcp_url) as work:
            await work.enqueue(TASKS)
            more = asyncio.create_task(work.enqueue(TASKS))
            await work.until(20)
            await FAULTS[name](server, proxy)
            recovered_s = await work.seconds_until_work() if len(work.ended) < TASKS * 2 else 0
            await more
            await work.until(TASKS * 2)
            with server.client() as client:
                await eventually_async(lambda: not client.keys("asynq:{default}:t:*"))
                counts = [
                    int(client.get(f"asynq:{{default}}:{each}") or 0)
                    for each in ("processed", "failed")
                ]

    show(
        name,
        tasks=len(work.ids),
        lost=work.lost,
        duplicates=work.duplicates,
        recovered_s=recovered_s,
    )
    assert set(work.started) == set(work.ids)
    assert work.lost == 0
    assert work.duplicates <= (name in CUTS_THE_PRODUCER)
    assert counts == [work.started.total(), 0]
    if name in SEEN_ONCE:
        assert repeated_lines(caplog) == {}


async def test_a_server_that_cannot_connect_hardly_tries_and_comes_back(server, caplog):
    with ChaosProxy(server.port) as proxy:
        async with shift(
            proxy.url,
            client_url=server.tcp_url,
            heartbeat_interval=5,
            recover_interval=60,
            task_check_interval=1,
            delayed_task_check_interval=5,
        ) as work:
            await work.enqueue(1)
            await work.until(1)
            proxy.hangs_up = True
            await asyncio.to_thread(proxy.cut)
            before, cpu, began = proxy.connections, time.process_time(), time.monotonic()
            await asyncio.sleep(3)  # how long the outage lasts, or longer on a busy machine
            tries, cpu = proxy.connections - before, time.process_time() - cpu
            most = 80 * (time.monotonic() - began) / 3  # without pauses it would be thousands
            proxy.hangs_up = False
            await work.enqueue(1)
            recovered_s = await work.seconds_until_work()

    show(
        "redis refuses connections 3 s",
        tasks=2,
        lost=work.lost,
        duplicates=work.duplicates,
        recovered_s=recovered_s,
        connections_tried=tries,
        cpu_s=round(cpu, 2),
    )
    assert (work.lost, work.duplicates) == (0, 0)
    assert 3 <= tries <= most
    assert repeated_lines(caplog) == {}


async def test_a_producer_whose_answers_are_cut_stores_each_task_at_least_once(server):
    """A task whose enqueue is repeated may have run and be gone by then: it runs again."""
    with ChaosProxy(server.port) as proxy:
        async with shift(server.tcp_url, client_url=proxy.url) as work:
            cutting = asyncio.create_task(cut_again_and_again(server, proxy))
            while not cutting.done():
                await work.enqueue(1)
            await eventually_async(lambda: not work.lost)

    show(
        "producer cut each 50 ms",
        tasks=len(work.ids),
        lost=work.lost,
        duplicates=work.duplicates,
        recovered_s=0,
    )
    assert work.lost == 0
    assert work.duplicates <= 20
