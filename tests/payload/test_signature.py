"""Which signatures are payloads, and what their calls look like on the wire."""

import pickle
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import msgspec
import pytest

from pyasynq.errors import ConfigError, PayloadError
from pyasynq.payload import Field, PayloadCodec


class Context: ...


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Item(msgspec.Struct):
    id: int
    weight: float = 1.0
    parts: "list[Item]" = []


@dataclass
class Order:
    id: int
    tags: list[str] = field(default_factory=list)


@dataclass
class Broken:
    where: "Nowhere"  # noqa: F821 - what is refused


class Point(TypedDict):
    y: int
    x: int
    label: NotRequired[str]


class Pair(NamedTuple):
    left: int
    right: int


def codec_of(function):
    return PayloadCodec(function, Context)


def welcome(user_id: int, *, template: str = "plain"): ...


def test_a_call_is_an_object_by_parameter_name_with_defaults():
    assert codec_of(welcome).encode(42) == b'{"user_id":42,"template":"plain"}'


def test_arguments_stand_in_the_order_of_the_signature():
    encoded = codec_of(welcome).encode(template="html", user_id=1)

    assert encoded == b'{"user_id":1,"template":"html"}'


def test_a_field_names_the_key_of_a_parameter():
    def handle(user_id: Annotated[int, Field("UserID")], name: str): ...

    codec = codec_of(handle)

    assert codec.encode(1, "ann") == b'{"UserID":1,"name":"ann"}'
    assert codec.decode(b'{"UserID":1,"name":"ann"}') == {"user_id": 1, "name": "ann"}


def test_the_context_is_not_in_the_payload():
    def handle(ctx: Context, user_id: int): ...

    codec = codec_of(handle)

    assert codec.takes_context
    assert codec.encode(7) == b'{"user_id":7}'


def test_a_function_without_parameters_has_no_payload_and_reads_any():
    def handle(ctx: Context): ...

    codec = codec_of(handle)

    assert codec.encode() is None
    assert codec.decode(b"\xff") == {}


def test_a_sole_bytes_parameter_is_the_raw_payload():
    def handle(data: bytes): ...

    codec = codec_of(handle)

    assert codec.encode(b"\x00\xff") == b"\x00\xff"
    assert codec.decode(b"\x00\xff") == {"data": b"\x00\xff"}


def test_bytes_beside_others_are_base64_as_in_go():
    def handle(data: bytes, name: str): ...

    assert codec_of(handle).encode(b"hi", "x") == b'{"data":"aGk=","name":"x"}'


@pytest.mark.parametrize(
    ("kind", "value", "encoded"),
    [
        (Item, Item(1, 2), b'{"id":1,"weight":2.0,"parts":[]}'),
        (Order, Order(1, ["a"]), b'{"id":1,"tags":["a"]}'),
        (Point, {"x": 1, "y": 2}, b'{"x":1,"y":2}'),
    ],
)
def test_a_sole_model_is_the_whole_payload(kind, value, encoded):
    def handle(thing: kind): ...

    codec = codec_of(handle)

    assert codec.encode(value) == encoded
    assert codec.decode(encoded) == {"thing": value}


def test_a_sole_model_with_a_field_is_in_an_object():
    def handle(order: Annotated[Order, Field("Order")]): ...

    assert codec_of(handle).encode(Order(1)) == b'{"Order":{"id":1,"tags":[]}}'


def test_a_sole_parameter_of_another_type_is_in_an_object():
    def handle(pair: Pair): ...

    codec = codec_of(handle)

    assert codec.encode(Pair(1, 2)) == b'{"pair":[1,2]}'
    assert codec.decode(b'{"pair":[1,2]}') == {"pair": Pair(1, 2)}


def test_a_sole_model_with_a_default_may_be_left_out():
    def handle(order: Order | None = None): ...

    def handle_model(order: Order = Order(3)): ...

    assert codec_of(handle).decode(b"") == {}
    assert codec_of(handle_model).decode(b"") == {}


