"""Workers killed with SIGKILL in the middle of handlers: nothing is lost.

Each handler appends a line to a ledger outside Redis when it starts and when it ends, so the test
knows what ran, whatever Redis says.
"""

import signal
import subprocess
import sys
import textwrap
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from pyasynq.client import Client
from pyasynq.task import Task
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(240)

TASKS, KILLS, CONCURRENCY = 1_000, 5, 20

WORKER = """
    import asyncio, os, sys
    from pyasynq import Server, ServerConfig, ServeMux, retry

    ledger = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    mux = ServeMux()

    @mux.handler("work")
    async def work(ctx, task):
        os.write(ledger, f"start {ctx.task_id}\\n".encode())
        await asyncio.sleep(0.02)
        os.write(ledger, f"end {ctx.task_id}\\n".encode())

    Server(sys.argv[1], ServerConfig(
        concurrency=20, lease_duration=2, heartbeat_interval=0.5, recover_interval=0.5,
        task_check_interval=0.05, delayed_task_check_interval=0.1, retry_delay=retry.fixed(0.1),
    )).run(mux)
"""


def read(ledger: Path, word: str) -> list[str]:
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return [line.split()[1] for line in lines if line.startswith(f"{word} ")]


def start_worker(script: Path, url: str, ledger: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(script), url, str(ledger)], stderr=subprocess.DEVNULL
    )


def unfinished(ledger: Path) -> int:
    return len(read(ledger, "start")) - len(read(ledger, "end"))


def is_frozen_at_work(worker: subprocess.Popen[bytes], ledger: Path, killed: int) -> bool:
    """Freeze the worker; let it go on if no handler of it runs just now."""
    worker.send_signal(signal.SIGSTOP)
    if unfinished(ledger) > killed:
        return True
    worker.send_signal(signal.SIGCONT)
    return False


@pytest.mark.slow
def test_nothing_is_lost_when_workers_are_killed_in_the_middle_of_handlers(
    redis_url, redis_client, tmp_path
):
    script, ledger = tmp_path / "worker.py", tmp_path / "ledger"
    script.write_text(textwrap.dedent(WORKER))
    with Client(redis_url) as client:
        ids = [client.enqueue(Task("work"), max_retry=100).id for _ in range(TASKS)]

    kills = [0]  # handlers killed so far
    for number in range(1, KILLS + 1):
        worker = start_worker(script, redis_url, ledger)
        # Far enough from the last kill that the work goes on in between.
        eventually(lambda n=number: len(read(ledger, "end")) >= n * 100, within_s=60)
        eventually(lambda w=worker: is_frozen_at_work(w, ledger, kills[-1]))
        kills.append(unfinished(ledger))
        worker.kill()
        worker.wait()
    last = start_worker(script, redis_url, ledger)
    eventually(lambda: len(set(read(ledger, "end"))) == TASKS, within_s=120)
    eventually(lambda: not redis_client.keys("asynq:{default}:t:*"), within_s=120)
    last.terminate()

    runs = Counter(read(ledger, "end"))
    duplicates = sum(runs.values()) - len(runs)
    lost = len(set(ids) - set(runs))
    print(
        f"kill -9: {TASKS} tasks, {KILLS} kills, {kills[-1]} handlers killed, "
        f"{lost} tasks lost, {duplicates} run twice"
    )
    assert last.wait() == 0
    assert set(runs) == set(ids)
    assert all(before < after for before, after in pairwise(kills))
    assert duplicates <= KILLS * 2 * CONCURRENCY
    assert redis_client.llen("asynq:{default}:active") == 0
    assert redis_client.get("asynq:{default}:failed") is not None
