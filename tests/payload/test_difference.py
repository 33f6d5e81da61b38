"""What a handler gets is what the caller gave, or the call is refused."""

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    SecretBytes,
    SecretStr,
    SerializeAsAny,
    field_serializer,
    field_validator,
)
from pydantic import Field as PydanticField

from pyasynq.errors import PayloadError
from pyasynq.payload import PayloadCodec


class Context: ...


class Colour(Enum):
    RED = "red"


class Login(BaseModel):
    user: str
    password: SecretStr = SecretStr("")
    tokens: list[SecretBytes] = []


class Revealed(BaseModel):
    password: SecretStr

    @field_serializer("password", when_used="json")
    def reveal(self, password: SecretStr) -> str:
        return password.get_secret_value()


class Price(BaseModel):
    cents: int

    @field_validator("cents", mode="before")
    @classmethod
    def from_euros(cls, value: Any) -> int:
        return int(value * 100)


class Name(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def stripped(cls, value: str) -> str:
        return value.strip()


class Cached(BaseModel):
    id: int
    cache: str = PydanticField("none", exclude=True)
    _seen: list[int] = PrivateAttr(default_factory=list)


class Engine(BaseModel):
    kind: str = "local"


class ApiEngine(Engine):
    url: str


class Job(BaseModel):
    engine: SerializeAsAny[Engine]


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: int


class Circle:
    """A class with neither fields nor an ``__eq__``, which pydantic knows how to write."""

    def __init__(self, radius: int) -> None:
        self.radius = radius


class Drawing(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    circle: Circle

    @field_validator("circle", mode="before")
    @classmethod
    def read(cls, value: Any) -> Any:
        return Circle(value) if isinstance(value, int) else value

    @field_serializer("circle")
    def written(self, circle: Circle) -> int:
        return circle.radius


@dataclasses.dataclass
class File:
    path: str

    def __post_init__(self) -> None:
        self.path = f"/data/{self.path}"


@dataclasses.dataclass
class Named:
    id: int
    name: str = dataclasses.field(default="", compare=False)

    def __post_init__(self) -> None:
        self.name = f"{self.name}!"


@dataclasses.dataclass(eq=False)
class Plain:
    id: int


@dataclasses.dataclass
class SubPlain(Plain):
    url: str = ""


@dataclasses.dataclass
class Squared:
    side: int
    area: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.area = self.side**2


class Counter(msgspec.Struct):
    count: int

    def __post_init__(self) -> None:
        self.count += 1


class ById(msgspec.Struct):
    id: int
    steps: int = 0

    def __post_init__(self) -> None:
        self.steps += 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ById) and other.id == self.id

    def __hash__(self) -> int:
        return self.id


class Item(msgspec.Struct):
    id: int
    weight: float = 1.0


class SubItem(Item):
    url: str = ""


class Boxed(msgspec.Struct):
    item: Item
    more: Any = None


@attrs.define
class Account:
    id: int
    _key: str = ""


@attrs.define
class Order:
    id: int
    tags: list[str] = attrs.field(factory=list, converter=list)


class Point(TypedDict):
    x: int


class LabelledPoint(Point):
    label: str


class Pair(NamedTuple):
    left: int
    right: int


def codec_of(*kinds: Any) -> PayloadCodec:
    """Return the codec of a function with parameters of these annotations; Any is for none."""

    def one(value): ...

    def two(value, other): ...

    function = one if len(kinds) == 1 else two
    function.__annotations__ = dict(zip(("value", "other"), kinds, strict=False))
    return PayloadCodec(function, Context)


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        (Login, Login(user="ann", password="x"), "$.password"),
        (Login, {"user": "ann", "password": "x"}, "$.password"),
        (Login, Login(user="ann", tokens=["x"]), "$.tokens[0]"),
        (dict[str, Login], {"a": Login(user="ann", password="x")}, "$.value.a.password"),
        (Login | None, Login(user="ann", password="x"), "$.value.password"),
    ],
)
def test_a_secret_that_would_become_asterisks_is_refused(kind, value, path):
    with pytest.raises(PayloadError, match="would arrive as asterisks; give its field") as caught:
        codec_of(kind).encode(value)

    assert caught.value.path == path


