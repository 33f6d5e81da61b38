"""In which order tasks run in a test: always the same one, which a model of it tells."""

import heapq
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.app import App
from pyasynq.inspector import Inspector
from pyasynq.task import Task

PRIORITIES = {"a": 1, "b": 3, "c": 3}
ORDER = ("b", "c", "a")
app = App(queues=PRIORITIES, group_grace_period=5)
ran: list[str] = []

# A call: its queue, after how many seconds it is due, how often it fails, and what it enqueues.
CALLS = st.recursive(
    st.builds(
        lambda queue, delay, fails: [queue, delay, fails, []],
        st.sampled_from(ORDER),
        st.sampled_from([0, 0, 1, 2]),
        st.sampled_from([0, 0, 1]),
    ),
    lambda calls: st.builds(
        lambda queue, delay, children: [queue, delay, 0, children],
        st.sampled_from(ORDER),
        st.sampled_from([0, 1, 2]),
        st.lists(calls, max_size=3),
    ),
    max_leaves=8,
)


@app.task(max_retry=1, retry_delay=lambda *_: 3)
def call(name: str, fails: int, children: list[list[object]]) -> None:
    ran.append(name)
    if fails and ran.count(name) <= fails:
        raise ValueError(name)
    enqueue_all(children, f"{name}.")


@app.task(group="g")
def member(name: str) -> None: ...


@app.aggregator("g")
def together(group: str, tasks: list[Task]) -> Task:
    names = [member.arguments(each)["name"] for each in tasks]
    return call.bind("+".join(names), 0, [])


def enqueue_all(calls, prefix=""):
    for number, (queue, delay, fails, children) in enumerate(calls):
        options = call.options(queue=queue, process_in=delay)
        options.enqueue(f"{prefix}{number}", fails, children)


def in_a_test(calls):
    ran.clear()
    with app.testing() as harness:
        enqueue_all(calls)
        harness.run_all()
    return list(ran)


def by_the_model(calls):
    """Return the names of *calls*, none of which fails, in the order in which they run."""
    order, now, numbers = [], 0, count()
    pending = {queue: [] for queue in ORDER}
    later = {queue: [] for queue in ORDER}

    def enqueue(calls, prefix=""):
        for number, (queue, delay, _fails, children) in enumerate(calls):
            entry = (now + delay, next(numbers), f"{prefix}{number}", children)
            if delay:
                heapq.heappush(later[queue], entry)
            else:
                pending[queue].append(entry)

    enqueue(calls)
    while True:
        for queue in ORDER:
            while later[queue] and later[queue][0][0] <= now:
                pending[queue].append(heapq.heappop(later[queue]))
        while queue := next((each for each in ORDER if pending[each]), None):
            _due, _number, name, children = pending[queue].pop(0)
            order.append(name)
            enqueue(children, f"{name}.")
        waiting = [each[0][0] for each in later.values() if each]
        if not waiting:
            return order
        now = min(waiting)


def never_failing(calls):
    return [[queue, delay, 0, never_failing(children)] for queue, delay, _, children in calls]


@settings(max_examples=8)
@given(st.lists(CALLS, min_size=2, max_size=6))
def test_tasks_run_by_priority_and_then_in_the_order_of_their_enqueues(calls):
    calls = never_failing(calls)

    assert in_a_test(calls) == by_the_model(calls)


@settings(max_examples=8)
@given(st.lists(CALLS, min_size=2, max_size=6))
def test_a_second_run_is_like_the_first_one_also_with_retries(calls):
    assert in_a_test(calls) == in_a_test(calls)


def test_retries_that_are_due_together_come_in_the_order_of_their_enqueues():
    names = in_a_test([["a", 0, 1, []] for _ in range(12)])

    assert names == [str(number) for number in range(12)] * 2


def test_members_of_a_group_come_in_the_order_of_their_enqueues():
    with app.testing() as harness:
        for number in range(5):
            member.options(queue="a").enqueue(str(number))
        ran.clear()
        harness.run_all(raises=True)

    assert ran == ["0+1+2+3+4"]


def test_a_paused_queue_waits_and_the_others_go_on():
    with app.testing() as harness, Inspector(harness.url) as inspector:
        enqueue_all([["a", 0, 0, []], ["b", 0, 0, []]])
        inspector.queues.pause("b")
        ran.clear()

        harness.run_all()
        assert ran == ["0"]

        inspector.queues.unpause("b")
        harness.run_all()
        assert ran == ["0", "1"]


@pytest.mark.parametrize("strict", [True, False])
def test_weights_leave_nothing_to_chance_in_a_test(strict):
    other, order = App(queues={"low": 1, "high": 2}, strict_priority=strict), []

    @other.task
    def note(queue: str) -> None:
        order.append(queue)

    with other.testing() as harness:
        for queue in ("low", "high") * 20:
            note.options(queue=queue).enqueue(queue)
        harness.run_pending(raises=True)

    assert order == ["high"] * 20 + ["low"] * 20
