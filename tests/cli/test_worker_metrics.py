"""Numbers of several processes are put together, and counters do not fall."""

import asyncio
import os
import signal
import subprocess
from concurrent.futures import Future

import httpx
import pytest

from pyasynq.cli import worker_metrics
from pyasynq.cli.supervision import totals as totals_of
from pyasynq.cli.supervision.protocol import Measured, Order, encoded
from pyasynq.cli.supervision.totals import Fleet, Totals
from pyasynq.cli.supervision.worker_process import start_worker
from pyasynq.cli.worker_metrics import ProcessesMeasured
from pyasynq.client import Client
from pyasynq.measurements.reading import Reading
from pyasynq.task import Task
from tests.cli.supervision.fleet import Fleet as Programs
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.scraped import of, samples_of

LOST = "pyasynq_leases_lost_total"
READY = "pyasynq_worker_ready"
PROCESSES = "pyasynq_worker_processes"


class Told:
    """A process that tells what it is given, or nothing at all."""

    def __init__(self, *readings, last=()):
        self._readings, self.readings = readings, list(last)

    def ask_to_measure(self):
        asked = Future()
        if self._readings:
            self.readings = list(self._readings)
            asked.set_result(Measured(self.readings))
        return asked


def counted(value):
    return Reading(LOST, ("mail",), float(value))


def gauge(name, value):
    return Reading(name, (), float(value))


async def sums(*processes, ended=()):
    found = await ProcessesMeasured(lambda: Fleet(processes, ended)).readings()
    return {each.metric: each.value for each in found}


async def test_counters_are_summed_with_those_of_processes_that_have_ended():
    first, second = (Told(counted(n), gauge(PROCESSES, 1), gauge(READY, 1)) for n in (2, 3))

    assert await sums(first, second, ended=[counted(10)]) == {LOST: 15, PROCESSES: 2, READY: 1}


async def test_a_process_that_does_not_answer_hides_no_other(monkeypatch):
    monkeypatch.setattr(worker_metrics, "ANSWER_S", 0.01)
    silent = Told(last=[counted(5), gauge(PROCESSES, 1)])
    well = Told(counted(2), gauge(PROCESSES, 1), gauge(READY, 1))

    assert await sums(silent, well, None) == {LOST: 7, PROCESSES: 1, READY: 0}


def test_a_process_is_among_those_that_run_or_in_the_totals():
    totals, process = Totals(), Told(last=[counted(4), gauge(PROCESSES, 1)])
    running = [process]

    totals.end(process, running.clear)
    totals.end(Told(last=[counted(3)]), list)

    assert totals.fleet(lambda: list(running)) == Fleet([], [counted(7)])


async def test_processes_that_follow_one_another_have_no_more_names_than_can_be_shown(monkeypatch):
    monkeypatch.setattr(totals_of, "MOST_NAMES", 3)
    started, totals = "pyasynq_tasks_started_total", Totals()

    def told(*names):
        return Told(*(Reading(started, ("mail", each), 1.0) for each in names))

    running = told("image:1", "image:2", "image:3", "image:4")
    measured = ProcessesMeasured(lambda: totals.fleet(lambda: [running]), totals.bounded)
    before = await measured.readings()
    totals.end(running, lambda: None)
    running = told("image:3", "image:5")
    after = await measured.readings()

    names = {"image:1": 1, "image:2": 1, "image:3": 1, "*": 1}
    assert {each.labels[1]: each.value for each in before} == names
    assert {each.labels[1]: each.value for each in after} == names | {"image:3": 2, "*": 2}


def test_readings_survive_the_way_between_processes():
    message = Measured([counted(2**53)])

    assert encoded(message).count(b"\n") == 1


@pytest.mark.slow
async def test_a_real_process_tells_what_it_has_measured(tmp_path, redis_url):
    (tmp_path / "shop.py").write_text("from pyasynq import App\napp = App()\n")
    order = Order(target="shop:app", app_dir=str(tmp_path), redis_url=redis_url, is_relayed=True)
    process = start_worker(order, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    loop = asyncio.get_running_loop()
    loop.add_reader(
        process.channel, lambda: process.receive() or loop.remove_reader(process.channel)
    )

    async with asyncio.timeout(60):
        while (await sums(process)).get(READY) != 1:
            pass
    process.readings = []
    loop.remove_reader(process.channel)
    process.send("hurry")
    process.wait(30)
    process.close()

    assert gauge(PROCESSES, 1) in process.readings


@pytest.mark.long
def test_sums_of_a_worker_do_not_fall_when_a_process_is_killed(tmp_path, redis_url, redis_client):
    fleet = Programs(tmp_path, redis_url, redis_client)
    port = free_port()

    seen = []

    def is_ready():
        try:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
        except httpx.TransportError:
            return False
        seen.append(samples_of(text))
        return of(seen[-1], READY) == 1 and of(seen[-1], PROCESSES) == 2

    try:
        fleet.write_app()
        with Client(redis_url) as client:
            client.enqueue_many([Task("work", b"{}") for _ in range(20)])
        fleet.start("--http", f"127.0.0.1:{port}")
        fleet.wait_until_all_serve()
        eventually(lambda: len(fleet.worked()) == 20)
        eventually(is_ready)
        before = seen[-1]
        victim = fleet.server_pids()[0]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: victim not in fleet.server_pids())
        eventually(is_ready)
    finally:
        fleet.end()
    name, labels = "pyasynq_tasks_started_total", {"queue": "default", "type": "work"}

    assert of(before, name, **labels) == 20
    assert of(seen[-1], name, **labels) == 20
