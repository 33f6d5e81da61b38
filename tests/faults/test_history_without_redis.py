"""Redis is away while a server keeps a history: nothing is lost that fits, and no task suffers."""

import msgspec
import pytest

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.broker.scripts import load
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import RedisUnavailableError
from pyasynq.lifecycle.component import running
from pyasynq.worker.attempt.outcome import FINISHED
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.measure.type_tally import TypeTally
from pyasynq.worker.observers import Observer, together
from pyasynq.worker.record import attempt_log, recorder
from pyasynq.worker.record.recorder import Recorder
from pyasynq.worker.task_history import TaskHistory
from tests.support.builders import make_keys, make_message, make_resources, make_running
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async

KEYS = make_keys()
TYPE = make_message().type


def make_recorder(runner, **settings):
    config = ServerConfig(**{"task_history": TaskHistory(), **settings})
    resources = make_resources(runner, config=config)
    tally = TypeTally(lambda name: name)
    recorder = Recorder(resources, worker="host:1:me", tally=tally, drops_errors=True)
    counting = Observer(on_outcomes=tally.on_outcomes)
    return recorder, together([recorder.observer, counting]), resources


def end(observer, *numbers, **fields):
    """Let the attempts of tasks end."""
    for number in numbers:
        task = make_running(task_id=f"t{number}", ended_at=1.0, **fields)
        observer.on_outcomes([(task, FINISHED)])


def counted(redis_client):
    """Return what is counted in Redis, whatever the minute is."""
    return [msgspec.json.decode(each)["n"] for each in redis_client.hvals(KEYS.type_counts(TYPE))]


@pytest.fixture(autouse=True)
def _short_interval(monkeypatch):
    monkeypatch.setattr(recorder, "INTERVAL_S", 0.02)


@pytest.fixture
async def proxy(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def runner(proxy):
    runner = AsyncRunner(Connector.of(proxy.url).open_async(), clock=SystemClock())
    yield runner
    await runner.close()


async def test_attempts_wait_for_redis_and_are_kept_when_it_is_back(
    runner, proxy, redis_client, caplog
):
    part, ending, resources = make_recorder(runner)
    async with running([part]):
        end(ending, 1)
        await eventually_async(lambda: redis_client.exists(KEYS.attempts_of("t1")))
        proxy.refuse()
        proxy.cut()
        end(ending, 2, 3)
        await eventually_async(lambda: resources.outage.is_on)
        end(ending, 4)
        proxy.accept()
        await eventually_async(lambda: redis_client.zcard(KEYS.attempts) == 4)

    assert caplog.text.count("the server waits for redis") == 1
    assert resources.counters.all() == []


async def test_what_does_not_fit_is_dropped_counted_and_told_once(
    runner, proxy, redis_client, caplog, monkeypatch
):
    monkeypatch.setattr(attempt_log, "MOST_WAITING", 3)
    part, ending, resources = make_recorder(runner)
    async with running([part]):
        proxy.refuse()
        proxy.cut()
        end(ending, *range(10))
        await eventually_async(lambda: resources.outage.is_on)
        proxy.accept()
        await eventually_async(lambda: redis_client.zcard(KEYS.attempts) == 3)

    assert redis_client.zrange(KEYS.attempts, 0, -1) == [b"t7", b"t8", b"t9"]
    assert [(each.name, each.value) for each in resources.counters.all()] == [
        ("attempts_dropped", 7)
    ]
    assert caplog.text.count("from now on the oldest") == 1
    assert caplog.text.count("7 attempts were dropped") == 1


async def test_statistics_that_cannot_be_written_at_the_stop_are_told(
    runner, proxy, redis_client, caplog
):
    part, ending, _resources = make_recorder(runner, task_history=None, type_statistics=True)
    async with running([part]):
        end(ending, 1, 2, 3)
        proxy.refuse()
        proxy.cut()

    assert counted(redis_client) == []
    assert "statistics of 1 task types are not written" in caplog.text


async def test_statistics_whose_answer_is_lost_are_not_counted_twice(runner, proxy, redis_client):
    part, ending, resources = make_recorder(runner, task_history=None, type_statistics=True)
    redis_client.script_load(load("count_types").source)  # else it is not run before the cut
    async with running([part]):
        end(ending, 1, 2, 3)
        proxy.cut_after = KEYS.types.encode()

    assert proxy.cuts == 1
    assert counted(redis_client) == [3]
    assert [each.name for each in resources.counters.all()] == ["statistics_dropped"]


async def test_statistics_that_were_not_sent_wait_for_redis(
    runner, proxy, redis_client, monkeypatch
):
    monkeypatch.setattr(recorder, "MINUTE_NS", 10**8)
    monkeypatch.setattr(recorder, "LATEST_S", 0)
    part, ending, resources = make_recorder(runner, task_history=None, type_statistics=True)
    async with running([part]):
        proxy.refuse()
        proxy.cut()
        end(ending, 1, 2)
        await eventually_async(lambda: resources.outage.is_on)
        end(ending, 3)
        proxy.accept()
        await eventually_async(lambda: sum(counted(redis_client)) == 3)

    assert resources.counters.all() == []


async def test_a_stop_does_not_wait_long_for_a_redis_that_is_silent(
    runner, proxy, redis_client, caplog, monkeypatch
):
    monkeypatch.setattr(recorder, "LAST_FLUSH_S", 0.1)
    part, ending, _resources = make_recorder(runner)
    async with running([part]):
        proxy.hold_requests()
        end(ending, 1, 2)

    assert "2 attempts were dropped, not kept" in caplog.text
    proxy.release_requests()


async def test_an_error_of_our_own_is_told_once_and_harms_nothing(
    runner, redis_client, caplog, monkeypatch
):
    part, ending, _resources = make_recorder(runner)
    monkeypatch.setattr(recorder, "record_of_end", lambda *_given, **_more: 1 / 0)
    async with running([part]):
        end(ending, 1, 2)

    assert caplog.text.count("keeping what was done failed") == 1


async def test_a_node_that_is_away_keeps_no_other_queue_from_being_kept(cluster, monkeypatch):
    monkeypatch.setattr(recorder, "CALLS_AT_ONCE", 1)
    runner = AsyncRunner(Connector.of(cluster.url).open_async(), clock=SystemClock())
    part, ending, resources = make_recorder(runner, type_statistics=True)
    run_all = runner.run_all

    async def without_mail(operations, **given):
        if "{mail}" in operations[0].keys[0]:
            return [RedisUnavailableError("its node is away")] * len(operations)
        return await run_all(operations, **given)

    monkeypatch.setattr(runner, "run_all", without_mail)
    async with running([part]):
        for queue in ("mail", "ads"):
            keys = make_keys(queue)
            end(ending, 1, 2, keys=keys, key=(queue, "t"))
    await runner.close()

    with cluster.client() as client:
        kept = [client.zcard(make_keys(queue).attempts) for queue in ("mail", "ads")]
        client.delete(make_keys("ads").attempts)
    assert kept == [0, 1]
    assert resources.counters.all() == []
