"""Which process runs which task, and when processes start and end."""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from pyasynq import retry
from pyasynq.worker.execute.processes import pool
from tests.support.eventually import eventually_async
from tests.support.process_handlers import mux
from tests.support.process_ledger import is_alive, lines, release

pytestmark = pytest.mark.slow

LATE = {"retry_delay": retry.fixed(3600)}


def result_of(work, info):
    return work.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", "result")


async def test_one_process_runs_one_handler_after_the_other(work):
    async with work.serving(mux, process_pool_size=1, concurrency=5):
        infos = [await work.enqueue("describe", retention=60) for _ in range(5)]
        for info in infos:
            await work.until(info, "completed")

    pids = {json.loads(result_of(work, info))["pid"] for info in infos}
    assert len(pids) == 1


async def test_as_many_processes_work_side_by_side_as_the_pool_has(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=2, concurrency=5):
        infos = [await work.enqueue("meet", str(ledger).encode(), retention=60) for _ in range(3)]
        await eventually_async(lambda: len(lines(ledger)) == 2)
        assert work.redis.llen("asynq:{default}:active") == 3
        release(ledger)
        for info in infos:
            await work.until(info, "completed")

    assert len({result_of(work, info) for info in infos}) == 2


async def test_an_answer_waits_for_others_only_a_moment_while_calls_wait(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, concurrency=3):
        first = await work.enqueue("pid", retention=60)
        await work.enqueue("meet", str(ledger).encode())
        await work.enqueue("pid")
        await work.until(first, "completed")
        release(ledger)


async def test_several_answers_are_dealt_with_together_while_calls_wait(
    work, tmp_path, monkeypatch
):
    monkeypatch.setattr(pool, "GATHERED_S", 3600)
    ledger = tmp_path / "ledger"
    infos = [
        await work.enqueue("pid", retention=60),
        await work.enqueue("meet", str(ledger).encode(), retention=60),
        await work.enqueue("pid", retention=60),
    ]
    async with work.serving(mux, process_pool_size=1, concurrency=3):
        await eventually_async(lambda: lines(ledger))
        assert [work.state(info) for info in infos] == ["active"] * 3
        release(ledger)
        for info in infos:
            await work.until(info, "completed")


async def test_a_process_that_breaks_the_socket_between_tasks_fails_none(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, **LATE):
        info = await work.enqueue("late:garbage", str(ledger).encode(), retention=60)
        await work.until(info, "completed")
        first = int(result_of(work, info))
        release(ledger)
        await eventually_async(lambda: not is_alive(first))
        after = await work.enqueue("pid", retention=60)
        await work.until(after, "completed")

    assert int(result_of(work, after)) != first


async def test_a_process_that_is_killed_between_tasks_fails_none(work):
    async with work.serving(mux, process_pool_size=1, **LATE):
        for _ in range(3):
            info = await work.enqueue("pid", retention=60)
            await work.until(info, "completed")
            pid = int(result_of(work, info))
            os.kill(pid, signal.SIGKILL)
            await eventually_async(lambda pid=pid: not Path(f"/proc/{pid}").exists())


async def test_a_task_that_is_cancelled_while_all_processes_are_busy_never_starts(work, tmp_path):
    busy, never = tmp_path / "busy", tmp_path / "never"
    async with work.serving(mux, process_pool_size=1, **LATE):
        first = await work.enqueue("meet", str(busy).encode(), retention=60)
        await eventually_async(lambda: lines(busy))
        info = await work.enqueue("meet", str(never).encode())
        await eventually_async(lambda: work.state(info) == "active")
        work.redis.publish("asynq:cancel", info.id)
        await work.until(info, "retry")
        release(busy)
        await work.until(first, "completed")
        await work.until(await work.enqueue("pid", retention=60), "completed")

    assert work.message(info).error_msg == "context canceled"
    assert not lines(never)


async def test_each_task_fails_for_which_no_process_can_be_started(work, tmp_path, monkeypatch):
    missing = tmp_path / "no python"
    async with work.serving(mux, process_pool_size=1, **LATE):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(missing))
            infos = [await work.enqueue("pid") for _ in range(3)]
            for info in infos:
                await work.until(info, "retry")
        await work.until(await work.enqueue("pid", retention=60), "completed")

    for info in infos:
        assert work.message(info).error_msg == (
            f"no process can be started: [Errno 2] No such file or directory: {str(missing)!r}"
        )


async def test_tasks_that_wait_for_a_process_go_back_to_their_queue_at_the_end(work, tmp_path):
    ledger = tmp_path / "ledger"
    async with work.serving(mux, process_pool_size=1, shutdown_timeout=0.1):
        infos = [await work.enqueue("meet", str(ledger).encode()) for _ in range(3)]
        await eventually_async(lambda: lines(ledger))
        await eventually_async(lambda: all(work.state(info) == "active" for info in infos))

    assert [work.state(info) for info in infos] == ["pending"] * 3
    assert len(lines(ledger)) == 1


async def test_a_server_that_stops_while_a_process_starts_leaves_none_behind(work):
    server = work.server(process_pool_size=1, shutdown_timeout=0.01)
    async with server.running(mux):
        info = await work.enqueue("pid", retention=60)
        await eventually_async(lambda: work.state(info) != "pending")

    assert work.state(info) in ("pending", "completed")
    assert not [each for each in asyncio.all_tasks() if "handler process" in each.get_name()]


async def test_each_task_fails_whose_process_ends_at_once(work, monkeypatch):
    async with work.serving(mux, process_pool_size=2, **LATE):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", shutil.which("false"))
            infos = [await work.enqueue("pid") for _ in range(30)]
            for info in infos:
                await work.until(info, "retry")
        await work.until(await work.enqueue("pid", retention=60), "completed")

    assert {work.message(info).error_msg for info in infos} == {
        "the process of the handler ended with exit code 1"
    }
