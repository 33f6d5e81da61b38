"""Handlers that run in processes of their own."""

import gc
import json
import os
import re
import signal
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from weakref import ref

import pytest

from pyasynq import retry
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async
from tests.support.process_handlers import PROCESS, OwnError, mux, path, typed
from tests.support.process_ledger import is_alive, lines, release, started_pid

pytestmark = pytest.mark.slow

# Neither a retry nor a lease that a busy machine does not extend in time is what they are about.
LATE = {"retry_delay": retry.fixed(3600), "lease_duration": 30}


async def process_is_up(work):
    """Wait until a process can run handlers, which takes longer than some of them have."""
    await work.until(await work.enqueue("describe", retention=60), "completed")


async def out_of_time(work, name, ledger):
    """Let the time of a handler be up once it has begun, which may take a busy machine a while."""
    for timeout in (1, 4, 16, 64):
        info = await work.enqueue(name, str(ledger).encode(), timeout=timeout)
        await work.until(info, "retry")
        if lines(ledger):
            return info
    raise AssertionError(f"{name} did not begin")


def result_of(work, info):
    return work.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", "result")


async def test_a_handler_in_a_process_knows_its_task_and_returns_its_result(work):
    async with work.serving(mux):
        info = await work.enqueue(
            "describe", b"42", headers={"trace": "t1"}, retention=60, timeout=60
        )
        await work.until(info, "completed")

    described = json.loads(result_of(work, info))
    assert described.pop("pid") != os.getpid()
    assert described == {
        "type": "describe",
        "payload": "42",
        "headers": {"trace": "t1"},
        "id": info.id,
        "queue": "default",
        "attempt": 1,
        "is_current": True,
        "seconds_left": True,
    }


async def test_a_process_finds_modules_and_arguments_as_the_worker_does(work):
    async with work.serving(mux):
        info = await work.enqueue("path", retention=60)
        await work.until(info, "completed")

    assert json.loads(result_of(work, info)) == [sys.path, sys.argv]


async def test_a_coroutine_function_runs_in_a_process_too(work):
    async with work.serving(mux):
        info = await work.enqueue("async", retention=60)
        await work.until(info, "completed")

    assert re.fullmatch(rb"done in process \d+", result_of(work, info))


async def test_a_handler_in_a_process_stores_its_progress_at_once(work, tmp_path):
    goal = tmp_path / "goal"
    async with work.serving(mux):
        info = await work.enqueue("progress", str(goal).encode(), retention=60)
        await eventually_async(lambda: result_of(work, info) == b"half")
        assert work.state(info) == "active"
        goal.touch()
        await work.until(info, "completed")

    assert result_of(work, info) == b"half"


def progress_of(work, info):
    found = work.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", "progress")
    return found and {**json.loads(found), "at": None}


async def test_a_handler_in_a_process_tells_how_far_it_is(work, tmp_path):
    goal = tmp_path / "goal"
    async with work.serving(mux):
        info = await work.enqueue("report", str(goal).encode(), retention=60)
        failed = await work.enqueue("report_and_fail")
        await eventually_async(lambda: progress_of(work, info))
        first = progress_of(work, info)
        goal.touch()
        await work.until(info, "completed")
        await work.until(failed, "archived")

    common = {"attempt": 1, "at": None}
    assert first == {"done": 1, "total": 1_000, "note": "first", **common}
    assert progress_of(work, info) == {"done": 1_000, "total": 1_000, **common}
    assert progress_of(work, failed) == {"done": 3, "total": 10, "note": "pages", **common}


async def test_an_exception_comes_back_with_its_class_its_text_and_its_line(work):
    seen = []

    def is_failure(error):
        seen.append(error)
        return True

    async with work.serving(mux, is_failure=is_failure, **LATE):
        info = await work.enqueue("fail")
        await work.until(info, "retry")

    assert [type(error) for error in seen] == [OwnError]
    assert str(seen[0]) == "no such user (42)"
    assert re.fullmatch(
        r"OwnError: no such user \(42\) \[tests/support/process_handlers.py:\d+\]",
        work.message(info).error_msg,
    )


async def test_the_traceback_of_the_process_is_the_cause_and_stands_in_the_log(work, caplog):
    handled = []

    def on_error(ctx, task, error):
        handled.append(error)

    async with work.serving(mux, error_handler=on_error, **LATE):
        info = await work.enqueue("fail", max_retry=0)
        await work.until(info, "archived")
        await eventually_async(lambda: handled)

    cause = str(handled[0].__cause__)
    assert re.search(r'File ".*tests/support/process_handlers\.py", line \d+, in fail', cause)
    assert "pyasynq/" not in cause
    assert cause.strip('"\n') in caplog.text


