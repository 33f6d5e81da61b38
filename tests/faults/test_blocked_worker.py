"""A handler blocks the loop, or the whole interpreter, for longer than a lease."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pyasynq.task import Task
from tests.faults.figures import show
from tests.faults.fleet import Fleet
from tests.faults.ledger import Entry
from tests.faults.load import enqueue
from tests.support.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LEASE_S = 1
BLOCKED = {"lease_duration": LEASE_S, "heartbeat_interval": 0.2, "concurrency": 2}
OTHERS = 100


@pytest.fixture
def fleet(redis_url, redis_client, tmp_path) -> Iterator[Fleet]:
    fleet = Fleet(redis_url, redis_client, tmp_path)
    yield fleet
    fleet.close()


@dataclass(frozen=True)
class Seen:
    """What was seen of two workers, one of which had the blocking task.

    Attributes:
        meanwhile: tasks that ended while the first attempt of the blocking one ran.
        ids: all tasks.
    """

    blocking: str
    meanwhile: set[str]
    ids: set[str]


def run_beside(fleet: Fleet, redis_url, redis_client, kind: str) -> Seen:
    """Let two workers run one task of *kind* and many others, to their end."""
    workers = [fleet.start(**BLOCKED) for _ in range(2)]
    eventually(lambda: redis_client.zcard("asynq:servers") == 2, within_s=60)
    # In one batch: the blocked worker takes a second task, which must wait for it.
    length_ms = b"%d" % round(6_000 * LEASE_S)
    (blocking,) = enqueue(redis_url, [Task(kind, length_ms)])
    others = enqueue(redis_url, [Task("work", b"10")] * OTHERS)
    eventually(lambda: not redis_client.keys("asynq:{default}:t:*"), within_s=90)
    ids = others | {blocking}
    eventually(lambda: set(fleet.ledger.ends) == ids, within_s=60)
    for worker in workers:
        worker.terminate()
    assert [worker.wait() for worker in workers] == [0, 0]

    entries = fleet.ledger.entries()
    first = next(each for each in entries if each.task_id == blocking)
    start = entries.index(first)
    end = entries.index(Entry("end", blocking, first.pid))
    meanwhile = {each.task_id for each in entries[start:end] if each.word == "end"}
    return Seen(blocking, meanwhile, ids)


def show_figures(fleet: Fleet, row: str, seen: Seen) -> None:
    show(
        row,
        tasks=len(seen.ids),
        lost=len(seen.ids - set(fleet.ledger.ends)),
        duplicates=fleet.ledger.duplicates(),
        done_meanwhile=len(seen.meanwhile),
    )


@pytest.mark.parametrize(
    ("kind", "row", "least"),
    [
        ("block", "loop blocked for longer than the lease", 1),
        # Its process starts so late that the others may have ended before.
        pytest.param(
            "hold apart",
            "interpreter lock held for longer than the lease, executor process",
            0,
            marks=pytest.mark.long,
        ),
    ],
    ids=["block", "hold apart"],
)
def test_a_task_keeps_its_lease_although_its_handler_keeps_the_worker_busy(
    kind, row, least, fleet, redis_url, redis_client
):
    seen = run_beside(fleet, redis_url, redis_client, kind)

    ledger = fleet.ledger
    show_figures(fleet, row, seen)
    assert len(seen.meanwhile) >= least
    assert set(ledger.ends) == seen.ids
    assert ledger.starts.total() == len(seen.ids)
    assert redis_client.get("asynq:{default}:failed") is None


def test_a_lock_that_is_held_for_longer_than_the_lease_costs_one_more_run_of_what_it_kept(
    fleet, redis_url, redis_client
):
    seen = run_beside(fleet, redis_url, redis_client, "hold")

    ledger = fleet.ledger
    show_figures(fleet, "interpreter lock held for longer than the lease", seen)
    assert seen.meanwhile
    assert set(ledger.ends) == seen.ids
    assert ledger.ends[seen.blocking] == 2
    # What began before the lock was taken is cancelled, or ends, once its lease is lost.
    repeated = ledger.starts.total() - len(seen.ids)
    assert ledger.duplicates() <= repeated <= BLOCKED["concurrency"]
    # A task that was fetched but had not started is recovered as well, and starts only once.
    recovered = int(redis_client.get("asynq:{default}:failed"))
    assert repeated <= recovered <= BLOCKED["concurrency"]
    assert int(redis_client.get("asynq:{default}:processed")) == len(seen.ids) + recovered
