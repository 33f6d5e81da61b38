"""Each component has a test that fails when the component is taken out of the server."""

import subprocess
import sys

import pytest

from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.worker.fetch import test_processor
from tests.worker.finish import test_finisher
from tests.worker.groups import test_aggregator
from tests.worker.liveness import (
    test_healthchecker,
    test_heartbeater,
    test_subscriber,
    test_watchdog,
)
from tests.worker.maintenance import test_forwarder, test_janitor, test_recoverer
from tests.worker.notify import test_notifier
from tests.worker.record import test_recorder

PROOFS = {
    "Aggregator": test_aggregator.test_a_full_group_becomes_one_task_and_its_members_are_deleted,
    "Forwarder": test_forwarder.test_forwarder_runs_scheduled_tasks_when_due_and_never_early,
    "Finisher": test_finisher.test_finisher_writes_at_the_stop_what_is_left,
    "Healthchecker": test_healthchecker.test_healthchecker_reports_how_the_ping_went,
    "Heartbeater": test_heartbeater.test_heartbeater_shows_the_server_and_what_it_runs,
    "Notifier": test_notifier.test_success_is_published_once_it_is_in_redis,
    "Janitor": test_janitor.test_janitor_trims_the_archive,
    "Processor": test_processor.test_processor_runs_a_task_and_deletes_it,
    "Recorder": test_recorder.test_an_attempt_is_kept_with_who_ran_it_and_how_long,
    "Recoverer": test_recoverer.test_recoverer_retries_the_task_of_a_worker_that_is_gone,
    "Subscriber": test_subscriber.test_subscriber_cancels_a_running_task,
    "Watchdog": test_watchdog.test_a_handler_that_blocks_the_loop_is_named_once_with_its_task,
}
FAILED = 1  # exit codes of pytest


async def test_every_component_of_a_server_is_named_here(redis_url):
    mux = ServeMux()
    mux.aggregator("*")(lambda group, tasks: None)
    mux.listeners.register(("started",))(lambda event: None)
    server = Server(redis_url, ServerConfig(health_check=lambda error: None, type_statistics=True))
    async with server.running(mux):
        names = {type(each).__name__ for each in server._parts.components}

    assert names == set(PROOFS)


@pytest.mark.long
@pytest.mark.parametrize("name", PROOFS)
def test_a_server_without_it_fails_its_test(name):
    proof = PROOFS[name]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-n0",
        "-p",
        "tests.worker.without_component",
    ]
    target = f"{proof.__module__.replace('.', '/')}.py::{proof.__name__}"
    limit = ("-o", "faulthandler_timeout=60")

    without = subprocess.run(
        [*command, *limit, "--without-component", name, target],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert without.returncode == FAILED, without.stdout
    assert f"FAILED {target}" in without.stdout
