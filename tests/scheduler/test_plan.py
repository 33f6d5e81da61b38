"""The order in which entries are due."""

from datetime import UTC, datetime

from pyasynq.broker.operations.schedulers import TickRecord
from pyasynq.clock import NANOSECONDS
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import Policy, make_entry
from pyasynq.scheduler.plan import Plan
from pyasynq.task import Task

NOW_S = int(datetime(2025, 1, 6, 9, tzinfo=UTC).timestamp())
NOW_NS = NOW_S * NANOSECONDS


def entry(spec, **policy):
    return make_entry("shop", spec, Task(spec), EnqueueOptions(), policy=Policy(**policy))


def plan_of(*specs):
    plan = Plan()
    for spec in specs:
        plan.add(entry(spec), TickRecord(NOW_S), NOW_NS)
    return plan


def due(plan, at_s, limit=100):
    return [each.entry.schedule.spec for each in plan.take_due(at_s * NANOSECONDS, limit)]


def test_entries_are_due_in_the_order_of_their_ticks():
    plan = plan_of("@every 30s", "@every 10s", "@every 20s")

    assert plan.next_ns == (NOW_S + 10) * NANOSECONDS
    assert due(plan, NOW_S + 9) == []
    assert due(plan, NOW_S + 25) == ["@every 10s", "@every 20s"]
    assert plan.next_ns == (NOW_S + 30) * NANOSECONDS


def test_an_entry_comes_back_with_its_next_tick():
    plan = plan_of("@every 10s")
    (planned,) = plan.take_due((NOW_S + 10) * NANOSECONDS, 9)

    planned.done(planned.tick_s, (NOW_S + 10) * NANOSECONDS, has_task=True)
    plan.put_back(planned)

    assert plan.next_ns == (NOW_S + 20) * NANOSECONDS
    assert (planned.last_s, planned.has_ticked) == (NOW_S + 10, True)


def test_an_entry_that_is_gone_is_not_due_and_does_not_come_back():
    plan = plan_of("@every 10s", "@every 20s")
    (first,) = plan.take_due((NOW_S + 10) * NANOSECONDS, 1)

    plan.keep_only(())
    plan.put_back(first)

    assert plan.next_ns is None
    assert list(plan) == []


def test_at_most_so_many_are_taken_at_once():
    plan = plan_of(*(f"@every {i}s" for i in range(1, 9)))

    assert len(due(plan, NOW_S + 60, limit=5)) == 5
    assert len(due(plan, NOW_S + 60, limit=5)) == 3


def test_jitter_delays_a_tick_by_the_same_time_in_every_process():
    delays = []
    for _ in range(2):
        plan = Plan()
        plan.add(entry("@every 60s", jitter_s=10), TickRecord(NOW_S), NOW_NS)
        delays.append((plan.next_ns or 0) - (NOW_S + 60) * NANOSECONDS)

    assert delays[0] == delays[1]
    assert 0 < delays[0] < 10 * NANOSECONDS
