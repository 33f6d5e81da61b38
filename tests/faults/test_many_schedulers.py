"""Three schedulers of one name, whose leaders are killed and frozen: each tick makes one task."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyasynq.scheduler.entry import id_of_key
from pyasynq.wire.keys import global_keys, queue_keys
from tests.faults.figures import show
from tests.faults.tick_watch import TickWatch
from tests.support.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROGRAM = Path(__file__).with_name("scheduler_program.py")
LEADER = global_keys("asynq").leader("shop")
QUEUE = "ticks"
ALL, ONCE = id_of_key("shop", "all"), id_of_key("shop", "once")


class Schedulers:
    """Three processes; none outlives it."""

    def __init__(self, url: str, client, folder: Path) -> None:
        self._url, self._client, self._log = url, client, folder / "log"
        self._all: dict[int, subprocess.Popen[bytes]] = {}
        for _ in range(3):
            self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen([sys.executable, str(PROGRAM), self._url, QUEUE], stderr=log)
        self._all[process.pid] = process

    def leader(self) -> int | None:
        """Return the process ID of the leader."""
        found = self._client.get(LEADER)
        return int(found.split(b":")[1]) if found else None

    def kill_the_leader(self) -> None:
        """Kill it with SIGKILL, start another scheduler, and wait for the next leader."""
        before = self._some_leader()
        self._all[before].kill()
        self._all.pop(before).wait()
        self.start()
        eventually(lambda: self.leader() not in (None, before), within_s=60)

    def freeze_the_leader(self) -> None:
        """Freeze it until another one leads; then let it go on in the belief that it leads."""
        before = self._some_leader()
        os.kill(before, signal.SIGSTOP)
        os.waitpid(before, os.WUNTRACED)
        eventually(lambda: self.leader() not in (None, before), within_s=60)
        os.kill(before, signal.SIGCONT)

    def stop(self) -> list[int]:
        """Stop all with SIGTERM; return their exit codes."""
        for process in self._all.values():
            process.terminate()
        return [process.wait(60) for process in self._all.values()]

    def log(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        for process in self._all.values():
            if process.poll() is None:
                process.kill()
                process.wait()

    def _some_leader(self) -> int:
        eventually(self.leader, within_s=60)
        found = self.leader()
        assert found is not None
        return found


@pytest.fixture
def three(tmp_path) -> Iterator:
    started = []

    def start(url, client):
        started.append(Schedulers(url, client, tmp_path))
        return started[0]

    yield start
    for each in started:
        each.close()


def play(row, schedulers, client, node, *, faults, ticks):
    """Let leaders fail until so many faults were met and ticks were stored; check every tick."""
    watch = TickWatch(node, QUEUE)
    try:
        eventually(lambda: watch.count(ALL) >= 2, within_s=60)
        for number in range(faults):
            (schedulers.freeze_the_leader if number % 2 else schedulers.kill_the_leader)()
            eventually(lambda: has_caught_up(watch, node), within_s=60)
        eventually(lambda: watch.count(ALL) >= ticks, within_s=600)
        codes = schedulers.stop()
        for entry_id in (ALL, ONCE):
            last = int(client.hget(queue_keys(QUEUE).tick(entry_id), "at"))
            eventually(lambda last=last, entry_id=entry_id: watch.ticks(entry_id)[-1] == last)
    finally:
        watch.close()
    check(row, watch, client, faults)
    assert set(codes) == {0}
    assert "Traceback" not in schedulers.log()


def has_caught_up(watch, node):
    now_s, _microseconds = node.time()
    return watch.ticks(ALL)[-1] >= now_s - 1


def check(row, watch, client, faults):
    found, once = watch.ticks(ALL), watch.ticks(ONCE)
    expected = list(range(found[0], found[-1] + 1))
    tasks = [task for each in (ALL, ONCE) for _tick, task in watch.stored[each]]
    pending = [each.decode() for each in client.lrange(queue_keys(QUEUE).pending, 0, -1)]
    late_s = [stored_s(client, task) - tick for tick, task in watch.stored[ALL]]
    show(
        f"leaders of three schedulers are killed and frozen{row}",
        faults=faults,
        expected=len(expected),
        enqueued=len(found),
        duplicated=len(found) - len(set(found)) + len(once) - len(set(once)),
        left_out_by_policy=len(expected) - len(once),
        latest_s=max(late_s),
    )
    assert found == expected
    assert sorted(set(once)) == once
    assert set(once) <= {*expected, expected[0] - 1, expected[-1] + 1}
    assert sorted(tasks) == sorted(pending)


def stored_s(client, task):
    return int(client.hget(queue_keys(QUEUE).task(task), "pending_since")) / 1e9


def test_each_tick_makes_one_task_while_leaders_die_and_freeze(own_redis, three):
    with own_redis.client() as client:
        play("", three(own_redis.url, client), client, client, faults=2, ticks=0)


def test_each_tick_makes_one_task_on_a_cluster_whose_leader_dies(cluster, three):
    with cluster.client() as client:
        slot = client.keyslot(queue_keys(QUEUE).pending)
        with cluster.nodes[cluster.owner_at_first(slot)].client() as node:
            play(" on a cluster", three(cluster.url, client), client, node, faults=1, ticks=0)


@pytest.mark.long
def test_each_of_two_hundred_ticks_makes_one_task_while_leaders_die_and_freeze(own_redis, three):
    with own_redis.client() as client:
        play(" for long", three(own_redis.url, client), client, client, faults=40, ticks=200)
