"""What a server logs when it starts and stops."""

import asyncio
import logging

import pytest

from pyasynq.app import App
from pyasynq.version import __version__
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from pyasynq.worker.server import Server
from pyasynq.worker.start_report import start_line, start_warnings
from tests.support import process_middlewares
from tests.support.eventually import eventually_async
from tests.support.workplace import QUICK


def warnings(app: App, **settings) -> list[str]:
    return list(start_warnings(app.mux, ServerConfig(**settings)))


def test_one_line_says_version_queues_slots_redis_and_task_types():
    app = App()
    app.task(lambda_free)
    config = ServerConfig(queues={"critical": 6, "default": 3}, concurrency=20)

    line = start_line(app.mux, config, server_id="5f0c", redis="localhost:6379/0")

    assert line == (
        f"pyasynq {__version__} serves critical=6, default=3 with concurrency 20 on "
        "localhost:6379/0: 1 task type (server 5f0c)"
    )


def lambda_free() -> None: ...


def test_a_server_without_tasks_warns_of_it():
    (warning,) = warnings(App())

    assert warning.startswith("no task is registered")


@pytest.mark.parametrize(
    ("queue", "hint"), [("emails", ""), ("critica", "; did you mean 'critical'?")]
)
def test_a_task_whose_queue_is_not_served_is_a_warning(queue, hint):
    app = App()
    app.task("hi", queue=queue)(lambda_free)

    assert warnings(app, queues={"critical": 1, "default": 1}) == [
        f"task 'hi' goes to queue {queue!r}, which this worker does not serve{hint}"
    ]


def test_a_task_without_a_queue_of_its_own_goes_to_the_default_one():
    app = App()
    app.task("hi")(lambda_free)

    assert warnings(app) == []
    assert len(warnings(app, queues={"other": 1})) == 1


def test_a_group_that_no_aggregator_takes_is_a_warning():
    app = App()
    app.task("hi", group="digest:1")(lambda_free)
    before = warnings(app)
    app.aggregator("digest:*")(lambda group, tasks: None)

    assert "goes to group 'digest:1', which no aggregator" in before[0]
    assert warnings(app) == []
    assert warnings(App(), group_aggregator=lambda group, tasks: None)[0].startswith("no task")


def test_a_mux_knows_nothing_of_queues_and_warns_of_none():
    mux = ServeMux()
    mux.add("hi", lambda ctx, task: None)

    assert list(start_warnings(mux, ServerConfig(queues={"other": 1}))) == []


@pytest.mark.parametrize("executor", [None, "process"])
def test_a_plain_middleware_outside_of_a_coroutine_function_is_a_warning_for_processes(executor):
    mux = ServeMux()
    mux.use(process_middlewares.inner, process_middlewares.on_the_loop, process_middlewares.outer)
    mux.add("plain", process_middlewares.handle, settings=TaskSettings(executor=executor))

    warning = (
        "middleware 'inner' is a plain function, but does not run in the processes of handlers, "
        "since an `async def` one was registered after it; register plain ones last"
    )
    assert list(start_warnings(mux, ServerConfig())) == ([warning] if executor else [])


async def test_a_stop_says_what_it_waits_for_and_at_the_end_what_became_of_the_tasks(work, caplog):
    caplog.set_level(logging.INFO, "pyasynq.server")
    mux, started, go_on = ServeMux(), asyncio.Event(), asyncio.Event()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await go_on.wait()

    await work.enqueue("email")
    server = Server(work.url, ServerConfig(**QUICK))
    serving = asyncio.create_task(server.serve(mux))
    await started.wait()
    server.shutdown()
    await eventually_async(lambda: "shuts down" in caplog.text)
    go_on.set()
    await serving

    (stopping, closing) = [
        record.getMessage() for record in caplog.records if record.name == "pyasynq.server"
    ][-2:]
    assert stopping == (
        f"server {server.id} shuts down: it waits up to 2 s for 1 running task; a second signal "
        "does not wait"
    )
    assert closing == f"server {server.id} is closed; its tasks: 1 done"
