"""What msgspec writes in one step is what is written part by part, or refused like that."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, IntEnum
from typing import Any, TypedDict

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.errors import PayloadError
from pyasynq.payload.json_type import JsonType


class Colour(Enum):
    RED = "r<d"


class Level(IntEnum):
    LOW = 1


class Text(str):
    __slots__ = ()


class Point(msgspec.Struct):
    x: int = 1
    label: str = "a"


class Wide(Point):
    width: int = 5


class Options(msgspec.Struct, omit_defaults=True, rename="camel"):
    some_key: int = 0
    anything: Any = None
    price: float | None = 0.5
    sizes: dict[str, int] = {}


class Tagged(msgspec.Struct, tag="t"):
    point: Point
    colour: Colour | None = None
    at: datetime | None = None


class Pair(msgspec.Struct, array_like=True):
    left: int
    right: float


@dataclass
class Order:
    number: int
    note: str | None = None
    items: list[int] = field(default_factory=list)


class Keys(TypedDict, total=False):
    zeta: int
    alpha: float


KINDS: list[Any] = [
    Point,
    Options,
    Tagged,
    Pair,
    Order,
    Keys,
    Any,
    Order | None,
    list[Point],
    list[Any],
    list[float],
    dict[str, Any],
    dict[Any, Any],
    dict[str, Order],
    tuple[Point, int],
    list[datetime],
    list[Colour],
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(
        [2**70, 1.5, 2.0, float("nan"), float("inf"), "null", "<&>", "\u2028", "\ud800"]
    )
    | st.sampled_from([Text("x"), Level.LOW, Colour.RED, b"x", timedelta(1), (1, 2), {3, 1, 2}])
    | st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=2))]))
)
# The fields of a model hold what the caller put there.
MODELS = (
    st.builds(Point, SCALARS, SCALARS)
    | st.just(Wide())
    | st.builds(Options, SCALARS, st.recursive(SCALARS, st.lists), SCALARS)
    | st.builds(Tagged, st.builds(Point) | st.just(Wide()), SCALARS, SCALARS)
    | st.builds(Pair, SCALARS, SCALARS)
    | st.builds(Order, SCALARS, SCALARS, st.lists(SCALARS, max_size=2))
    | st.fixed_dictionaries({}, optional={"zeta": SCALARS, "alpha": SCALARS, "more": SCALARS})
)
PARTS = SCALARS | MODELS
VALUES = (
    PARTS
    | st.lists(PARTS, max_size=3)
    | st.dictionaries(st.sampled_from(["b", "a", "é", Text("c"), 1, Colour.RED]), PARTS, max_size=3)
    | st.tuples(PARTS, PARTS)
)

# Costly: the whole number only in `make test-all`.
some = settings(max_examples=500 if settings.get_current_profile_name() == "steady" else 5000)


def careful(kind: Any) -> JsonType[Any]:
    """Return a type that writes part by part."""
    made: JsonType[Any] = JsonType(kind)
    made._is_written_at_once = False
    return made


TYPES = [(JsonType(kind), careful(kind)) for kind in KINDS]


def written(kind: JsonType[Any], value: Any) -> bytes | tuple[str, str, str]:
    try:
        return kind.write(kind.accept(value))
    except PayloadError as error:
        return str(error), error.path, error.value


@some
@given(kinds=st.sampled_from(TYPES), value=VALUES)
def test_a_value_is_written_or_refused_as_part_by_part(kinds, value):
    at_once, part_by_part = kinds

    assert written(at_once, value) == written(part_by_part, value)


def test_models_and_what_has_no_types_are_written_at_once():
    values = [
        Point(2, "b"),
        Options(1, {"b": [1, None], "a": "<"}, None, {"z": 1, "y": 2}),
        Tagged(Point(), Colour.RED, datetime(2024, 1, 1, tzinfo=UTC)),
        Order(1, None, [1]),
    ]

    for value in values:
        kind: JsonType[Any] = JsonType(type(value))
        assert kind._written_at_once(value) == careful(type(value)).write(value)


def test_a_number_that_is_not_finite_is_refused_wherever_it_is():
    for kind, value in [(list[float], [1.0, float("nan")]), (Any, {"a": float("inf")})]:
        assert written(JsonType(kind), value) == written(careful(kind), value)
        assert isinstance(written(JsonType(kind), value), tuple)


def test_a_missing_value_beside_a_number_is_no_fault():
    kind: JsonType[Any] = JsonType(list[float | None])

    assert kind.write([1.5, None]) == b"[1.5,null]"
