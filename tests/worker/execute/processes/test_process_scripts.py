"""Scripts and Apps whose tasks run in processes of their own; and what cannot run there."""

import subprocess
import sys
import textwrap

import pytest

from pyasynq import App
from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from tests.support.eventually import eventually
from tests.support.process_handlers import PROCESS, describe, wait_for
from tests.support.process_ledger import is_alive, lines, started_pid

pytestmark = pytest.mark.slow

WORKER = """
    import logging
    import os
    import sys
    import time

    from pyasynq import App, TaskContext, retry

    app = App(sys.argv[1], retry_delay=retry.fixed(3600), shutdown_timeout=1, cancel_grace=0.2)

    class OwnError(Exception):
        pass

    @app.task(executor="process", retention=60)
    def add(ctx: TaskContext, a: int, b: int) -> int:
        logging.getLogger("shop").info("adding in another process")
        return a + b

    @app.task(executor="process")
    def fail() -> None:
        raise OwnError("no")

    @app.task(executor="process")
    def hold(ledger: str) -> None:
        with open(ledger, "w") as file:
            file.write(f"started {os.getpid()}")
        sum(range(10**12))

    if __name__ == "__main__":
        logging.basicConfig(level="INFO", format="worker: %(message)s")
        app.run()
"""


@pytest.fixture
def shop(tmp_path, redis_url):
    """A script whose App names tasks for processes; its worker, and a client's view of it."""
    script = tmp_path / "shop.py"
    script.write_text(textwrap.dedent(WORKER))
    worker = subprocess.Popen(
        [sys.executable, str(script), redis_url], stderr=subprocess.PIPE, text=True
    )
    app = App(redis_url)
    yield app, worker
    app.close()
    worker.kill()
    worker.wait()
    assert worker.stderr is not None
    worker.stderr.close()


def test_tasks_of_a_script_run_in_processes_and_log_as_the_script_does(shop, redis_client):
    app, worker = shop

    def add(a: int, b: int) -> int: ...

    def fail() -> None: ...

    handle = app.task(retention=60)(add).enqueue(1, 2)
    failed = app.task(fail).enqueue()
    assert handle.result(timeout=30) == 3
    eventually(lambda: failed.info().state == "retry")
    worker.terminate()
    _out, log = worker.communicate(timeout=30)

    assert worker.returncode == 0
    assert failed.info().last_error.startswith("OwnError: no [shop.py:")
    assert "worker: adding in another process" in log


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_process_that_holds_the_interpreter_ends_with_its_killed_worker(shop, tmp_path):
    app, worker = shop
    ledger = tmp_path / "ledger"

    def hold(ledger: str) -> None: ...

    app.task(hold).enqueue(str(ledger))
    eventually(lambda: lines(ledger))
    worker.kill()

    eventually(lambda: not is_alive(started_pid(ledger)))


def test_only_a_function_at_the_top_level_of_a_module_runs_in_a_process():
    app = App()
    own = ServeMux()

    def local() -> None: ...

    with pytest.raises(ConfigError, match="only find functions at the top level of a module"):
        app.task(executor="process")(local)
    with pytest.raises(ConfigError, match="only find functions at the top level of a module"):
        own.add("local", lambda ctx, task: None, settings=PROCESS)


def test_a_name_that_means_something_else_is_refused_before_the_worker_starts():
    app = App()

    def describe() -> None: ...

    describe.__qualname__ = "describe"
    app.task(executor="process")(describe)
    with pytest.raises(ConfigError, match="describe is not the handler that was registered"):
        _ = app.mux


def test_another_executor_is_refused():
    with pytest.raises(ConfigError, match="executor must be \"process\" or None, not 'fork'"):
        App().task(executor="fork")(wait_for)
    with pytest.raises(ConfigError, match="executor must be"):
        ServeMux().add("x", describe, settings=TaskSettings(executor="fork"))
