"""From which queue how many tasks are fetched."""

from random import Random

from pyasynq.worker.fetch.queue_order import Strict, Weighted, strategy

QUEUES = {"critical": 6, "default": 3, "low": 1}


def test_a_queue_known_to_be_empty_is_not_drawn():
    weighted = Weighted(QUEUES, Random(7))

    plan = weighted.plan(1000, {"critical"})

    assert {name for name, _count in plan} == {"default", "low"}
    assert sum(count for _name, count in plan) == 1000


def test_nothing_is_planned_when_every_queue_is_empty():
    assert Weighted(QUEUES, Random(7)).plan(5, set(QUEUES)) == []
    assert Strict(QUEUES).plan(5, set(QUEUES)) == []


def test_a_single_queue_gets_everything():
    assert Weighted({"default": 3}, Random(7)).plan(5, ()) == [("default", 5)]


def test_strict_asks_the_highest_priority_that_is_not_empty():
    strict = Strict(QUEUES)

    assert strict.plan(5, ()) == [("critical", 5)]
    assert strict.plan(5, {"critical"}) == [("default", 5)]
    assert strict.plan(2, {"critical", "default"}) == [("low", 2)]


def test_strict_breaks_ties_by_name():
    assert Strict({"b": 1, "a": 1}).plan(1, ()) == [("a", 1)]


def test_the_config_chooses_the_strategy():
    assert isinstance(strategy(QUEUES, is_strict=True, random=Random(7)), Strict)
    assert isinstance(strategy(QUEUES, is_strict=False, random=Random(7)), Weighted)
