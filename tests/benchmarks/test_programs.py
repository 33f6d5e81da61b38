"""What is measured ends with its measurement, whatever else fails; tiny runs give every figure."""

import json
import os
import sys

import pytest

from benchmarks import ceiling, drain, enqueue, idle, latency, memory, scale
from benchmarks.measure.program import Program, ProgramFailedError
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ

WORKS_FOR_EVER = """
import pathlib, os, sys, time
if sys.argv[1] == "produce":
    sys.exit("no Redis")
pathlib.Path({note!r}).write_text(str(os.getpid()))
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def redis():
    with BenchmarkRedis() as server:
        yield server


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_a_worker_ends_when_the_producer_fails(redis, tmp_path):
    note = tmp_path / "pid"
    command = (sys.executable, "-c", WORKS_FOR_EVER.format(note=str(note)))
    program = Program("some", command, frozenset({"produce", "pick_up"}))

    with pytest.raises(ProgramFailedError, match="no Redis"):
        latency.pick_up(redis, program, latency.Case("idle", 1, 1), 1)

    assert not is_alive(int(note.read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("handler", ["bare", "app", "thread"])
def test_draining_measures_the_rate_and_what_a_task_costs(redis, handler):
    program = PYASYNQ.variant(handler, {"handler": handler})

    figures = drain.drain(redis, program, 50, 10, await_ms=1 if handler == "bare" else 0)

    assert figures["tasks_per_s"] > 0
    assert figures["cpu_us"] > 0
    assert (figures["of_ideal"] is not None) == (handler == "bare")


@pytest.mark.slow
@pytest.mark.parametrize("case", enqueue.CASES[::2], ids=lambda case: case.name)
def test_every_form_enqueues_all_its_tasks(redis, case):
    enqueue.enqueue(redis, PYASYNQ, case, 100)

    # One more connects before the time is taken, except where all go in one call.
    assert redis.client.llen("asynq:{default}:pending") in (100, 101)


@pytest.mark.slow
def test_workers_that_share_a_queue_report_the_latency_of_every_task(redis):
    case = latency.Case("few", 5, 50, processes=2, extra={"servers": 2})

    figures = latency.pick_up(redis, PYASYNQ, case, 5)

    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["commands"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pyasynq worker, 1 queue", "pyasynq"])
def test_an_idle_worker_is_looked_at_from_outside(name):
    options = drain.Options(rounds=1, is_quick=True, only=(), record=None, peers=())
    (group,) = idle.groups(options, [PYASYNQ])
    (side,) = [side for side in group.sides if side.name == name]

    figures = idle.idle(side, settle_s=1, seconds=1)

    assert figures["connections"] > 0
    assert figures["rss_mb"] > 1
    assert figures["cpu_ms_per_s"] > 0


@pytest.mark.slow
def test_a_task_beside_others_is_drained_and_the_others_stay(redis):
    redis.clear()
    case = scale.Case(name="few", others=3, state="active")
    case.stock(redis).put(3, "active")

    figures = scale.enqueue_and_drain(redis, case, 20)

    assert figures["tasks_per_s"] > 0
    assert redis.client.llen("asynq:{default}:active") == 3


@pytest.mark.slow
def test_memory_is_compared_before_and_after(redis):
    figures = memory.endured(redis, memory.MEMORY, 100)

    assert figures["tasks"] == 100
    assert figures["before_mb"] > 1
    assert json.dumps(figures)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 10])
def test_the_ceiling_is_that_of_all_tasks_enqueued_and_run(redis, batch):
    figures = ceiling.carried(redis, ceiling.Scripts("ours", batch), 200)

    assert figures["run"]["redis_cpu_us"] > 0
    assert int(redis.client.get("asynq:{default}:processed")) == 200