async def test_a_result_that_is_not_bytes_is_not_kept(work):
    async with work.serving(mux, **LATE):
        kept, forgotten = [
            await work.enqueue("wrong_result", retention=retention) for retention in (60, 0)
        ]
        await work.until(kept, "completed")
        await work.until(forgotten, None)

    assert work.message(kept).error_msg == "result not kept: dict is not bytes"


async def test_a_result_of_a_typed_task_that_is_no_json_is_not_kept(work):
    async with work.serving(typed.mux, **LATE):
        info = await work.enqueue("odd_receipt", retention=60)
        await work.until(info, "completed")

    assert (
        work.message(info).error_msg
        == "result not kept: object cannot be written as JSON; use plain values, such as an ID"
    )


async def test_a_handler_in_a_process_decides_what_becomes_of_its_task(work):
    async with work.serving(mux, **LATE):
        skipped, revoked, deferred, busy = [
            await work.enqueue(each) for each in ("skip", "revoke", "later", "busy")
        ]
        await work.until(skipped, "archived")
        await work.until(revoked, None)
        await work.until(deferred, "retry")
        await work.until(busy, "retry")

    assert work.message(skipped).error_msg.startswith("ValueError: outside [")
    assert work.message(deferred).retried == 0
    assert work.message(deferred).error_msg == ""
    assert work.message(busy).error_msg == "the printer is busy"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("segfault", "the process of the handler ended by signal 11 (SIGSEGV)"),
        ("exit", "the process of the handler ended with exit code 3"),
        (
            "killed",
            "the process of the handler ended by signal 9 (SIGKILL); was there too little memory?",
        ),
        ("closed", "the process of the handler closed the socket of pyasynq"),
        ("closed_and_returned", "the process of the handler closed the socket of pyasynq"),
        ("garbage", "the process of the handler wrote into the socket of pyasynq"),
        ("abandoned", "the process of the handler ended with exit code 5"),
    ],
)
async def test_a_process_that_dies_is_a_failure_of_its_task_alone(work, tmp_path, how, text):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, **LATE):
        info = await work.enqueue(f"die:{how}", str(ledger).encode())
        after = await work.enqueue("describe", retention=60)
        await work.until(info, "retry")
        await work.until(after, "completed")

    assert work.message(info).error_msg == text
    assert work.message(info).retried == 1


async def test_what_a_handler_has_started_ends_with_a_process_that_dies(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, **LATE):
        info = await work.enqueue("die:abandoned", str(ledger).encode())
        await work.until(info, "retry")
        await eventually_async(lambda: not is_alive(started_pid(ledger)))


async def test_what_a_handler_has_started_ends_with_a_process_that_is_killed(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, shutdown_timeout=0.1):
        info = await work.enqueue("start:wait", str(ledger).encode())
        await eventually_async(lambda: lines(ledger))

    await eventually_async(lambda: not is_alive(started_pid(ledger)))
    assert work.state(info) == "pending"


async def test_what_a_handler_has_left_behind_ends_with_the_worker(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux):
        info = await work.enqueue("start:leave", str(ledger).encode(), retention=60)
        await work.until(info, "completed")
        await work.until(await work.enqueue("describe", retention=60), "completed")
        assert is_alive(started_pid(ledger))

    await eventually_async(lambda: not is_alive(started_pid(ledger)))


async def test_sys_exit_is_a_failure_and_leaves_the_process_alone(work):
    async with work.serving(mux, **LATE):
        info = await work.enqueue("die:sys_exit")
        await work.until(info, "retry")

    assert work.message(info).error_msg.startswith("SystemExit: 4 [")


async def test_a_handler_whose_time_is_up_is_interrupted_and_can_clean_up(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, cancel_grace=20, **LATE):
        await process_is_up(work)
        info = await out_of_time(work, "loop", ledger)

    assert work.message(info).error_msg == "context deadline exceeded"
    assert lines(ledger)[1:] == ["cleaned up True"]


async def test_a_handler_that_holds_the_interpreter_is_killed_when_its_time_is_up(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, concurrency=1, **LATE):
        await process_is_up(work)
        info = await out_of_time(work, "stubborn", ledger)
        # Its outcome is not held up where a busy machine takes long to end it.
        await eventually_async(lambda: not is_alive(started_pid(ledger)))
        after = await work.enqueue("describe", retention=60)
        await work.until(after, "completed")

    assert work.message(info).error_msg == "context deadline exceeded"


