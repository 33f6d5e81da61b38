"""What is refused when a task is registered, since it could never arrive as it is."""

import dataclasses
from typing import Annotated, NamedTuple, NewType, TypedDict

import msgspec
import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    AliasPath,
    BaseModel,
    ConfigDict,
    PositiveInt,
    RootModel,
    model_validator,
)
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass as pydantic_dataclass

from pyasynq.errors import ConfigError
from pyasynq.payload import PayloadCodec


class Context: ...


class Page(BaseModel):
    limit: int = PydanticField(default=10, serialization_alias="pageSize")


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=str.upper))
    user: int


class ReadElsewhere(BaseModel):
    user: int = PydanticField(validation_alias="UserID")


class ReadByPath(BaseModel):
    user: int = PydanticField(validation_alias=AliasPath("users", 0))


class ReadByName(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=False)
    user: int = PydanticField(alias="UserID")


class NeverWritten(BaseModel):
    user: int = PydanticField(exclude=True)


class Holder(BaseModel):
    pages: list[Page] | None = None


class BothWays(BaseModel):
    one: int = PydanticField(alias="One")
    two: int = PydanticField(validation_alias=AliasChoices("Two", AliasPath("two")))
    three: int = PydanticField(validation_alias="Three", serialization_alias="Three")
    four: Annotated[int, PydanticField(gt=0)] = 1
    five: str = PydanticField("", exclude=True)


class Translated(BaseModel):
    user: int = PydanticField(serialization_alias="userId")

    @model_validator(mode="before")
    @classmethod
    def translate(cls, given: dict[str, int]) -> dict[str, int]:
        return {"user": given["userId"]} if "userId" in given else given


class Numbers(RootModel[list[int]]): ...


@pydantic_dataclass
class Order:
    count: int = PydanticField(default=1, gt=0)


class WithOrder(BaseModel):
    order: Order


class Item(msgspec.Struct):
    count: PositiveInt


@dataclasses.dataclass
class Box:
    items: dict[str, Item]


class Point(TypedDict):
    x: Annotated[int, PydanticField(gt=0)]


class Pair(NamedTuple):
    left: PositiveInt


class Node(msgspec.Struct):
    next: "Node | None" = None


Positive = NewType("Positive", PositiveInt)
Described = Annotated[int, PydanticField(description="how many")]
Limited = Annotated[int, msgspec.Meta(gt=0)]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Page, "field 'limit' of Page is written as 'pageSize', which is not read again"),
        (list[Page], "field 'limit' of Page"),
        (Holder, "field 'limit' of Page"),
        (Camel, "field 'user' of Camel is written as 'USER'"),
        (ReadElsewhere, "field 'user' of ReadElsewhere is written as 'user'"),
        (ReadByPath, "field 'user' of ReadByPath is written as 'user'"),
        (ReadByName, "field 'user' of ReadByName is written as 'UserID'"),
        (NeverWritten, "field 'user' of NeverWritten is required, but never written"),
    ],
)
def test_names_that_only_one_direction_uses_are_refused(kind, message):
    def handle(value: kind): ...

    with pytest.raises(ConfigError, match=f"^parameter 'value' of .*{message}"):
        PayloadCodec(handle, Context)


@pytest.mark.parametrize(
    "kind", [Order, list[Order], Order | None, Annotated[Order, "note"], dict[str, list[Order]]]
)
def test_a_pydantic_dataclass_is_refused_since_its_rules_would_not_be_applied(kind):
    def handle(value: kind): ...

    with pytest.raises(ConfigError, match="Order is a dataclass of pydantic"):
        PayloadCodec(handle, Context)


@pytest.mark.parametrize(
    "kind",
    [
        PositiveInt,
        Annotated[int, PydanticField(gt=0)],
        Annotated[int, AfterValidator(abs)],
        Annotated[str, PydanticField(alias="Name")],
        list[PositiveInt],
        PositiveInt | None,
        Positive,
        Item,
        Box,
        Point,
        Pair,
    ],
)
def test_a_rule_of_pydantic_that_would_not_be_applied_is_refused(kind):
    def handle(value: kind): ...

    with pytest.raises(ConfigError, match="rule of pydantic, which would not be applied"):
        PayloadCodec(handle, Context)


@pytest.mark.parametrize(
    "kind", [BothWays, Translated, Numbers, WithOrder, Node, Described, Limited, list[Limited]]
)
def test_what_is_read_as_it_is_written_can_be_in_a_payload(kind):
    def handle(value: kind): ...

    assert PayloadCodec(handle, Context)


def test_a_rule_of_msgspec_is_applied_in_both_directions():
    def handle(value: Limited): ...

    codec = PayloadCodec(handle, Context)

    with pytest.raises(ValueError, match=r"\$\.value: expected int >= 1"):
        codec.encode(-1)
    with pytest.raises(ValueError, match=r"\$\.value: expected int >= 1"):
        codec.decode(b'{"value":-1}')


def test_a_default_that_pydantic_would_have_to_read_is_refused():
    def handle(value: int = PydanticField(1, gt=0)): ...

    with pytest.raises(ConfigError, match=r"default of parameter 'value' .* does not fit"):
        PayloadCodec(handle, Context)