def test_every_type_with_a_text_form_comes_back():
    def handle(
        when: datetime, day: date, number: Decimal, *, key: UUID, colour: Colour, span: timedelta
    ): ...

    codec = codec_of(handle)
    given = {
        "when": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        "day": date(2024, 1, 2),
        "number": Decimal("1.50"),
        "key": UUID(int=1),
        "colour": Colour.RED,
        "span": timedelta(seconds=1.5),
    }

    encoded = codec.encode(**given)

    assert encoded == (
        b'{"when":"2024-01-02T03:04:05Z","day":"2024-01-02","number":"1.50",'
        b'"key":"00000000-0000-0000-0000-000000000001","colour":"red","span":1500000000}'
    )
    assert codec.decode(encoded) == given


def test_equal_calls_have_equal_bytes():
    def handle(weight: float, item: Item, counts: dict[str, int], ids: dict[int, str]): ...

    codec = codec_of(handle)

    first = codec.encode(1, Item(1, 2), {"b": 1, "a": 2}, {10: "x", 9: "y"})
    second = codec.encode(1.0, Item(1, 2.0), {"a": 2, "b": 1}, {9: "y", 10: "x"})

    assert first == second
    assert first == (
        b'{"weight":1.0,"item":{"id":1,"weight":2.0,"parts":[]},'
        b'"counts":{"a":2,"b":1},"ids":{"10":"x","9":"y"}}'
    )


def test_unknown_keys_are_ignored_and_missing_ones_take_the_default():
    assert codec_of(welcome).decode(b'{"user_id":1,"other":2}') == {"user_id": 1}


@pytest.mark.parametrize("payload", [b"", b"null", b"{}"])
def test_no_payload_calls_a_function_whose_parameters_have_defaults(payload):
    def sweep(limit: int = 10): ...

    assert codec_of(sweep).decode(payload) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("42",), "$.user_id: expected int, got str ('42')"),
        ((True,), "$.user_id: expected int, got bool (True)"),
        ((1.0,), "$.user_id: expected int, got float (1.0)"),
        ((None,), "$.user_id: expected int, got null"),
    ],
)
def test_an_argument_of_the_wrong_type_is_refused(arguments, message):
    with pytest.raises(PayloadError) as caught:
        codec_of(welcome).encode(*arguments)

    assert str(caught.value) == message
    assert caught.value.path == "$.user_id"


def rename(
    user_id: Annotated[int, Field("UserID")],
    names: list[str],
    *,
    password: int = 0,
    data: Any = None,
): ...


def ship(item: Item): ...


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (
            rename,
            ("1", []),
            "$.UserID: expected int, got str ('1'); parameter 'user_id' of task 't'",
        ),
        (
            rename,
            (1, ["a", 2]),
            "$.names[1]: expected str, got int (2); parameter 'names' of task 't'",
        ),
        (
            rename,
            (1, "ab"),
            "$.names: expected array, got str ('ab'); parameter 'names' of task 't'",
        ),
        (rename, (1, [[]]), "$.names[0]: expected str, got array; parameter 'names' of task 't'"),
        (
            rename,
            (1, ["x", b"y" * 99]),
            "$.names[1]: expected str, got bytes (b'" + "y" * 37 + "…)"
            "; parameter 'names' of task 't'",
        ),
        (ship, ({"id": "x"},), "$.id: expected int, got str ('x'); parameter 'item' of task 't'"),
        (ship, (7,), "$: expected object, got int (7); parameter 'item' of task 't'"),
    ],
)
def test_a_refused_argument_names_task_parameter_and_value(function, arguments, message):
    codec = PayloadCodec(function, Context, task_type="t")

    with pytest.raises(PayloadError) as caught:
        codec.encode(*arguments)

    assert str(caught.value) == message


