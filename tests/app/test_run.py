"""`App.run`: the worker as a process of its own."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyasynq.app import App
from pyasynq.errors import ServerStateError
from tests.support.eventually import eventually

PROGRAM = """
import sys
from pyasynq import App

app = App(sys.argv[1])

@app.task(retention=60)
def double(number: int) -> int:
    return 2 * number

app.run()
"""


@pytest.mark.slow
def test_run_works_until_sigterm_and_exits_cleanly(redis_url):
    app = App(redis_url)

    @app.task(retention=60)
    def double(number: int) -> int:
        raise NotImplementedError

    handle = double.enqueue(21)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, redis_url])

    eventually(lambda: handle.info().state == "completed")
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == 0
    assert handle.info().result == b"42"
    app.close()


async def test_run_in_a_running_loop_says_what_to_await():
    with pytest.raises(ServerStateError, match=r"use `await worker\.serve\(\)`, as in"):
        App("redis://127.0.0.1:1").run()


def test_run_in_a_thread_says_what_to_call():
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(App("redis://127.0.0.1:1").run)

        with pytest.raises(ServerStateError, match="only the main thread can; in another one use"):
            running.result()


HANGING = PROGRAM.replace(
    "app.run()",
    """
import threading

@app.on("started")
def hang(event):
    print("heard", flush=True)
    threading.Event().wait()

app.reconfigure(cancel_grace=0.05)
app.run()
""",
)


@pytest.mark.slow
def test_a_listener_that_hangs_does_not_keep_the_process(redis_url):
    app = App(redis_url)

    @app.task(retention=60)
    def double(number: int) -> int:
        raise NotImplementedError

    handle = double.enqueue(21)
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, redis_url], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "heard\n"
        eventually(lambda: handle.info().state == "completed")
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=30) == 0
    app.close()
