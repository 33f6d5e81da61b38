"""From which queue how many tasks are fetched: in the shares of Go, however many they are."""

from collections import Counter
from random import Random

import pytest

from pyasynq.worker.fetch.queue_order import MOST_ASKED, Strict, Weighted, strategy
from tests.support.order_of_go import limit, misfit, orders, taken_by_go

QUEUES = {"critical": 6, "default": 3, "low": 1}
BATCHES = [1, 8, 128]
FEWEST_DRAWS, FEWEST_FETCHES = 20_000, 1_000
CHANCE = 1e-3  # of a fair draw to be refused; the draws are always the same ones

# How many tasks a queue has at each fetch: no end of them where it is not named.
BACKLOGS = {
    "all full": {1: {}, 8: {}, 128: {}},
    "critical runs empty": {1: {"critical": 0}, 8: {"critical": 3}, 128: {"critical": 75}},
    "default runs empty": {1: {"default": 0}, 8: {"default": 2}, 128: {"default": 37}},
    "two run empty": {8: {"critical": 4, "default": 2}, 128: {"critical": 75, "default": 40}},
}
CASES = [(name, batch) for name, backlogs in BACKLOGS.items() for batch in backlogs]


def fetch(strategy, batch, backlog):
    """Fetch once like the processor: ask the other queues for what empty ones did not give."""
    left, taken, empty = dict(backlog), Counter(), set()
    while taken.total() < batch:
        for queue, count in strategy.plan(batch - taken.total(), empty):
            got = min(count, left.get(queue, count))
            taken[queue] += got
            if queue in left:
                left[queue] -= got
            if got < count:
                empty.add(queue)
    return tuple(taken[queue] for queue in QUEUES)


def fit(strategy, name, batch):
    """Return χ² of many fetches against Go's distribution, its degrees, and how many tasks."""
    backlog = BACKLOGS[name][batch]
    fetches = max(FEWEST_DRAWS // batch, FEWEST_FETCHES)
    seen = Counter(fetch(strategy, batch, backlog) for _ in range(fetches))
    return *misfit(seen, expected(name, batch)), fetches * batch


_expected = {}


def expected(name, batch):
    if (name, batch) not in _expected:
        _expected[name, batch] = taken_by_go(QUEUES, BACKLOGS[name][batch], batch)
    return _expected[name, batch]


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_weighted_fetches_are_distributed_as_those_of_go(name, batch):
    chi_squared, degrees, draws = fit(Weighted(QUEUES, Random(7)), name, batch)
    bound = limit(degrees, CHANCE)

    print(f"{name}, {batch} at once: {draws} draws, χ² {chi_squared:.1f} < {bound:.1f} ({degrees})")
    assert draws >= 20_000
    assert chi_squared < bound


class Flat(Weighted):
    """Takes no notice of priorities."""

    def __init__(self, queues, random):
        super().__init__(dict.fromkeys(queues, 1), random)


class OffByOne(Weighted):
    """Draws the lowest queue with a priority that is one too high."""

    def __init__(self, queues, random):
        super().__init__({**queues, "low": queues["low"] + 1}, random)


class Shares(Weighted):
    """Gives each queue its exact share, the rest to the first: right on average, but not random."""

    def plan(self, wanted, empty):
        names = [name for name in self._queues if name not in empty]
        total = sum(self._queues[name] for name in names)
        plan = {name: wanted * self._queues[name] // total for name in names}
        plan[names[0]] += wanted - sum(plan.values())
        return [(name, count) for name, count in plan.items() if count]


class ShortageToTheFirst(Weighted):
    """Draws correctly, but asks the highest queue left for all that the others did not give."""

    def plan(self, wanted, empty):
        if not empty:
            return super().plan(wanted, empty)
        return [(next(name for name in self._queues if name not in empty), wanted)]


class ShortageInEqualParts(Weighted):
    """Draws correctly, but ignores the priorities for what the others did not give."""

    def plan(self, wanted, empty):
        if not empty:
            return super().plan(wanted, empty)
        return Flat(self._queues, self._random).plan(wanted, empty)


RUNS_EMPTY = [("critical runs empty", batch) for batch in BATCHES]
PLANTED = {
    Flat: [("all full", batch) for batch in BATCHES] + RUNS_EMPTY,
    OffByOne: [("all full", batch) for batch in BATCHES] + RUNS_EMPTY,
    Shares: [("all full", batch) for batch in BATCHES] + RUNS_EMPTY,
    ShortageToTheFirst: RUNS_EMPTY,
    ShortageInEqualParts: RUNS_EMPTY,
}


@pytest.mark.parametrize(
    ("name", "batch"), dict.fromkeys(case for cases in PLANTED.values() for case in cases)
)
def test_a_planted_wrong_weighting_is_caught(name, batch):
    planted = [wrong for wrong, cases in PLANTED.items() if (name, batch) in cases]

    for wrong in planted:
        chi_squared, degrees, _draws = fit(wrong(QUEUES, Random(7)), name, batch)

        assert chi_squared > 2 * limit(degrees, CHANCE), wrong


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_strict_fetches_take_from_the_highest_queue_that_has_tasks(name, batch):
    backlog, wanted, left = BACKLOGS[name][batch], [], batch
    for queue in QUEUES:
        wanted.append(min(left, backlog.get(queue, left)))
        left -= wanted[-1]

    assert fetch(Strict(QUEUES), batch, backlog) == tuple(wanted)


def test_the_order_of_go_is_a_draw_without_putting_back():
    chances = orders(QUEUES)

    assert chances["critical", "default", "low"] == pytest.approx(6 / 10 * 3 / 4)
    assert chances["low", "default", "critical"] == pytest.approx(1 / 10 * 3 / 9)
    assert len(chances) == 6
    assert sum(chances.values()) == pytest.approx(1)


def test_the_limit_of_chi_squared_is_that_of_the_tables():
    assert limit(2, 0.001) == pytest.approx(13.82, rel=0.03)
    assert limit(30, 0.001) == pytest.approx(59.70, rel=0.03)


def test_a_queue_known_to_be_empty_is_not_drawn():
    weighted = Weighted(QUEUES, Random(7))

    plan = weighted.plan(1000, {"critical"})

    assert {name for name, _count in plan} == {"default", "low"}
    assert sum(count for _name, count in plan) == 1000


MANY = {f"q{number}": 1 + number % 5 for number in range(100)}


@pytest.mark.parametrize("wanted", [1, 7, 8, 9, 50, 1000])
def test_of_many_queues_a_fetch_asks_few_and_for_all_that_is_wanted(wanted):
    weighted = Weighted(MANY, Random(7))

    for _ in range(50):
        plan = weighted.plan(wanted, {"q3", "q4"})

        assert len(plan) <= MOST_ASKED
        assert sum(count for _name, count in plan) == wanted
        assert not {"q3", "q4"} & {name for name, _count in plan}


@pytest.mark.parametrize("wanted", [9, 50])
def test_of_many_queues_each_gets_its_share_in_the_long_run(wanted):
    weighted, taken, fetches = Weighted(MANY, Random(7)), Counter(), 20_000
    for _ in range(fetches):
        taken.update(dict(weighted.plan(wanted, ())))

    by_priority = Counter()
    for name, count in taken.items():
        by_priority[MANY[name]] += count
    total = sum(MANY.values())
    for priority, count in by_priority.items():
        assert count / (fetches * wanted) == pytest.approx(20 * priority / total, rel=0.02)


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