def test_the_value_of_what_looks_like_a_secret_is_not_shown():
    codec = PayloadCodec(rename, Context, task_type="t")

    with pytest.raises(PayloadError) as caught:
        codec.encode(1, [], password="hunter2")

    assert str(caught.value) == (
        "$.password: expected int, got str; parameter 'password' of task 't'"
    )


def test_the_error_of_a_call_can_be_copied():
    codec = PayloadCodec(rename, Context, task_type="t")
    with pytest.raises(PayloadError) as caught:
        codec.encode("1", [])

    copied = pickle.loads(pickle.dumps(caught.value))

    assert str(copied) == str(caught.value)
    assert (copied.path, copied.task_type, copied.parameter, copied.value) == (
        "$.UserID",
        "t",
        "user_id",
        "'1'",
    )


@pytest.mark.parametrize(
    ("kind", "text"),
    [(bytes, "aGk="), (datetime, "2024-01-01T00:00:00Z"), (UUID, str(UUID(int=1)))],
)
def test_text_in_place_of_what_json_carries_as_text_is_refused(kind, text):
    def handle(value: kind, other: int = 0): ...

    with pytest.raises(PayloadError, match="got str"):
        codec_of(handle).encode(text)


@pytest.mark.parametrize("value", [Item("x"), Item(1, parts=[Item("x")])])
def test_a_model_with_a_wrong_field_is_refused(value):
    def handle(item: Item): ...

    with pytest.raises(PayloadError, match=r"id: expected int, got str$"):
        codec_of(handle).encode(value)


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((), {}, "missing a required argument: 'user_id'"),
        ((1,), {"colour": 2}, "got an unexpected keyword argument 'colour'"),
        ((1, 2), {}, "too many positional arguments"),
    ],
)
def test_a_wrong_call_raises_what_the_function_itself_would(arguments, keywords, message):
    with pytest.raises(TypeError, match=f"^welcome\\(\\): {message}$"):
        codec_of(welcome).encode(*arguments, **keywords)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b'{"user_id":"x"}', "$.user_id: expected int, got str"),
        (b'{"user_id":1.5}', "$.user_id: expected int, got float"),
        (b"{}", "$.user_id: missing"),
        (b"", "$.user_id: missing"),
        (b"[]", "$: expected object, got array"),
        (b'{"user_id":', "input data was truncated"),
        (b"\xff", "JSON is malformed: invalid character (byte 0)"),
    ],
)
def test_a_payload_that_does_not_fit_says_where(payload, message):
    with pytest.raises(PayloadError) as caught:
        codec_of(welcome).decode(payload)

    assert str(caught.value) == message


def test_text_that_is_not_utf8_is_a_payload_error():
    with pytest.raises(PayloadError, match="utf-8"):
        codec_of(welcome).decode(b'{"user_id":1,"template":"\xff"}')


def test_parameters_without_a_name_in_the_payload_are_refused_together():
    def handle(first, /, *rest: int, **others: int): ...

    with pytest.raises(ConfigError) as caught:
        codec_of(handle)

    assert [fault.split(" of ")[0] for fault in caught.value.faults] == [
        "parameter positional-only first",
        "parameter *rest",
        "parameter **others",
    ]


def test_a_context_that_is_not_first_is_refused():
    def handle(user_id: int, ctx: Context): ...

    with pytest.raises(ConfigError, match=r"'ctx' of .* only the first parameter can be"):
        codec_of(handle)


def test_types_that_json_cannot_carry_are_refused_together():
    def handle(number: complex, both: bytes | str): ...

    with pytest.raises(ConfigError) as caught:
        codec_of(handle)

    assert len(caught.value.faults) == 2
    assert "JSON cannot carry complex" in caught.value.faults[0]
    assert "may not contain more than one str-like type" in caught.value.faults[1]


