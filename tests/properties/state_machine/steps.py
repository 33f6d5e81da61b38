"""Steps of a state machine that are all possible in each of its lives.

Hypothesis leaves out about half of the rules in each run, at random. That finds bugs where rules
are many and alike; a task that must be enqueued, dequeued, lost and recovered would hardly ever
live to see it. So there is one rule, and it chooses among the steps that are possible.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

Method = Callable[..., None]


def step(
    weight: int = 1,
    when: Callable[[Any], Any] = lambda _machine: True,
    **arguments: st.SearchStrategy[Any],
) -> Callable[[Method], Method]:
    """Make a method a step; it is chosen as often as *weight* says, while *when* is true."""

    def mark(method: Method) -> Method:
        method.step = (weight, when, arguments)  # type: ignore[attr-defined]
        return method

    return mark


class SteppedMachine(RuleBasedStateMachine):
    """Takes the steps that its methods are marked as."""

    _steps: ClassVar[list[str]] = []

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        names = [name for name in dir(cls) if hasattr(getattr(cls, name), "step")]
        # The first ones are the simplest to Hypothesis, so it takes them most often.
        cls._steps = sorted(names, key=lambda name: -getattr(cls, name).step[0])

    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        possible: list[str] = []
        for name in self._steps:
            weight, when, _arguments = getattr(self, name).step
            possible += [name] * weight if when(self) else []
        chosen = getattr(self, data.draw(st.sampled_from(possible), label="step"))
        _weight, _when, arguments = chosen.step
        chosen(**data.draw(st.fixed_dictionaries(arguments), label="with"))
