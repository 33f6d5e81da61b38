"""Workers killed with SIGKILL in the middle of handlers: nothing is lost.

A task may run again only if it was active when its worker was killed: its handler ran, or its
outcome was not in Redis yet. Of these a worker has at most three times its concurrency: one for
the handlers, two for the outcomes.
"""

import time
from collections.abc import Iterator

import pytest

from tests.faults.figures import show
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.support.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

UNACKNOWLEDGED = 2  # times the concurrency, at the most


@pytest.fixture
def fleet(redis_url, redis_client, tmp_path) -> Iterator[Fleet]:
    fleet = Fleet(redis_url, redis_client, tmp_path)
    yield fleet
    fleet.close()


@pytest.mark.parametrize(
    ("tasks", "kills", "concurrency"),
    [(800, 3, 20), pytest.param(10_000, 20, 100, marks=pytest.mark.long)],
)
def test_nothing_is_lost_when_workers_are_killed_in_the_middle_of_handlers(
    tasks, kills, concurrency, fleet, redis_url, redis_client
):
    ledger = fleet.ledger
    load = Load(redis_url, redis_client, milliseconds=[20])
    load.add(tasks)

    exposed: set[tuple[str, str]] = set()  # dequeues whose worker was killed
    killed_at_work: list[set[str]] = []
    for number in range(1, kills + 1):
        worker = fleet.start(concurrency=concurrency)
        # Far enough from the last kill that the work goes on in between.
        share = number * tasks // (2 * kills)
        eventually(lambda share=share: ledger.ended() >= share, within_s=120)
        killed_at_work.append(fleet.freeze_at_work(worker, load))
        fleet.kill(worker)
        fresh = fleet.held() - exposed
        assert len(fresh) <= (1 + UNACKNOWLEDGED) * concurrency
        exposed |= fresh
    killed_at = time.monotonic()
    last = fleet.start(concurrency=concurrency)
    eventually(lambda: not fleet.held() & exposed, within_s=120)
    recovered_s = time.monotonic() - killed_at
    eventually(lambda: not redis_client.keys("asynq:{default}:t:*"), within_s=240)
    last.terminate()

    assert last.wait() == 0
    show(
        f"kill -9 of a worker, {kills} times",
        tasks=len(load.ids),
        lost=len(load.ids - set(ledger.ends)),
        duplicates=ledger.duplicates(),
        recovered_s=recovered_s,
        killed_handlers=sum(len(each) for each in killed_at_work),
        exposed=len(exposed),
    )
    assert all(killed_at_work)
    assert set(ledger.ends) == load.ids
    assert ledger.starts.total() <= len(load.ids) + len(exposed)
    assert ledger.duplicates() <= len(exposed) - sum(len(each) for each in killed_at_work)
    assert redis_client.llen("asynq:{default}:active") == 0
    assert int(redis_client.get("asynq:{default}:failed")) <= len(exposed)