def test_two_parameters_with_one_key_are_refused():
    def handle(a: int, b: Annotated[int, Field("a")]): ...

    with pytest.raises(ConfigError, match=r"'a' and 'b' of .* have the same key 'a'"):
        codec_of(handle)


def test_a_default_that_does_not_fit_is_refused():
    def handle(a: int = None): ...  # noqa: RUF013 - what is refused

    with pytest.raises(ConfigError, match=r"default of parameter 'a' .* expected int, got null"):
        codec_of(handle)


def test_an_annotation_that_cannot_be_resolved_is_refused():
    def handle(a: "Nowhere"): ...  # noqa: F821 - what is refused

    with pytest.raises(ConfigError, match="name 'Nowhere' is not defined; they are needed at run"):
        codec_of(handle)


def test_a_parameter_without_annotation_takes_any_json():
    def handle(value, other: Any = None): ...

    codec = codec_of(handle)

    assert codec.encode([1, {"b": None, "a": 2}]) == b'{"value":[1,{"a":2,"b":null}],"other":null}'


def test_object_takes_any_json_too():
    def handle(value: object, others: list[object]): ...

    codec = codec_of(handle)

    assert codec.encode({"a": [1]}, [None]) == b'{"value":{"a":[1]},"others":[null]}'
    assert codec.decode(b'{"value":{"a":[1]},"others":[2.5]}') == {
        "value": {"a": [1]},
        "others": [2.5],
    }


def test_a_model_of_types_that_cannot_be_resolved_is_refused():
    def handle(broken: Broken): ...

    with pytest.raises(ConfigError, match="name 'Nowhere' is not defined"):
        codec_of(handle)


def test_an_annotation_that_is_not_a_type_is_refused():
    def handle(value: "1 +"): ...  # noqa: F722 - what is refused

    with pytest.raises(ConfigError, match=r"annotations of .* cannot be resolved"):
        codec_of(handle)


def test_a_blank_field_is_refused():
    with pytest.raises(ConfigError, match="field must not be blank"):
        Field(" ")


def confirm(order_id: int, note: str = ""): ...


def told_and(codec_made_of):
    told = []
    return told, PayloadCodec(codec_made_of, Context, on_unknown_keys=told.append)


def test_keys_of_no_parameter_are_left_out_and_told_once():
    told, codec = told_and(confirm)

    for payload in (b'{"order_id":7,"b":1,"a":2}', b'{"order_id":8,"c":1}', b'{"order_id":9}'):
        assert codec.decode(payload)["order_id"] in (7, 8, 9)

    assert told == [["b", "a"]]


def test_keys_of_parameters_are_not_told():
    told, codec = told_and(confirm)

    assert codec.decode(b'{"note":"x","order_id":7}') == {"note": "x", "order_id": 7}
    assert codec.decode(b'{"order_id":7.0}') == {"order_id": 7}  # as Go writes it
    assert told == []


def test_a_key_that_may_be_the_old_name_of_a_missing_parameter_is_named():
    told, codec = told_and(confirm)

    for _ in range(2):
        with pytest.raises(PayloadError) as caught:
            codec.decode(b'{"order":7}')

        assert str(caught.value) == (
            "$.order_id: missing; the payload has 'order', which 'confirm' does not take"
        )
    assert told == [["order"]]


@pytest.mark.parametrize("payload", [b"[1]", b"{", b'"x"', b'{"order_id":"x"}'])
def test_a_payload_that_does_not_fit_for_another_reason_has_no_unknown_keys(payload):
    told, codec = told_and(confirm)

    with pytest.raises(PayloadError):
        codec.decode(payload)

    assert told == []


def test_a_field_keeps_the_old_name_of_a_parameter():
    def renamed(order_id: Annotated[int, Field("order")], note: str = ""): ...

    told, codec = told_and(renamed)

    assert codec.decode(b'{"order":7}') == {"order_id": 7}
    assert codec.encode(7) == b'{"order":7,"note":""}'
    assert told == []
