"""Samples are taken while somebody may look, of what is read anyway."""

import pytest

from pyasynq.admin.metrics.report import METRICS
from pyasynq.inspector import AsyncInspector
from pyasynq.web.live.sampling import Sampling
from pyasynq.wire.keys import queue_keys
from tests.support.event_stream import listening
from tests.support.eventually import eventually_async
from tests.support.redis_server import RedisServer

MAIL = queue_keys("mail")


def sampling(**given):
    return Sampling(**{"lasting_s": 3600, "most_measured": 5, **given})


def known(report):
    return {
        metric: {row.queue: [each for each in row.values if each is not None] for row in rows}
        for metric, rows in report.series.items()
    }


async def test_what_redis_holds_is_what_is_sampled(redis_url, redis_client, now_s):
    taken = sampling(most_measured=10)
    taken.look()
    async with AsyncInspector(redis_url) as inspector:
        for _ in range(2):  # what was measured after the first is in the second
            snapshot = await inspector.snapshots.take()
            await taken.take(snapshot, inspector)
            taken.sampler._newest_slot = None  # ten seconds later
        infos = {each.queue: each for each in await inspector.queues.infos()}

    found = known(taken.sampler.report(end_s=snapshot.at_ns // 10**9 + 1, duration_s=60))

    assert found["queue_size"]["mail"][-1] == infos["mail"].size
    assert found["pending_tasks_by_queue"]["mail"][-1] == 3
    assert found["retry_tasks_by_queue"]["orders"][-1] == 1
    assert found["archived_tasks_by_queue"]["empty"][-1] == 0
    assert found["queue_latency_seconds"]["mail"][-1] == pytest.approx(95, abs=5)
    assert found["queue_latency_seconds"]["empty"][-1] == 0
    assert found["queue_memory_usage_approx_bytes"]["mail"][-1] == infos["mail"].memory_usage


async def test_a_few_queues_are_measured_with_each_sample_those_longest_ago_first(
    redis_url, redis_client
):
    redis_client.sadd("asynq:queues", *(f"queue {number}" for number in range(5)))
    taken = sampling(most_measured=2)
    taken.look()
    measured = []
    async with AsyncInspector(redis_url) as inspector:
        for _ in range(4):
            await taken.take(await inspector.snapshots.take(), inspector)
            measured.append(list(taken._memory)[-2:])
            taken.sampler._newest_slot = None

    assert set(measured[0] + measured[1] + measured[2]) == {f"queue {each}" for each in range(5)}
    assert measured[3] != measured[2]


async def test_where_memory_is_not_told_it_is_asked_for_once(redis_client, now_s):
    server = RedisServer("--rename-command", "MEMORY", "")
    with server.client() as client:
        client.sadd("asynq:queues", "a", "b", "c")
        for queue in ("a", "b", "c"):
            client.lpush(queue_keys(queue).pending, "x")
    taken = sampling()
    taken.look()
    try:
        async with AsyncInspector(server.url) as inspector:
            await taken.take(await inspector.snapshots.take(), inspector)
    finally:
        server.stop()

    assert not taken._is_measurable
    assert taken._memory == {}
    assert set(taken.sampler.queues) == {"a", "b", "c"}


async def test_nothing_is_sampled_before_somebody_looks_nor_long_after(
    redis_url, redis_client, now_s
):
    taken, over = sampling(), sampling(lasting_s=0)
    over.look()
    async with AsyncInspector(redis_url) as inspector:
        for each in (taken, over):
            await each.take(await inspector.snapshots.take(), inspector)

    assert (list(taken.sampler.queues), list(over.sampler.queues)) == ([], [])


async def test_a_look_at_a_page_begins_to_sample_and_a_look_at_the_api_does_not(make_web, now_s):
    web = make_web()
    await web.ask("GET", "/api/queues")
    await web.ask("GET", "/healthz")
    before = web.app.live.is_running

    await web.ask("GET", "/")

    assert (before, web.app.live.is_running) == (False, True)
    await eventually_async(lambda: "mail" in web.app.live.sampler.queues)


async def test_where_prometheus_is_nothing_is_sampled(make_web, now_s):
    web = make_web(prometheus_url="http://127.0.0.1:1")

    await web.ask("GET", "/")

    assert not web.app.live.is_running


async def test_who_may_not_look_begins_nothing(make_web, now_s):
    web = make_web(access="none")

    await web.ask("GET", "/")
    await web.ask("GET", "/api/x/series")

    assert not web.app.live.is_running


async def test_series_answer_with_what_was_sampled(make_web, now_s):
    web = make_web()
    first = await web.get("/api/x/series")
    await eventually_async(lambda: web.app.live.sampler.queues)
    found = await web.get("/api/x/series", params={"duration": 600, "queue": ["mail", "nobody"]})

    assert (first["source"], first["began_at"]) == ("own", None)
    assert list(found["series"]) == list(METRICS)
    assert (found["step"], len(found["times"]), found["left_out"]) == (10, 60, 0)
    (row,) = found["series"]["queue_size"]
    assert (row["queue"], [each for each in row["values"] if each is not None]) == ("mail", [21])


@pytest.mark.parametrize("query", ["duration=0", "duration=x", "duration=9999999", "end=-1"])
async def test_a_time_that_is_none_is_refused(make_web, now_s, query):
    answer = await make_web().ask("GET", f"/api/x/series?{query}")

    assert answer.status_code == 400


async def test_readings_for_listeners_are_samples_too(app, now_s):
    app.live.look()
    async with listening(app) as source:
        await source.next()
        await eventually_async(lambda: "mail" in app.live.sampler.queues)
