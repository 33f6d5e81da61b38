"""A Go worker and a Python worker share queues and are killed with SIGKILL: nothing is lost."""

import os
import signal
import time
from collections import Counter

import pytest

from tests.faults.figures import show
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.interop.peer import GoWorker
from tests.support.eventually import eventually, eventually_async

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUEUES = ("default", "mail")
PYTHON = {"concurrency": 10, "queues": dict.fromkeys(QUEUES, 1)}


@pytest.fixture
def fleet(redis_url, redis_client, tmp_path):
    fleet = Fleet(redis_url, redis_client, tmp_path)
    yield fleet
    fleet.close()


def ended(worker: GoWorker) -> Counter[str]:
    return Counter(line["id"] for line in worker.printed if "ended" in line)


def started(worker: GoWorker) -> Counter[str]:
    return Counter(line["id"] for line in worker.printed if "ended" not in line)


def kill_at_work(worker: GoWorker, load: Load) -> set[str]:
    """Kill a Go worker while handlers of it run; return their tasks."""
    running: set[str] = set()

    def is_frozen() -> bool:
        worker.process.send_signal(signal.SIGSTOP)
        os.waitpid(worker.process.pid, os.WUNTRACED)
        running.update(started(worker) - ended(worker))
        if not running:
            worker.process.send_signal(signal.SIGCONT)
            load.top_up()
        return bool(running)

    eventually(is_frozen, within_s=60)
    worker.kill()
    return running


def end_leases(redis_client) -> None:
    """Let every lease have ended long ago."""
    for queue in QUEUES:
        for task_id in redis_client.lrange(f"asynq:{{{queue}}}:active", 0, -1):
            redis_client.zadd(f"asynq:{{{queue}}}:lease", {task_id: 1}, xx=True)


@pytest.mark.parametrize(
    ("tasks", "rounds", "is_lease_over"),
    [(600, 2, True), pytest.param(6_000, 10, False, marks=pytest.mark.long)],
    ids=["leases end at once", "leases end by themselves"],
)
async def test_nothing_is_lost_when_workers_of_either_language_are_killed(
    tasks, rounds, is_lease_over, peer, fleet, redis_url, redis_client
):
    load = Load(redis_url, redis_client, milliseconds=[20], queues=QUEUES)
    load.add(tasks // len(QUEUES))
    go_workers = [await peer.serve(*QUEUES)]
    python = fleet.start(**PYTHON)
    exposed = 0  # tasks that were active when both workers were dead
    killed = Counter[str]()

    def done() -> set[str]:
        return set(fleet.ledger.ends).union(*(ended(worker) for worker in go_workers))

    for number in range(1, rounds + 1):
        share = number * tasks // (2 * rounds)
        await eventually_async(lambda share=share: len(done()) >= share, within_s=120)
        killed["python"] += len(fleet.freeze_at_work(python, load))
        fleet.kill(python)
        killed["go"] += len(kill_at_work(go_workers[-1], load))
        exposed += sum(redis_client.llen(f"asynq:{{{queue}}}:active") for queue in QUEUES)
        if is_lease_over:
            end_leases(redis_client)
        killed_at = time.monotonic()
        python = fleet.start(**PYTHON)
        go_workers.append(await peer.serve(*QUEUES))
    await eventually_async(lambda: done() == load.ids, within_s=240)
    await eventually_async(lambda: not redis_client.keys("asynq:{*}:t:*"), within_s=120)
    recovered_s = time.monotonic() - killed_at
    fleet.until_at_work(python, load)
    python.terminate()
    assert python.wait() == 0
    await eventually_async(lambda: not redis_client.keys("asynq:{*}:t:*"), within_s=120)

    runs = sum((ended(worker) for worker in go_workers), fleet.ledger.ends)
    starts = sum((started(worker) for worker in go_workers), fleet.ledger.starts)
    duplicates = runs.total() - len(runs)
    show(
        f"kill -9 of a Go worker and a Python worker, {rounds} times each",
        tasks=len(load.ids),
        lost=len(load.ids - set(runs)),
        duplicates=duplicates,
        recovered_s=recovered_s,
        killed_handlers=killed.total(),
        exposed=exposed,
    )
    assert killed["go"] > 0
    assert killed["python"] > 0
    assert set(runs) == load.ids
    assert starts.total() <= len(load.ids) + exposed
    assert duplicates <= exposed - killed.total()
