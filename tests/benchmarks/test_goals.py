"""A goal stands beside what the others reach, and is judged by the records, not by its author."""

import pytest

from benchmarks.measure.goal import ARDIQ, FIRST, PEER, Bound, Figure, Goal
from benchmarks.measure.goals import GOALS
from benchmarks.measure.question import GO
from benchmarks.report import QUESTIONS


def side(name, **median):
    return {"name": name, "median": median, "rounds": []}


def goal_of(*bounds, **more):
    figure = Figure(question="drain", group="ten", bounds=bounds, **more)
    return Goal(metric="rate", figures=(figure,), ceiling=("run", "pyasynq, 10 a call"))


TEN = [
    side("pyasynq", tasks_per_s=600.0, cpu_us=8.0),
    side("go asynq", tasks_per_s=200.0, cpu_us=100.0),
    side("huey", tasks_per_s=50.0, cpu_us=400.0),
    side("ardiq", tasks_per_s=60.0),
    side("typed", tasks_per_s=480.0),
]
RECORDS = {
    "drain": {"ten": TEN},
    "ceiling": {"run": [side("pyasynq, 10 a call", tasks_per_s=900.0)]},
}


def test_a_goal_stands_beside_go_the_best_peer_ardiq_and_the_ceiling():
    row = goal_of(Bound(least=2, times=GO)).row(RECORDS)

    assert row == (
        "rate",
        "600 (3 × Go, 10 × ardiq)",
        "200",
        "ardiq 60",
        "60",
        "900",
        "≥ 2 × Go",
        "reached",
    )


@pytest.mark.parametrize(
    ("bounds", "text", "verdict"),
    [
        ([Bound(least=600)], "≥ 600", "reached"),
        ([Bound(least=601)], "≥ 601", "not reached"),
        ([Bound(most=600)], "≤ 600", "reached"),
        ([Bound(most=599)], "≤ 599", "not reached"),
        ([Bound(least=3, times=GO)], "≥ 3 × Go", "reached"),
        ([Bound(least=3.1, times=GO)], "≥ 3.1 × Go", "not reached"),
        ([Bound(least=10, times=PEER)], "≥ 10 × peer", "reached"),
        ([Bound(least=11, times=ARDIQ)], "≥ 11 × ArdiQ", "not reached"),
        ([Bound(least=1), Bound(least=4, times=GO)], "≥ 1, ≥ 4 × Go", "1 of 2"),
    ],
)
def test_whether_a_goal_is_reached_is_computed(bounds, text, verdict):
    assert goal_of(*bounds).row(RECORDS)[-2:] == (text, verdict)


def test_less_is_better_where_a_figure_is_a_cost():
    row = goal_of(Bound(most=8), name="cpu_us").row(RECORDS)

    assert row[1:5] == ("8", "100", "huey 400", "-")
    assert row[-1] == "reached"


def test_a_share_is_that_of_another_side_of_the_group():
    row = goal_of(Bound(least=0.85), side="typed", of="pyasynq").row(RECORDS)

    assert row[1] == "0.8"
    assert row[-1] == "not reached"


def test_figures_of_one_goal_may_be_compared_with_the_first():
    def cost(name, *bounds):
        return Figure(question="scale", group="active", name="cpu_us", side=name, bounds=bounds)

    goal = Goal(metric="cost", figures=(cost("10"), cost("10,000", Bound(most=1.25, times=FIRST))))
    sides = [side("10", cpu_us=16.0), side("10,000", cpu_us=24.0)]

    row = goal.row({"scale": {"active": sides}})

    assert row[1] == "16 / 24"
    assert row[-2:] == ("≤ 1.25 × the first", "not reached")


def test_a_goal_that_was_not_measured_has_no_figures_and_is_not_reached():
    row = goal_of(Bound(least=2, times=GO)).row({})

    assert row == ("rate", "-", "-", "-", "-", "-", "≥ 2 × Go", "not measured")


def test_a_goal_beside_which_something_was_not_measured_is_reached_in_part():
    bounds = (Bound(least=2, times=GO), Bound(least=1))
    alone = {"drain": {"ten": [side("pyasynq", tasks_per_s=600.0)]}}

    assert goal_of(*bounds).row(alone)[-1] == "1 of 2"


def test_every_goal_is_judged_by_a_question_that_is_asked():
    figures = [figure for goal in GOALS for figure in goal.figures]

    assert {figure.question for figure in figures} <= set(QUESTIONS)
    assert all(any(figure.bounds for figure in goal.figures) for goal in GOALS)
