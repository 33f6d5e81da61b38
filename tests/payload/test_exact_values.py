import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.errors import PayloadError
from pyasynq.payload import Field, PayloadCodec
from pyasynq.payload.exact_values import MOST_SHAPES, ExactShapes
from pyasynq.payload.json_type import JsonType
from tests.payload.test_written_at_once import careful


class Context: ...


class Colour(enum.Enum):
    RED = "r<d"
    BLUE = "blue"


class Name(str):
    __slots__ = ()


class Level(enum.IntEnum):
    LOW = 1


KINDS = [
    int,
    float,
    str,
    bool,
    bytes,
    None,
    Any,
    date,
    datetime,
    UUID,
    Decimal,
    Colour,
    Level,
    int | None,
    float | None,
    int | float,
    Colour | None,
    Literal["r<d", "blue"] | None,
    Literal[1, 2],
    Annotated[int, msgspec.Meta(ge=0)],
    Annotated[float, msgspec.Meta(le=1)],
    Annotated[str, msgspec.Meta(max_length=2)],
    Annotated[datetime, msgspec.Meta(tz=True)],
    list[float],
    list[str] | None,
    dict[str, float],
    dict[str, list[str]],
    dict[int, str],
    tuple[int, str],
    set[int],
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=4)
    | st.sampled_from(["null", "<&>", "\u2028", "r<d", Name("r<d"), Level.LOW, Colour.RED])
    | st.binary(max_size=4)
    | st.dates()
    | st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=2))]))
    | st.uuids()
    | st.decimals()
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(st.text(max_size=3) | st.integers(), SCALARS, max_size=3)
    | st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=3), max_size=2), max_size=3)
    | st.tuples(st.integers(), st.text(max_size=3))
    | st.sets(st.integers(), max_size=3)
)


def codec_of(kind: Any) -> PayloadCodec:
    def handle(value: kind, more: int = 7): ...

    return PayloadCodec(handle, Context)


CODECS: list[tuple[PayloadCodec, JsonType[Any], ExactShapes]] = [
    (codec_of(kind), careful(kind), ExactShapes({"value": kind})) for kind in KINDS
]
# Those that nearly are what is annotated come more often than chance would have it.
NEARLY = st.sampled_from(
    [True, 1, 1.0, float("nan"), float("inf"), "\ud800", "r<d", Name("r<d"), Level.LOW, Colour.RED]
)
HALF_NEARLY = st.booleans().flatmap(lambda is_near: NEARLY if is_near else VALUES)

# Costly: the whole number only in `make test-all`.
some = settings(max_examples=500 if settings.get_current_profile_name() == "steady" else 5000)


def result_of(call: Callable[[], bytes | None]) -> bytes | str | None:
    try:
        return call()
    except PayloadError as error:
        return error.path or "$"


@some
@given(kind=st.sampled_from(CODECS), value=HALF_NEARLY)
def test_a_call_is_written_or_refused_as_the_checks_do_it(kind, value):
    codec, checks, _shapes = kind

    found = result_of(lambda: codec.encode(value))
    expected = result_of(lambda: b'{"value":%b,"more":7}' % checks.write(checks.accept(value)))

    if isinstance(expected, bytes):
        assert found == expected
    else:
        assert isinstance(found, str)


@some
@given(kind=st.sampled_from(CODECS), value=HALF_NEARLY)
def test_what_is_said_to_arrive_as_it_is_does(kind, value):
    codec, _checks, shapes = kind
    if not shapes.arrive({"value": value}):
        return
    try:
        payload = codec.encode(value)
    except PayloadError:  # such as for half a character
        return

    arrived = codec.decode(payload or b"")["value"]

    assert type(arrived) is type(value)
    assert arrived == value


@pytest.mark.parametrize("value", [True, Name("x"), Level.LOW, float("nan"), float("inf"), 1])
def test_what_may_change_is_left_to_the_checks(value):
    shapes = ExactShapes({"value": float | None})

    assert not shapes.arrive({"value": value})


def test_a_renamed_key_is_written_in_the_place_of_its_parameter():
    def handle(name: str, user_id: Annotated[int, Field("User<ID")]): ...

    payload = PayloadCodec(handle, Context).encode(user_id=1, name="a")

    assert payload == rb'{"name":"a","User\u003cID":1}'


def test_a_function_with_too_many_shapes_is_written_right_nevertheless():
    names = [f"p{i}" for i in range(8)]
    shapes = ExactShapes(dict.fromkeys(names, int | None))

    found = [
        shapes.arrive({each: 1 if number >> i & 1 else None for i, each in enumerate(names)})
        for number in range(4 * MOST_SHAPES)
    ]

    assert all(found)


def test_the_default_is_read_when_the_function_is_called():
    def handle(first: int, rest: dict[str, int] = {}): ...  # noqa: B006 - what the test is about

    codec = PayloadCodec(handle, Context)
    handle.__defaults__[0]["a"] = 1

    assert codec.encode(1) == b'{"first":1,"rest":{"a":1}}'
