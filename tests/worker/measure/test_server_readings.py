"""What a server tells of itself, while it works and around that."""

from pyasynq.measurements.reading import Distribution
from pyasynq.measurements.worker_metrics import WORKER_METRICS
from pyasynq.version import __version__
from pyasynq.worker.server import Server
from tests.support.listening import make_mux, succeed

METRICS = {each.name: each for each in WORKER_METRICS}


def values(server):
    """Return what a server has measured, by metric and labels."""
    return {(each.metric, *each.labels): each.value for each in server.readings()}


async def test_a_server_tells_its_slots_whether_it_is_ready_and_its_version(work):
    async with work.serving(make_mux(succeed), concurrency=7) as server:
        found = values(server)

    assert found["pyasynq_worker_slots", "used"] == 0
    assert found["pyasynq_worker_slots", "free"] == 7
    assert found["pyasynq_worker_ready",] == 1
    assert found["pyasynq_worker_processes",] == 1
    assert found["pyasynq_worker_unwritten_outcomes",] == 0
    assert found["pyasynq_worker_info", __version__] == 1


async def test_readings_can_be_asked_for_before_the_start_and_after_the_end(work):
    server = work.server()
    assert values(server)["pyasynq_worker_ready",] == 0

    async with server.running(make_mux(succeed)):
        pass

    assert values(server)["pyasynq_worker_ready",] == 0


async def test_each_reading_is_in_the_table_and_has_its_labels(work):
    info = await work.enqueue("email")
    async with work.serving(make_mux(succeed)) as server:
        await work.until(info, None)
        readings = server.readings()

    assert readings
    for each in readings:
        metric = METRICS[each.metric]
        assert len(each.labels) == len(metric.labels), each.metric
        if isinstance(each.value, Distribution):
            assert len(each.value.counts) == len(metric.bounds) + 1
    assert len({(each.metric, each.labels) for each in readings}) == len(readings)


def test_a_server_without_redis_tells_what_it_knows(monkeypatch):
    assert values(Server("redis://nowhere.invalid"))["pyasynq_worker_processes",] == 1
