"""SIGTERM under load, worker after worker: nothing that finished is lost or runs twice."""

import signal
import time
from collections.abc import Iterator

import pytest

from pyasynq.task import Task
from tests.faults.figures import show
from tests.faults.fleet import Fleet
from tests.faults.load import Load, enqueue
from tests.support.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# So that nothing is recovered: what runs again would have been requeued, or not acknowledged.
NO_RECOVERY = {"lease_duration": 30, "recover_interval": 60}


@pytest.fixture
def fleet(redis_url, redis_client, tmp_path) -> Iterator[Fleet]:
    fleet = Fleet(redis_url, redis_client, tmp_path)
    yield fleet
    fleet.close()


@pytest.mark.parametrize(
    ("tasks", "restarts"), [(1_000, 2), pytest.param(15_000, 30, marks=pytest.mark.long)]
)
def test_what_finished_is_neither_lost_nor_run_twice(
    tasks, restarts, fleet, redis_url, redis_client
):
    ledger = fleet.ledger
    load = Load(redis_url, redis_client, milliseconds=[5, 30, 60])
    load.add(tasks)

    workers = [fleet.start(concurrency=20, **NO_RECOVERY) for _ in range(2)]
    codes, longest_s = [], 0.0
    for number in range(1, restarts + 1):
        old = workers.pop(0)
        share = number * tasks // (restarts + 2)
        eventually(lambda share=share: ledger.ended() >= share, within_s=120)
        fleet.until_at_work(old, load)
        stopped_at = time.monotonic()
        old.send_signal(signal.SIGTERM)
        workers.append(fleet.start(concurrency=20, **NO_RECOVERY))
        codes.append(old.wait())
        longest_s = max(longest_s, time.monotonic() - stopped_at)
        assert not ledger.unfinished(old.pid)
    eventually(lambda: not redis_client.keys("asynq:{default}:t:*"), within_s=240)
    eventually(lambda: redis_client.zcard("asynq:servers") == len(workers), within_s=60)
    for worker in workers:
        worker.terminate()
    codes += [worker.wait() for worker in workers]

    show(
        f"SIGTERM of a worker, {restarts} times",
        tasks=len(load.ids),
        lost=len(load.ids - set(ledger.ends)),
        duplicates=ledger.duplicates(),
        stopped_s=longest_s,
    )
    assert set(codes) == {0}
    assert set(ledger.ends) == load.ids
    assert ledger.starts == ledger.ends
    assert ledger.starts.total() == len(load.ids)
    assert int(redis_client.get("asynq:{default}:processed")) == len(load.ids)
    assert redis_client.get("asynq:{default}:failed") is None


def test_handlers_that_outlast_the_shutdown_run_again_and_the_others_do_not(
    fleet, redis_url, redis_client
):
    ledger = fleet.ledger
    long = enqueue(redis_url, [Task("work", b"600000")] * 5)
    patient = {"concurrency": 20, "shutdown_timeout": 0.3, **NO_RECOVERY}
    first = fleet.start(**patient)
    eventually(lambda: ledger.unfinished(first.pid) == long, within_s=60)
    short = enqueue(redis_url, [Task("work", b"10")] * 300)
    eventually(lambda: ledger.ended() >= 50, within_s=60)

    first.send_signal(signal.SIGTERM)
    assert first.wait() == 0
    in_front = redis_client.lrange("asynq:{default}:pending", -len(long), -1)
    interrupted = ledger.unfinished(first.pid)
    second = fleet.start(**patient)
    eventually(lambda: ledger.ended() == len(short), within_s=60)
    eventually(lambda: ledger.unfinished(second.pid) == long, within_s=60)
    second.send_signal(signal.SIGTERM)

    assert second.wait() == 0
    show(
        "SIGTERM with handlers that outlast it",
        tasks=len(long) + len(short),
        lost=redis_client.llen("asynq:{default}:active"),
        duplicates=ledger.duplicates(),
        requeued=len(long),
    )
    assert {task_id.decode() for task_id in in_front} == long
    assert interrupted == long
    assert set(ledger.ends) == short
    assert ledger.duplicates() == 0
    assert redis_client.llen("asynq:{default}:pending") == len(long)
    assert redis_client.llen("asynq:{default}:active") == 0
