"""What a server handles, as it is published."""

import pytest

from pyasynq.wire.handled import NOTHING_KNOWN, Handled, HandledGroups, decode, encode

HANDLED = Handled(
    types=("email:*", "report"),
    groups=(
        HandledGroups(pattern="a*", grace_s=60, max_delay_s=300, max_size=20),
        HandledGroups(pattern="*", grace_s=1),
    ),
)


def test_what_is_published_is_read_again():
    assert decode(encode(HANDLED)) == HANDLED
    assert encode(Handled(types=("report",))) == b'{"types":["report"],"groups":[]}'


@pytest.mark.parametrize(
    ("task_type", "expected"),
    [("report", True), ("reports", False), ("email:", True), ("email:welcome", True), ("", False)],
)
def test_a_type_is_handled_if_it_is_named_or_its_beginning_is(task_type, expected):
    assert HANDLED.handles(task_type) is expected


def test_the_exact_pattern_and_else_the_longest_tells_when_a_group_is_due():
    exact = HandledGroups(pattern="z", grace_s=5)
    handled = Handled(groups=(*HANDLED.groups, exact))

    assert handled.aggregates("abc") == HANDLED.groups[0]
    assert handled.aggregates("b") == HANDLED.groups[1]
    assert handled.aggregates("z") == exact
    assert Handled().aggregates("b") is None


@pytest.mark.parametrize(
    "data", [None, b"", b"{", b"\xff", b"[]", b'{"types":1}', b'{"groups":[{"grace_s":1}]}']
)
def test_what_cannot_be_read_is_not_known(data):
    assert decode(data) == NOTHING_KNOWN
    assert decode(data).handles("report") is None


def test_too_many_types_are_not_published():
    many = Handled(types=tuple(f"type:{number}" for number in range(9999)), groups=HANDLED.groups)

    assert decode(encode(many)) == Handled(types=None, groups=HANDLED.groups)
