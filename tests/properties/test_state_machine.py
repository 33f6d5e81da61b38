"""Whatever producers, workers and time do to tasks, none is lost and Redis is as it must be."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.state_machine.endings import HOWS
from tests.properties.state_machine.machine import TaskStates
from tests.support.redis_server import RedisServer

REACHED = {
    *(how.name for how in HOWS),
    *("enqueue", "enqueue locked", "enqueue taken", "expire a lock", "dequeue", "drop"),
    *("time out", "too late", "extend", "lose", "recover to retry", "recover to archived"),
    *("forward", "delete completed", "trim the archive"),
    *("aggregate", "aggregate in vain", "reclaim"),
}


def live(server: RedisServer, lives: int) -> None:
    """Run that many lives of 50 steps each; after each step all of Redis is compared.

    It must be a server that nobody else writes to, not even a worker of an earlier test that ends.
    """
    raw = server.client()
    run_state_machine_as_test(
        lambda: TaskStates(server.url, raw),
        settings=settings(
            max_examples=lives,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    raw.close()


@pytest.mark.timeout(600)
def test_tasks_are_where_they_must_be_after_any_steps(own_redis):
    live(own_redis, 30)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_tasks_are_where_they_must_be_after_any_steps_of_a_thousand_lives(own_redis):
    live(own_redis, 1000)

    print(f"{TaskStates.steps} steps: {dict(TaskStates.reached)}")
    assert {what for what, times in TaskStates.reached.items() if times} >= REACHED
