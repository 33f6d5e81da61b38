"""Several processes are alive and ready together, and one port tells it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest

from pyasynq.app.worker import AppWorker
from pyasynq.cli import worker_health
from pyasynq.cli.supervision.protocol import Order, Started
from pyasynq.cli.supervision.worker_process import start_worker
from pyasynq.cli.worker_health import ProcessesHealth, WorkerHealth, redis_of
from pyasynq.client import Client
from pyasynq.connection.options import ConnectionOptions
from pyasynq.task import Task
from pyasynq.web.refusal import Refusal
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.cli.supervision.fleet import Fleet
from tests.support.eventually import eventually, eventually_async
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


class Answers:
    """What a port asks of the processes: the reasons, empty for what is well."""

    def __init__(self, health):
        self.health = health

    async def why_not_ready(self):
        return [each.why_not_ready for each in await self.health.readiness()]

    async def why_not_alive(self):
        return [each.why_not_ready for each in await self.health.liveness()]


@pytest.mark.slow
async def test_a_process_tells_whether_it_is_ready_and_alive_and_where_its_redis_is(
    process, redis_url, monkeypatch
):
    answers = Answers(ProcessesHealth(lambda: [process], lambda: False))

    async def in_the_end(reason):
        monkeypatch.setattr(worker_health, "SIGN_S", 30)
        async with asyncio.timeout(60):
            while await answers.why_not_ready() != [reason]:
                pass

    @contextmanager
    def frozen():
        monkeypatch.setattr(worker_health, "SIGN_S", 0.05)
        os.kill(process.pid, signal.SIGSTOP)
        yield
        os.kill(process.pid, signal.SIGCONT)

    with frozen():
        with pytest.raises(Refusal, match="the worker has not started yet"):
            redis_of([process])
        starting = await answers.why_not_ready() + await answers.why_not_alive()
    await in_the_end("")
    with frozen():
        hanging = await answers.why_not_ready() + await answers.why_not_alive()
        monkeypatch.setattr(worker_health, "LIFELESS_S", 0.05)
        hanging += await answers.why_not_alive()
    await in_the_end("")
    recovered = await answers.why_not_alive()
    process.send("pause")
    await in_the_end("it was told to fetch nothing more")

    assert starting == ["it has not started: its App is loading", ""]
    assert hanging == ["its event loop does not turn", "", "its event loop does not turn"]
    assert recovered == [""]
    assert redis_of([process]) == ConnectionOptions.from_url(redis_url)


async def test_processes_that_have_ended_or_shall_do_so_are_not_ready_but_no_reason_to_restart():
    ended = Answers(ProcessesHealth(lambda: [None, None], lambda: False))
    stopping = Answers(ProcessesHealth(lambda: [None, None], lambda: True))

    assert await ended.why_not_ready() == ["it does not run, and is about to start"] * 2
    assert await stopping.why_not_ready() == ["it shuts down"]
    assert await ended.why_not_alive() == ["", ""]


@pytest.mark.slow
async def test_processes_that_were_told_to_stop_are_alive_and_nobody_waits_for_them(process):
    answers = Answers(ProcessesHealth(lambda: [process], lambda: True))
    await eventually_async(lambda: process.started)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert await answers.why_not_alive() == [""]
        assert process.silent_s == 0  # it was asked nothing
    finally:
        os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
async def elsewhere():
    """An event loop in another thread, which the test may block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_a_blocked_loop_is_not_ready_at_once_and_not_alive_after_the_limit(
    elsewhere, redis_url, monkeypatch
):
    monkeypatch.setattr(worker_health, "SIGN_S", 0.02)
    health, release = WorkerHealth(), threading.Event()
    health.watch(AppWorker(Server(redis_url), ServeMux(), None))
    elsewhere.call_soon_threadsafe(health.take_over)
    await eventually_async(lambda: health._loop is not None)
    elsewhere.call_soon_threadsafe(release.wait)

    (ready,), (alive,) = await health.readiness(), await health.liveness()
    monkeypatch.setattr(worker_health, "LIFELESS_S", 0.01)
    (lifeless,) = await health.liveness()
    release.set()
    monkeypatch.setattr(worker_health, "SIGN_S", 30)
    (recovered,) = await health.liveness()

    assert ready.why_not_ready == "it has not started"
    assert (alive.is_ready, lifeless.is_ready, recovered.is_ready) == (True, False, True)
    assert alive.checks[0].detail.startswith("it has not turned for 0.")
    assert lifeless.why_not_ready == "its event loop does not turn"
    assert recovered.checks[0].since > lifeless.checks[0].since


async def test_a_worker_whose_app_is_not_loaded_is_alive_but_has_not_started():
    answers = Answers(WorkerHealth())

    assert await answers.why_not_ready() == ["it has not started: its App is loading"]
    assert await answers.why_not_alive() == [""]


async def test_a_worker_whose_loop_has_ended_is_alive(elsewhere):
    health = WorkerHealth()
    elsewhere.call_soon_threadsafe(health.take_over)
    await eventually_async(lambda: health._loop is not None)
    health._loop = asyncio.new_event_loop()
    health._loop.close()

    assert await Answers(health).why_not_alive() == [""]


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
    frozen = status("readyz")
    eventually(lambda: status("healthz")[0] == 503, within_s=60)
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
    eventually(lambda: '"reason":"it shuts down"' in status("readyz")[1])
    eventually(lambda: status("healthz")[0] == 200)
    fleet.let_go()

    assert queues[0] == 200
    assert frozen[0] == 503
    assert "its event loop does not turn" in frozen[1]
    assert "process " in frozen[1]
    assert fleet.wait() == 0
