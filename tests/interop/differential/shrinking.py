"""From a sequence that shows a difference to a short one that shows one, too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.interop.differential.steps import Step

Fails = Callable[[Sequence[Step]], bool]


def shrunk(steps: Sequence[Step], fails: Fails) -> list[Step]:
    """Leave out steps, and then what they are given, as long as the sequence fails."""
    short = _without_steps(list(steps), fails)
    index = 0
    while index < len(short):
        for smaller in _smaller(short[index]):
            changed = [*short[:index], smaller, *short[index + 1 :]]
            if fails(changed):
                short = changed
                break
        else:
            index += 1
    return short


def _without_steps(steps: list[Step], fails: Fails) -> list[Step]:
    """Leave out halves, quarters and so on, down to single steps, from the end."""
    size = max(1, len(steps) // 2)
    while True:
        at = len(steps) - size
        is_shorter = False
        while at > -size:
            rest = steps[: max(at, 0)] + steps[at + size :]
            if fails(rest):
                steps, is_shorter = rest, True
            at -= size
        if size == 1 and not is_shorter:
            return steps
        size = max(1, size // 2)


def _smaller(step: Step) -> Iterator[Step]:
    """Yield the step with a little less: one task less, or one option less."""
    new = step.given.get("new")
    if new is None:
        for name in step.given.keys() & {"page", "page_size"}:
            yield Step(step.name, {key: step.given[key] for key in step.given if key != name})
        return
    for index, each in enumerate(new):
        if len(new) > 1:
            yield Step(step.name, {"new": new[:index] + new[index + 1 :]})
        for less in _less(each):
            yield Step(step.name, {"new": [*new[:index], less, *new[index + 1 :]]})


def _less(new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if new["headers"]:
        yield {**new, "headers": None}
    for place in ("task", "options"):
        for name in new[place]:
            kept = {key: value for key, value in new[place].items() if key != name}
            yield {**new, place: kept}
