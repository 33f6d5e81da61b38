"""The state machine fails for each of many bugs that are planted in the scripts."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.state_machine.machine import TaskStates, Violation
from tests.properties.state_machine.planted import BUGS, plant, unplant

# The same lives each time, and no search for a simpler one: it is enough that one fails.
BOUNDED = settings(
    max_examples=60,
    stateful_step_count=50,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
AT_ONCE = ("a task that is done keeps its lease", "a forwarded task is still called scheduled")


@pytest.fixture
def planted(tmp_path):
    """Plants a bug for the length of a test."""
    patch = pytest.MonkeyPatch()
    yield lambda name: plant(BUGS[name], tmp_path, patch)
    unplant(patch)


def is_found(own_redis) -> bool:
    raw = own_redis.client()
    try:
        run_state_machine_as_test(lambda: TaskStates(own_redis.url, raw), settings=BOUNDED)
    except Violation:
        return True
    finally:
        raw.close()
    return False


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in AT_ONCE else pytest.mark.long) for name in BUGS],
)
def test_a_planted_bug_breaks_an_invariant(name, planted, own_redis):
    planted(name)

    assert is_found(own_redis)
