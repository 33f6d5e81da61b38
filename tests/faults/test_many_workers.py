"""Twenty workers on one queue, each with a recoverer and a forwarder: no task is run by two.

What they compete for is there all at once: pending tasks, tasks that become due, failed ones, and
those of a worker that is gone.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator

import pytest

from pyasynq import retry
from pyasynq.broker.operations import dequeue
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.handlers.mux import ServeMux
from tests.faults.figures import show
from tests.faults.fleet import Fleet
from tests.faults.load import Load, enqueue
from tests.support.eventually import eventually, eventually_async
from tests.support.workplace import Workplace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WORKERS = 20
KINDS = ("pending", "due", "fails", "abandoned")
OF_EACH_KIND = 100
# Long leases: on a busy machine no live worker is to be taken for gone.
SETTINGS = {
    "concurrency": 3,
    "lease_duration": 20,
    "heartbeat_interval": 5,
    "delayed_task_check_interval": 0.2,
    "recover_interval": 0.2,
    "retry_delay": retry.fixed(0.05),
}


@pytest.fixture
def fleet(redis_url, redis_client, tmp_path) -> Iterator[Fleet]:
    fleet = Fleet(redis_url, redis_client, tmp_path)
    yield fleet
    fleet.close()


class Runs:
    """Which handlers run, and how often each attempt of each task ran."""

    def __init__(self, mux: ServeMux) -> None:
        self.attempts: Counter[tuple[str, str, int]] = Counter()
        self.running: Counter[str] = Counter()
        self.overlaps: list[str] = []
        for kind in KINDS:
            mux.add(kind, self._run)

    async def _run(self, ctx, task) -> None:
        self.attempts[task.type, ctx.task_id, ctx.attempt] += 1
        self.running[ctx.task_id] += 1
        if self.running[ctx.task_id] > 1:
            self.overlaps.append(ctx.task_id)
        for _turn in range(5):  # of the loop, in which another one could start
            await asyncio.sleep(0)
        self.running[ctx.task_id] -= 1
        if task.type == "fails" and ctx.attempt == 1:
            raise ValueError("for the first time")

    def of(self, kind: str) -> Counter[int]:
        """Return how many runs there were of each attempt of the tasks of *kind*."""
        found: Counter[int] = Counter()
        for (each, _id, attempt), count in self.attempts.items():
            if each == kind:
                found[attempt] += count
        return found


def abandon(work: Workplace) -> None:
    """Take every task like a worker whose lease ended long ago."""
    runner = Runner(Connector.of(work.url).open_sync(), clock=SystemClock())
    taken = dequeue.dequeue_many(
        queue_keys("default"), count=OF_EACH_KIND, owner="gone", lease_expires_at_s=1
    )
    assert len(runner.run(taken).tasks) == OF_EACH_KIND
    runner.close()


async def test_twenty_workers_run_each_attempt_once(work):
    mux = ServeMux()
    runs = Runs(mux)
    enqueue(work.url, [Task("abandoned")] * OF_EACH_KIND)
    abandon(work)
    enqueue(work.url, [Task("pending")] * OF_EACH_KIND)
    enqueue(work.url, [Task("fails")] * OF_EACH_KIND)
    enqueue(work.url, [Task("due")] * OF_EACH_KIND, process_in=0.5)

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(WORKERS):
            await stack.enter_async_context(work.serving(mux, **SETTINGS))
        await eventually_async(lambda: not work.redis.keys("asynq:{default}:t:*"), within_s=60)

    seen = {kind: runs.of(kind) for kind in KINDS}
    show(
        f"{WORKERS} workers on one queue",
        tasks=4 * OF_EACH_KIND,
        lost=4 * OF_EACH_KIND - len({task_id for _kind, task_id, _attempt in runs.attempts}),
        duplicates=sum(count - 1 for count in runs.attempts.values()),
        overlaps=len(runs.overlaps),
    )
    assert seen == {
        "pending": {1: OF_EACH_KIND},
        "due": {1: OF_EACH_KIND},
        "fails": {1: OF_EACH_KIND, 2: OF_EACH_KIND},
        "abandoned": {2: OF_EACH_KIND},
    }
    assert set(runs.attempts.values()) == {1}
    assert runs.overlaps == []
    # An attempt that was lost counts as a failure.
    assert work.count("processed") == 6 * OF_EACH_KIND
    assert work.count("failed") == 2 * OF_EACH_KIND


@pytest.mark.long
def test_twenty_processes_never_run_a_task_at_a_time_while_some_are_killed(
    fleet, redis_url, redis_client
):
    tasks, ledger = 6_000, fleet.ledger
    load = Load(redis_url, redis_client, milliseconds=[20])
    workers = [fleet.start(concurrency=5, lease_duration=4) for _ in range(WORKERS)]
    eventually(lambda: redis_client.zcard("asynq:servers") == WORKERS, within_s=120)
    load.add(tasks // 2)
    scheduled = enqueue(redis_url, [Task("work", b"20")] * (tasks // 2), process_in=3)

    killed = workers[:4]
    for number, worker in enumerate(killed, start=1):
        eventually(lambda n=number: ledger.ended() >= n * tasks // 10, within_s=120)
        fleet.freeze_at_work(worker, load)
        fleet.kill(worker)
    eventually(lambda: not redis_client.keys("asynq:{default}:t:*"), within_s=240)
    for worker in workers[4:]:
        worker.terminate()

    assert {worker.wait() for worker in workers[4:]} == {0}
    ids = load.ids | scheduled
    overlaps = ledger.overlaps(without={worker.pid for worker in killed})
    show(
        f"{WORKERS} workers as processes, 4 of them killed",
        tasks=len(ids),
        lost=len(ids - set(ledger.ends)),
        duplicates=ledger.duplicates(),
        overlaps=len(overlaps),
    )
    assert set(ledger.ends) == ids
    assert overlaps == []
    assert ledger.duplicates() <= 4 * 2 * 5
