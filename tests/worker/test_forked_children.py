"""A handler may fork processes and end them: they react to signals as outside of a worker."""

import json
import signal
import subprocess
import sys

import pytest

from tests.support.eventually import eventually

pytestmark = pytest.mark.slow

PROGRAM = '''
import json, multiprocessing, os, signal, subprocess, sys, time
from pyasynq import App

app = App(sys.argv[1], task_check_interval=0.01)
fork = multiprocessing.get_context("fork")

SHOW = """
import json, signal
ignored = [s.name for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN]
print(json.dumps(ignored))
"""


def wait(ready) -> None:
    ready.send("ready")
    time.sleep(600)


def ended(number: int) -> int:
    """Fork a child, end it by signal *number*, and return its exit code."""
    ready, theirs = fork.Pipe()
    child = fork.Process(target=wait, args=(theirs,), daemon=True)
    child.start()
    ready.recv()

    os.kill(child.pid, number)
    child.join(10)
    code = child.exitcode
    child.kill()
    return code


def worked(number: int) -> int:
    child = fork.Process(target=abs, args=(number,))
    child.start()
    child.join(10)
    return child.exitcode


def pooled(number: int) -> list[int]:
    with fork.Pool(2) as pool:
        busy = pool.apply_async(time.sleep, [600])
        return pool.map(abs, [-number, number])


def ignored() -> list[str]:
    return json.loads(subprocess.check_output([sys.executable, "-c", SHOW]))


for function in (ended, worked, pooled):
    name = function.__name__
    exec(f"""
@app.task(retention=60)
async def {name}_on_the_loop(number: int) -> object:
    return {name}(number)

@app.task(retention=60)
def {name}_in_a_thread(number: int) -> object:
    return {name}(number)

@app.task(retention=60, executor="process")
def {name}_in_a_process(number: int) -> object:
    return {name}(number)
""")

@app.task(retention=60)
def ignored_in_a_thread() -> list[str]:
    return ignored()

@app.task(retention=60, executor="process")
def ignored_in_a_process() -> list[str]:
    return ignored()

if __name__ == "__main__":
    def mine(*_):
        raise SystemExit(7)

    if sys.argv[2:] == ["own"]:
        signal.signal(signal.SIGTERM, mine)
    app.run()
'''


@pytest.fixture
def worker(redis_url, tmp_path):
    """Start workers; end them by SIGTERM, which must leave the exit code 0."""
    path = tmp_path / "forking.py"
    path.write_text(PROGRAM)
    workers = []

    def start(*arguments):
        workers.append(subprocess.Popen([sys.executable, path, redis_url, *arguments]))

    yield start
    for each in workers:
        assert each.poll() is None, "the worker has shut down by itself"
        each.send_signal(signal.SIGTERM)
        assert each.wait(timeout=30) == 0


@pytest.fixture
def result_of(redis_url, redis_client):
    """Run a task, and return what its function has returned."""
    from pyasynq import Client, Task  # noqa: PLC0415 - only here

    def run(task_type, **arguments):
        payload = json.dumps(arguments).encode() if arguments else None
        with Client(redis_url) as client:
            info = client.enqueue(Task(task_type, payload), retention=60, max_retry=0)
        key = f"asynq:{{default}}:t:{info.id}"
        eventually(lambda: redis_client.hget(key, "state") in (b"completed", b"archived"))
        return json.loads(redis_client.hget(key, "result") or b"null")

    return run


PLACES = ["on_the_loop", "in_a_thread", "in_a_process"]


@pytest.mark.parametrize("place", PLACES)
def test_a_forked_child_dies_of_the_signals_that_a_worker_handles(worker, result_of, place):
    worker()

    assert result_of(f"ended_{place}", number=signal.SIGTERM) == -signal.SIGTERM
    assert result_of(f"ended_{place}", number=signal.SIGINT) == 1  # KeyboardInterrupt


@pytest.mark.parametrize("place", PLACES)
def test_a_pool_of_forked_processes_ends_although_they_are_busy(worker, result_of, place):
    worker()

    assert result_of(f"pooled_{place}", number=3) == [3, 3]


def test_a_forked_child_gets_back_what_the_application_does_on_a_signal(worker, result_of):
    worker("own")

    assert result_of("ended_in_a_thread", number=signal.SIGTERM) == 7


@pytest.mark.parametrize("place", PLACES)
def test_a_forked_child_that_does_its_work_exits_with_code_0(worker, result_of, place):
    worker()

    assert result_of(f"worked_{place}", number=3) == 0


@pytest.mark.parametrize("place", ["in_a_thread", "in_a_process"])
def test_a_program_that_a_handler_starts_ignores_no_signal_of_ours(worker, result_of, place):
    worker()

    assert result_of(f"ignored_{place}") == ["SIGPIPE", "SIGXFSZ"]  # as any Python program
