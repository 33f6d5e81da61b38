"""What holds for every signature and every payload."""

import inspect
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.errors import PayloadError
from pyasynq.payload import PayloadCodec


class Context: ...


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Order:
    id: int
    spans: list[timedelta]


class Item(msgspec.Struct):
    weight: float
    ttl: timedelta | None


class Outer(msgspec.Struct):
    spans: dict[str, timedelta]
    items: list[Item]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SPANS = st.timedeltas(timedelta(days=-100_000), timedelta(days=100_000))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ITEMS = st.builds(Item, FLOATS, st.none() | SPANS)

# A type and its values.
KINDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (float, FLOATS),
    (str, TEXT),
    (bool, st.booleans()),
    (bytes, st.binary(max_size=8)),
    (timedelta, SPANS),
    (datetime, st.datetimes(timezones=st.just(UTC))),
    (UUID, st.uuids()),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (Colour, st.sampled_from(Colour)),
    (Order, st.builds(Order, st.integers(), st.lists(SPANS, max_size=3))),
    (Item, ITEMS),
    (
        Outer,
        st.builds(Outer, st.dictionaries(TEXT, SPANS, max_size=3), st.lists(ITEMS, max_size=3)),
    ),
    (list[int], st.lists(st.integers(), max_size=3)),
    (set[str], st.sets(TEXT, max_size=3)),
    (dict[str, float], st.dictionaries(TEXT, FLOATS, max_size=3)),
    (dict[int, bytes], st.dictionaries(st.integers(), st.binary(max_size=3), max_size=3)),
    (tuple[int, str], st.tuples(st.integers(), TEXT)),
    (timedelta | None, st.none() | SPANS),
    (list[Item] | None, st.none() | st.lists(ITEMS, max_size=3)),
]
CALLS = st.lists(
    st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind[0]), kind[1])), max_size=4
)


def codec_for(kinds: list[Any]) -> PayloadCodec:
    """Return the codec of a function with parameters p0, p1 … of these types."""

    def function(*arguments: object, **keywords: object) -> None:
        raise NotImplementedError

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # read by inspect
        [inspect.Parameter(f"p{n}", kind) for n in range(len(kinds))]
    )
    function.__annotations__ = {f"p{n}": each for n, each in enumerate(kinds)}
    return PayloadCodec(function, Context)


@pytest.mark.slow
@given(CALLS)
def test_every_call_comes_back(call):
    codec = codec_for([kind for kind, _value in call])
    given = {f"p{n}": value for n, (_kind, value) in enumerate(call)}

    payload = codec.encode(**given)

    assert codec.decode(payload or b"") == given


@pytest.mark.slow
@given(CALLS, st.randoms())
def test_equal_calls_have_equal_bytes(call, random):
    codec = codec_for([kind for kind, _value in call])
    keywords = [(f"p{n}", value) for n, (_kind, value) in enumerate(call)]
    shuffled = random.sample(keywords, len(keywords))

    by_position = codec.encode(*(value for _name, value in keywords))
    by_name = codec.encode(**{name: reordered(value, random) for name, value in shuffled})

    assert by_name == by_position


def reordered(value: Any, random: Any) -> Any:
    """Return an equal value; a dict has another order of its keys."""
    if not isinstance(value, dict):
        return value
    return dict(random.sample(list(value.items()), len(value)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["p0", "p1"]), JSON)


def damaged(text: bytes, at: int, byte: int) -> bytes:
    """Return *text* with one byte replaced."""
    at %= len(text)
    return text[:at] + bytes([byte]) + text[at + 1 :]


PAYLOADS = (
    st.binary(max_size=20)
    | JSON.map(msgspec.json.encode)
    | OBJECTS.map(msgspec.json.encode)
    | st.builds(damaged, OBJECTS.map(msgspec.json.encode), st.integers(0, 100), st.integers(0, 255))
)
# What a caller without a type checker may pass.
ANYTHING = (
    JSON
    | st.text(max_size=3)
    | st.floats()
    | st.sampled_from([object(), 10**5000, timedelta.max, {1, "a"}, {None: 1}])
)


@pytest.mark.slow
@given(st.lists(st.sampled_from([kind for kind, _values in KINDS]), max_size=2), PAYLOADS)
def test_any_payload_fits_or_is_a_payload_error(kinds, payload):
    codec = codec_for(kinds)

    try:
        decoded = codec.decode(payload)
    except PayloadError:
        return

    assert decoded.keys() <= {f"p{n}" for n in range(len(kinds))}


@pytest.mark.slow
@given(st.sampled_from([Any, *(kind for kind, _values in KINDS)]), ANYTHING)
def test_what_is_accepted_is_understood_by_the_worker(kind, value):
    codec = codec_for([kind, int])

    try:
        payload = codec.encode(value, 1)
    except PayloadError:
        return

    assert codec.decode(payload or b"")["p1"] == 1
