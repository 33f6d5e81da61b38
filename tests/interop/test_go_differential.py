"""The same calls in Go and here have the same answers, and leave the same in Redis.

Where they may differ is in differential/differences.py.
"""

import time
from random import SystemRandom

import pytest

from tests.interop.differential import coverage
from tests.interop.differential.differences import RULES
from tests.interop.differential.planted import BUGS
from tests.interop.differential.session import Keeps, Session
from tests.interop.differential.shrinking import shrunk
from tests.interop.differential.steps import Step, sequence
from tests.properties.state_machine.planted import unplant

LENGTH = 40
FEW, MANY, NEW = 14, 450, 150  # seeds; each for both sides
AT_ONCE = ("run_all miscounts", "a deleted task keeps its lock")
MOST_TRIED = 300
KEEPS: tuple[Keeps, Keeps] = ("ours", "theirs")


@pytest.fixture(scope="module")
def shared(peer_binary, redis_server):
    patch = pytest.MonkeyPatch()
    session = Session(peer_binary, redis_server, patch)
    yield session
    session.close()
    patch.undo()


@pytest.fixture
def session(shared, redis_url):
    return shared


@pytest.fixture
def planted(tmp_path):
    """Plants a bug for the length of a test."""
    patch = pytest.MonkeyPatch()
    yield lambda name: BUGS[name](patch, tmp_path)
    unplant(patch)


def check(session: Session, seed: int, keeps: Keeps) -> None:
    """Fail with the shortest sequence that shows a difference, if this seed shows one."""
    steps = sequence(seed, LENGTH)
    found = session.run(steps, keeps)
    if found is None:
        return
    short = shrunk(steps[: found.index + 1], lambda some: session.run(some, keeps) is not None)
    again = session.run(short, keeps)
    listed = "".join(f"    {step},\n" for step in short)
    pytest.fail(
        f"differs from Go (seed {seed}, both databases keep what is {keeps}):\n"
        f"[\n{listed}]\n{again.text if again else found.text}",
        pytrace=False,
    )


@pytest.mark.parametrize("keeps", KEEPS)
def test_a_few_sequences_of_calls_have_the_same_effect_in_both_languages(session, keeps):
    for seed in range(FEW):
        check(session, seed, keeps)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_sequences_of_calls_have_the_same_effect_in_both_languages(session, capsys):
    session.reached.clear()
    session.needed.clear()
    before, began = session.calls, time.monotonic()

    # The first ones reach every answer; the others are new each time.
    seeds = [*range(MANY), *(SystemRandom().randrange(10**9) for _ in range(NEW))]
    for seed in seeds:
        for keeps in KEEPS:
            check(session, seed, keeps)

    expected = {(call, kind) for call, kinds in coverage.EXPECTED.items() for kind in kinds}
    with capsys.disabled():
        calls, took_s = session.calls - before, time.monotonic() - began
        print(f"\n{2 * len(seeds)} sequences, {calls} calls, {took_s:.0f} s")
        print(coverage.table(session.reached))
        print("\n".join(f"{count:6} {reason}" for reason, count in session.needed.most_common()))
    assert expected - session.reached.keys() == set()
    assert session.needed.keys() == RULES.keys()


def test_every_call_of_go_is_made_or_left_out_on_purpose(session):
    made = coverage.EXPECTED.keys() | coverage.LEFT_OUT

    assert set(session.theirs.call("Methods")) == made


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in AT_ONCE else pytest.mark.long) for name in BUGS],
)
def test_a_planted_bug_is_found(name, planted, session):
    planted(name)

    runs = (session.run(sequence(seed, LENGTH), KEEPS[seed % 2]) for seed in range(MOST_TRIED))
    tried = next((seed + 1 for seed, found in enumerate(runs) if found), None)

    print(f"{name}: {tried} sequences")
    assert tried is not None


def test_a_difference_is_shown_by_as_few_calls_as_possible(planted, session):
    planted("a deleted task keeps its lock")
    new = {
        "type": "email",
        "payload": b"1",
        "headers": {"k": "v"},
        "task": {"max_retry": 3},
        "options": {"task_id": "a", "unique": 900, "retention": 60},
    }
    needed = Step("Enqueue", {"new": [new]}), Step("DeleteTask", {"queue": "default", "id": "a"})
    steps = [Step("Queues"), needed[0], Step("Ping"), needed[1], Step("Queues")]

    short = shrunk(steps, lambda some: session.run(some, "ours") is not None)

    least = {"headers": None, "task": {}, "options": {"task_id": "a", "unique": 900}}
    assert short == [Step("Enqueue", {"new": [new | least]}), needed[1]]
