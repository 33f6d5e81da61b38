"""Subclasses of plain types are accepted as the plain types."""

from collections import OrderedDict, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel

from pyasynq.errors import PayloadError
from pyasynq.payload import PayloadCodec, encode_result


class Context: ...


class Text(str):  # as markupsafe.Markup
    __slots__ = ()


class Count(int): ...


class Real(float): ...  # as numpy.float64


class Data(bytes): ...


class Moment(datetime): ...  # as of pendulum


class Day(date): ...


class Clock(time): ...


class Span(timedelta): ...


class Amount(Decimal): ...


class Key(UUID): ...


class Stamp(datetime):  # as pandas.Timestamp, which counts nanoseconds
    nanosecond = 1

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and getattr(other, "nanosecond", 0) == self.nanosecond

    __hash__ = None


class Word(StrEnum):
    YES = "yes"


class Number(IntEnum):
    ONE = 1


class Item(msgspec.Struct):
    text: str
    real: float


class Model(BaseModel):
    text: str
    when: datetime


PLAIN = [
    (str, Text("<b>"), "<b>"),
    (str, Word.YES, "yes"),
    (int, Count(3), 3),
    (int, Number.ONE, 1),
    (float, Real(1.5), 1.5),
    (bytes, Data(b"x"), b"x"),
    (datetime, Moment(2024, 1, 1, 2, tzinfo=UTC), datetime(2024, 1, 1, 2, tzinfo=UTC)),
    (date, Day(2024, 1, 1), date(2024, 1, 1)),
    (time, Clock(1, 2, 3), time(1, 2, 3)),
    (timedelta, Span(seconds=1.5), timedelta(seconds=1.5)),
    (Decimal, Amount("1.10"), Decimal("1.10")),
    (UUID, Key(int=1), UUID(int=1)),
    (dict[str, float], OrderedDict(a=Real(1.5)), {"a": 1.5}),
    (dict[str, int], defaultdict(int, {Text("a"): 1}), {"a": 1}),
    (list[datetime], [Moment(2024, 1, 1)], [datetime(2024, 1, 1)]),
    (tuple[float, str], (Real(1.5), Text("x")), (1.5, "x")),
    (set[float], {Real(1.5)}, {1.5}),
    (float | None, Real(1.5), 1.5),
    (Any, Real(1.5), 1.5),
    (Any, [Text("x"), Count(1)], ["x", 1]),
]


@pytest.mark.parametrize(("kind", "value", "plain"), PLAIN)
def test_a_subclass_of_a_plain_type_arrives_as_the_plain_type(kind, value, plain):
    def handle(value: kind, other: int = 0): ...

    codec = PayloadCodec(handle, Context)

    encoded = codec.encode(value)

    assert encoded == codec.encode(plain)
    assert codec.decode(encoded)["value"] == plain


def test_fields_of_models_may_hold_them_too():
    def handle(item: Item, model: Model): ...

    codec = PayloadCodec(handle, Context)

    encoded = codec.encode(
        Item(Text("x"), Real(1.5)), {"text": Text("y"), "when": Moment(2024, 1, 1)}
    )

    assert codec.decode(encoded) == {
        "item": Item("x", 1.5),
        "model": Model(text="y", when=datetime(2024, 1, 1)),
    }


@pytest.mark.parametrize("kind", [datetime, Any])
def test_what_a_plain_type_cannot_hold_is_refused(kind):
    def handle(value: kind, other: int = 0): ...

    with pytest.raises(PayloadError, match="this Stamp holds more than a datetime; convert it"):
        PayloadCodec(handle, Context).encode(Stamp(2024, 1, 1))


def test_they_are_results():
    assert encode_result([Text("x"), Real(1.5), Count(2)]) == b'["x",1.5,2]'