def test_a_secret_that_is_written_as_it_is_arrives():
    codec = codec_of(Revealed)

    arrived = codec.decode(codec.encode(Revealed(password="x")))["value"]

    assert arrived.password.get_secret_value() == "x"


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Price, Price(cents=5), r"\$\.cents: would arrive as another .* \(500 becomes 50000\)"),
        (Price, {"cents": 5}, r"\$\.cents: .* \(500 becomes 50000\)"),
        (File, File("a"), r"\$\.path: .* \('/data/a' becomes '/data//data/a'\)"),
        (File, {"path": "a"}, r"\$\.path"),
        (list[File], [File("a")], r"\$\.value\[0\]\.path"),
        (Counter, Counter(1), r"\$\.count: .* \(2 becomes 3\)"),
        (ById, ById(1), r"\$\.steps"),
        (Named, Named(1, "x"), r"\$\.name"),
        (Cached, Cached(id=1, cache="warm"), r"\$\.cache: .* \('warm' becomes 'none'\)"),
        (Account, Account(1, "key"), r"\$\._key"),
    ],
)
def test_a_value_that_would_change_on_the_way_is_refused(kind, value, message):
    with pytest.raises(PayloadError, match=message):
        codec_of(kind).encode(value)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Engine, ApiEngine(url="u"), r"\$: expected Engine, got ApiEngine, .* without its own"),
        (Job, Job(engine=ApiEngine(url="u")), r"\$\.engine: expected Engine, got ApiEngine"),
        (list[Engine], [ApiEngine(url="u")], r"\$\.value\[0\]: expected Engine, got ApiEngine"),
        (Boxed, Boxed(SubItem(1)), r"\$\.item: expected Item, got SubItem"),
        (Item, SubItem(1), r"\$: got SubItem, which is not the annotated class; annotate it"),
        (Plain, SubPlain(1), r"\$: got SubPlain, which is not the annotated class"),
        (list[Plain], [SubPlain(1)], r"\$\.value\[0\]: got SubPlain"),
        (Engine, Item(1), r"\$: got Item, which is not the annotated class"),
        (Point, LabelledPoint(x=1, label="l"), r"\$: 'label' is not a field and would be lost"),
        (list[Point], [{"x": 1, "y": 2}], r"\$\.value\[0\]: 'y' is not a field"),
        (Item, {"id": 1, "heavy": 2.0}, r"\$: 'heavy' is not a field"),
        (Plain, {"id": 1, "name": "x"}, r"\$: 'name' is not a field"),
    ],
)
def test_fields_that_would_be_lost_are_refused(kind, value, message):
    with pytest.raises(PayloadError, match=message):
        codec_of(kind).encode(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Name, Name(text=" ann ")),
        (Cached, Cached(id=1)),
        (Loose, Loose(id=1, more=[1])),
        (Engine, {"kind": "x", "other": 1}),  # pydantic's own setting: it ignores the rest
        (Item, Item(1, 2)),
        (Boxed, Boxed(Item(1), {"a": [None]})),
        (Squared, Squared(3)),
        (Order, Order(1, ["a"])),
        (Point, {"x": 1}),
        (Pair, Pair(1, 2)),
        (Decimal, Decimal("NaN")),
        (datetime, datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)),
        (tuple[int, ...], (1, 2)),
        (Any, {"a": [1, 2.0, None, True, "x", {"b": []}]}),
        (Any, 2**70),
        (dict, {}),
    ],
)
def test_what_arrives_as_it_is_is_accepted(kind, value):
    codec = codec_of(kind)

    assert "value" in codec.decode(codec.encode(value))


def test_models_without_equality_are_compared_by_their_fields():
    plain, drawing = codec_of(Plain), codec_of(Drawing)

    assert plain.encode(Plain(1)) == b'{"id":1}'
    assert drawing.encode(Drawing(circle=Circle(2))) == b'{"circle":2}'


def test_private_attributes_are_not_in_a_payload():
    cached = Cached(id=1)
    cached._seen.append(1)

    assert codec_of(Cached).encode(cached) == b'{"id":1}'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"abc", r"\$\.value: bytes would arrive as str; annotate the parameter"),
        (timedelta(seconds=1), r"\$\.value: timedelta would arrive as int"),
        (Decimal("1.10"), r"\$\.value: Decimal would arrive as str"),
        (datetime(2024, 1, 1, tzinfo=UTC), r"\$\.value: datetime would arrive as str"),
        ((1, 2), r"\$\.value: tuple would arrive as list"),
        ({1, 2}, r"\$\.value: set would arrive as list"),
        (Colour.RED, r"\$\.value: Colour would arrive as str"),
        (Engine(), r"\$\.value: Engine would arrive as dict"),
        (Item(1), r"\$\.value: Item would arrive as dict"),
        ([{"a": (1,)}], r"\$\.value\[0\]\.a: tuple would arrive as list"),
        ({1: "a"}, r"\$\.value: the key 1 would arrive as another one, or not at all"),
        ({1: "a", "1": "b"}, r"\$\.value: the key 1 would arrive as another one, or not at all"),
    ],
)
@pytest.mark.parametrize("kind", [Any, object])
def test_without_annotation_only_what_json_has_is_accepted(kind, value, message):
    with pytest.raises(PayloadError, match=message):
        codec_of(kind, int).encode(value, 1)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (dict, {1: "a", "1": "b"}),
        (list, [b"x"]),
        (dict[int | str, int], {1: 2}),
        (dict[float, int], {float("nan"): 2}),
        (Boxed, Boxed(Item(1), (1, 2))),
        (datetime, datetime(1900, 1, 1, tzinfo=timezone(timedelta(minutes=19, seconds=32)))),
    ],
)
def test_what_an_annotation_does_not_decide_must_come_back(kind, value):
    with pytest.raises(PayloadError, match=r"would arrive|float"):
        codec_of(kind).encode(value)
