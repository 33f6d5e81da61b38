"""Several processes are alive and ready together, and one port tells it."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest

from pyasynq.cli import worker_health
from pyasynq.cli.supervision.protocol import Order, Started
from pyasynq.cli.supervision.worker_process import start_worker
from pyasynq.cli.worker_health import ProcessesHealth, redis_of
from pyasynq.client import Client
from pyasynq.connection.options import ConnectionOptions
from pyasynq.task import Task
from pyasynq.web.refusal import Refusal
from tests.cli.supervision.fleet import Fleet
from tests.support.eventually import eventually
from tests.support.ports import free_port

APP = "from pyasynq import App\napp = App()\n"


@pytest.fixture
def fleet(tmp_path, redis_url, redis_client):
    fleet = Fleet(tmp_path, redis_url, redis_client)
    yield fleet
    fleet.end()


@pytest.fixture
async def process(tmp_path, redis_url):
    """A worker process whose messages are read as they come."""
    (tmp_path / "shop.py").write_text(APP)
    order = Order(target="shop:app", app_dir=str(tmp_path), redis_url=redis_url)
    process = start_worker(order, stderr=subprocess.DEVNULL)
    loop = asyncio.get_running_loop()
    loop.add_reader(
        process.channel, lambda: process.receive() or loop.remove_reader(process.channel)
    )
    yield process
    loop.remove_reader(process.channel)
    process.send("hurry")
    process.wait(30)
    process.close()


@pytest.mark.slow
async def test_a_process_tells_whether_it_is_ready_and_alive_and_where_its_redis_is(
    process, redis_url, monkeypatch
):
    health = ProcessesHealth(lambda: [process], lambda: False)

    async def in_the_end(*reasons):
        monkeypatch.setattr(worker_health, "SIGN_S", 30)
        async with asyncio.timeout(60):
            while (why := await health.why_not_ready()) not in reasons:
                pass
        return why

    @contextmanager
    def frozen():
        monkeypatch.setattr(worker_health, "SIGN_S", 0.05)
        os.kill(process.pid, signal.SIGSTOP)
        yield
        os.kill(process.pid, signal.SIGCONT)

    with frozen():
        with pytest.raises(Refusal, match="the worker has not started yet"):
            redis_of([process])
        starting = await health.why_not_ready(), await health.is_alive()
    await in_the_end("")
    with frozen():
        hanging = await health.why_not_ready(), await health.is_alive()
    process.send("pause")

    assert starting == ("it has not started", True)
    assert hanging == ("its event loop does not turn", False)
    assert await in_the_end("it was told to fetch nothing more")
    assert redis_of([process]) == ConnectionOptions.from_url(redis_url)


async def test_processes_that_have_ended_or_shall_do_so_are_not_ready_but_no_reason_to_restart():
    ended = ProcessesHealth(lambda: [None, None], lambda: False)
    stopping = ProcessesHealth(lambda: [None, None], lambda: True)

    assert await ended.why_not_ready() == (
        "process 1: it has ended, and starts again; process 2: it has ended, and starts again"
    )
    assert await stopping.why_not_ready() == "it shuts down"
    assert await ended.is_alive()


def test_where_a_client_of_the_app_connects_to_is_known_to_its_workers_alone():
    process = SimpleNamespace(started=Started(1.0, has_own_client=True))

    with pytest.raises(Refusal, match="name it with --redis-url"):
        redis_of([None, process])


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_processes_are_ready_if_all_are_and_the_port_stays_until_the_last_has_ended(
    fleet, redis_url
):
    url = f"http://127.0.0.1:{free_port()}/"
    fleet.write_app(shutdown_timeout=60)
    fleet.start("--http", url.removeprefix("http://").rstrip("/"), "--ui")

    def status(path):
        try:
            answer = httpx.get(url + path, timeout=10)
        except httpx.ConnectError:
            return 0, ""
        return answer.status_code, answer.text.strip()

    eventually(lambda: status("readyz")[0] == 200, within_s=60)
    pids = fleet.wait_until_all_serve()
    queues = status("api/queues")
    os.kill(pids[0], signal.SIGSTOP)
    frozen = status("healthz"), status("readyz")
    os.kill(pids[0], signal.SIGCONT)
    eventually(lambda: status("readyz")[0] == 200)
    os.kill(pids[1], signal.SIGKILL)
    eventually(lambda: status("readyz")[0] == 503)
    eventually(lambda: status("healthz")[0] == 200)
    eventually(lambda: status("readyz")[0] == 200, within_s=60)
    with Client(redis_url) as client:
        client.enqueue(Task("hold"))
    fleet.wait_for_held()
    fleet.signal(signal.SIGTERM)
    eventually(lambda: status("readyz") == (503, "the worker is not ready: it shuts down"))
    eventually(lambda: status("healthz")[0] == 200)
    fleet.let_go()

    assert queues[0] == 200
    assert [code for code, _text in frozen] == [503, 503]
    assert "its event loop does not turn" in frozen[1][1]
    assert "process " in frozen[1][1]
    assert fleet.wait() == 0
