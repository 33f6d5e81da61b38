"""What is measured ends with its measurement, whatever else fails; tiny runs give every figure."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks import (
    ceiling,
    compare,
    crash,
    enqueue,
    idle,
    latency,
    memory,
    processes,
    scale,
    threads,
    ticks,
)
from benchmarks.measure.draining import drained
from benchmarks.measure.options import Options
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

    figures = drained(redis, program, tasks=50, concurrency=10)

    assert figures["tasks_per_s"] > 0
    assert figures["cpu_us"] > 0
    assert figures["of_ideal"] is None


@pytest.mark.slow
@pytest.mark.parametrize("what", ["await_ms", "block_ms", "compute_ms"])
def test_a_handler_that_does_something_never_beats_the_ideal(redis, what):
    kind = "bare" if what == "await_ms" else "thread"
    ideal_per_s = {"compute_ms": 500}.get(what, 1_000)
    program = PYASYNQ.variant("some", {"handler": kind, what: 2})

    figures = drained(redis, program, tasks=50, concurrency=2, ideal_per_s=ideal_per_s)

    # The last task may end after its time was taken.
    assert 0 < figures["of_ideal"] < 1.1


@pytest.mark.slow
def test_a_coroutine_computes_as_long_as_a_plain_function(redis):
    (case,) = [case for case in threads.CASES if case.compute_ms]
    options = Options(rounds=1, is_quick=True, only=(case.name,), record=None, peers=())

    groups = threads.groups(options, [])
    group = next(groups)
    costs = [group.play(side)["cpu_us"] for side in group.sides]
    groups.close()

    assert [side.name for side in group.sides] == ["coroutine", "pyasynq"]
    assert all(cost > 400 for cost in costs)


@pytest.mark.slow
def test_tasks_in_processes_are_counted_and_cost_the_processes_what_they_compute(redis):
    program = PYASYNQ.variant("some", {"handler": "process", "children": 2, "compute_ms": 2})

    figures = drained(redis, program, tasks=40, concurrency=4, ideal_per_s=1_000)

    assert figures["children_cpu_us"] > 2_000
    assert figures["cpu_us"] > 0
    assert 0 < figures["of_ideal"] < 1.1


def test_processes_are_measured_with_as_many_as_there_are_cores():
    assert {2, processes.CORES} == {case.children for case in processes.CASES}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "case"),
    [
        *((PYASYNQ, case) for case in enqueue.CASES if case.with_client),
        *((enqueue.APP, case) for case in enqueue.CASES if case.with_app),
    ],
    ids=lambda each: each.name,
)
def test_every_form_enqueues_all_its_tasks(redis, program, case):
    enqueue.enqueue(redis, program, case, 100)

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
    options = Options(rounds=1, is_quick=True, only=(), record=None, peers=())
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


@pytest.mark.long
@pytest.mark.parametrize("entries", [1, 20])
def test_ticks_are_late_by_some_time_and_hold_up_the_loop_for_some(redis, entries):
    figures = ticks.late(redis, ticks.SCHEDULER, ticks.Case("few", entries, 1), 1)

    assert 0 < figures["p50_ms"] <= figures["latest_ms"]
    assert figures["loop_ms"] > 0


@pytest.mark.long
def test_what_a_killed_worker_had_not_started_runs_at_once_and_the_rest_when_leases_expire():
    figures = crash.crash(PYASYNQ, limit_s=4)

    assert (figures["running"], figures["run_again"], figures["running_s"]) == (10, 0, None)
    assert (figures["waiting_run"], figures["twice"]) == (10, 0)
    assert 0 < figures["waiting_s"] < 4


@pytest.mark.slow
@pytest.mark.parametrize("case", compare.CASES[1:4], ids=lambda each: each.name)
def test_every_queue_is_asked_for_the_same_rates(redis, case):
    options = Options(rounds=1, is_quick=True, only=(), record=None, peers=())

    assert case.measure(redis, PYASYNQ, options)["tasks_per_s"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 10])
def test_the_ceiling_is_that_of_all_tasks_enqueued_and_run(redis, batch):
    figures = ceiling.carried(redis, ceiling.Scripts("ours", batch), 200)

    assert figures["run"]["redis_cpu_us"] > 0
    assert int(redis.client.get("asynq:{default}:processed")) == 200


@pytest.mark.slow
@pytest.mark.parametrize("handler", ["bare", "thread"])
def test_the_profile_says_where_the_time_of_a_task_goes(handler):
    command = [sys.executable, "-m", "benchmarks.profile_drain", "--tasks", "500"]

    done = subprocess.run(
        [*command, "--handler", handler], check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "500 tasks, " in done.stdout
    assert "CPU µs for a task" in done.stdout
