"""SIGTERM while Redis is paused: the stop ends in time, and a second signal hastens it."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.faults.figures import show
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.support.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

GIVEN_UP = "back to the queue"
LATE_S = 20.0  # beyond any limit of the settings below, for a machine that does much else


@pytest.fixture
def client(own_redis):
    with own_redis.client() as client:
        yield client


@pytest.fixture
def fleet(own_redis, client, tmp_path) -> Iterator[Fleet]:
    # A call in flight would take longer than the stop may.
    fleet = Fleet(f"{own_redis.url}&socket_timeout=60", client, tmp_path)
    yield fleet
    fleet.close()


def freeze(own_redis):
    os.kill(own_redis.pid, signal.SIGSTOP)
    os.waitpid(own_redis.pid, os.WUNTRACED)


@pytest.mark.parametrize("milliseconds", [600, 600_000], ids=["ending", "endless"])
def test_a_stop_while_redis_is_paused_ends_in_time_and_loses_nothing(
    milliseconds, own_redis, client, fleet
):
    load = Load(own_redis.url, client, milliseconds=[milliseconds])
    load.add(20)
    worker = fleet.start(concurrency=10, shutdown_timeout=1, cancel_grace=1)
    fleet.until_at_work(worker, load)

    freeze(own_redis)
    try:
        stopped_at = time.monotonic()
        worker.terminate()
        code = worker.wait(60)
        stopped_s = time.monotonic() - stopped_at
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    held = fleet.held()

    show(
        f"SIGTERM while redis is paused ({milliseconds} ms handlers)",
        tasks=len(load.ids),
        lost=len(load.ids) - client.llen("asynq:{default}:pending") - len(held),
        stopped_s=stopped_s,
    )
    assert code == 0
    assert stopped_s < LATE_S  # 1 s for handlers, 1 s for outcomes, 2 s for the rest
    assert len(load.ids) == client.llen("asynq:{default}:pending") + len(held)
    assert "ended by itself" not in fleet.log()


@pytest.mark.parametrize(
    ("is_impatient", "settings"),
    [
        (False, {"shutdown_timeout": 0.2, "cancel_grace": 600}),
        (True, {"shutdown_timeout": 600, "cancel_grace": 0.2}),
    ],
    ids=["after the time of the handlers", "before that"],
)
def test_a_signal_ends_a_stop_that_waits_for_redis(
    is_impatient, settings, own_redis, client, fleet
):
    load = Load(own_redis.url, client, milliseconds=[600_000])
    load.add(20)
    worker = fleet.start(concurrency=10, **settings)
    fleet.until_at_work(worker, load)

    freeze(own_redis)
    try:
        worker.terminate()
        eventually(
            lambda: GIVEN_UP in fleet.log() or (is_impatient and worker.terminate()), within_s=60
        )
        hurried_at = time.monotonic()
        worker.terminate()
        code = worker.wait(60)
        stopped_s = time.monotonic() - hurried_at
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    show("another SIGTERM while redis is paused", tasks=len(load.ids), stopped_s=stopped_s)
    assert code == 0
    assert stopped_s < LATE_S  # about 1 s