async def test_a_cancelled_handler_is_interrupted_and_its_process_goes_on(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, cancel_grace=20, **LATE):
        info = await work.enqueue("sleep", str(ledger).encode())
        await eventually_async(lambda: lines(ledger))
        work.redis.publish("asynq:cancel", info.id)
        await work.until(info, "retry")
        after = await work.enqueue("describe", retention=60)
        await work.until(after, "completed")

    assert work.message(info).error_msg == "context canceled"
    assert json.loads(result_of(work, after))["pid"] == started_pid(ledger)


async def test_a_handler_that_outlasts_the_shutdown_is_killed_and_its_task_requeued(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, shutdown_timeout=0.1):
        info = await work.enqueue("stubborn", str(ledger).encode())
        await eventually_async(lambda: lines(ledger))

    assert work.state(info) == "pending"
    assert not is_alive(started_pid(ledger))


async def test_a_signal_from_elsewhere_does_not_interrupt_a_handler(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux):
        info = await work.enqueue("meet", str(ledger).encode(), retention=60)
        await eventually_async(lambda: lines(ledger))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP):
            os.kill(started_pid(ledger), number)
        release(ledger)
        await work.until(info, "completed")

    assert int(result_of(work, info)) == started_pid(ledger)


async def test_a_handler_in_a_process_learns_that_its_result_is_late(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, **LATE):
        info = await work.enqueue("progress", str(ledger).encode(), retention=60)
        await eventually_async(lambda: result_of(work, info) == b"half")
        work.redis.hset(f"asynq:{{default}}:t:{info.id}", "owner", "somebody else")
        other = await work.enqueue("progress", str(ledger).encode(), retention=60)
        await eventually_async(lambda: result_of(work, other) == b"half")
        ledger.touch()
        await work.until(other, "completed")

    assert work.state(info) == "active"


@pytest.mark.parametrize("since", ["9" * 40, "-" + "9" * 40, "garbage"])
async def test_a_number_of_any_size_reaches_a_process(work, since):
    info = await work.enqueue("describe", retention=60)
    work.redis.hset(f"asynq:{{default}}:t:{info.id}", "pending_since", since)
    async with work.serving(mux):
        await work.until(info, "completed")


async def test_a_deadline_of_a_far_future_reaches_a_process(work):
    async with work.serving(mux):
        info = await work.enqueue(
            "describe", retention=60, deadline=datetime(9000, 1, 1, tzinfo=UTC)
        )
        await work.until(info, "completed")


async def test_a_result_that_comes_after_its_task_is_not_that_of_the_next_one(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, **LATE):
        info = await work.enqueue("late:result", str(ledger).encode(), retention=60)
        await work.until(info, "completed")
        after = await work.enqueue("progress", str(tmp_path / "goal").encode(), retention=60)
        await eventually_async(lambda: result_of(work, after) == b"half")
        release(ledger)
        await eventually_async(lambda: lines(ledger))
        assert result_of(work, after) == b"half"
        (tmp_path / "goal").touch()
        await work.until(after, "completed")

    assert lines(ledger) == ["the handler of this task has ended"]
    assert result_of(work, after) == b"half"


async def test_messages_and_results_of_many_megabytes_pass_through_a_process(work):
    payload = os.urandom(9_000_000)
    async with work.serving(mux, max_result_size=10_000_000):
        info = await work.enqueue("payload", payload, retention=60)
        await work.until(info, "completed")

    assert result_of(work, info) == payload


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_programs_that_a_handler_starts_inherit_no_socket(work):
    async with work.serving(mux):
        info = await work.enqueue("inherited", retention=60)
        await work.until(info, "completed")

    assert result_of(work, info) == b"[]\n"


async def test_a_process_keeps_nothing_of_the_task_that_it_was_started_for(work):
    variable: ContextVar[object] = ContextVar("variable")
    here = ServeMux()
    here.add("path", path, settings=PROCESS)
    kept = []

    @here.use
    async def around(ctx, call_next):
        value = OwnError("a", 1)
        kept.append(ref(value))
        variable.set(value)
        return await call_next(ctx)

    async with work.serving(here, process_pool_size=1):
        info = await work.enqueue("path")
        await work.until(info, None)
        gc.collect()

        assert [each() for each in kept] == [None]
