"""Canonical JSON, results, and what Go writes."""

import json
from datetime import timedelta
from enum import Enum

import msgspec
import pytest

from pyasynq.errors import PayloadError
from pyasynq.payload import PayloadCodec, encode_result

# What Go's encoding/json writes for every ASCII character and some others.
GO_TEXT = (
    r'"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f'
    r"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e"
    r" !\"#$%\u0026'()*+,-./0123456789:;\u003c=\u003e?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
    "abcdefghijklmnopqrstuvwxyz{|}~\x7f" + r'\u2028\u2029é😀"'
).replace(r"\u001e ", r"\u001e\u001f ")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Context: ...


def test_text_is_written_as_go_writes_it():
    text = "".join(map(chr, range(128))) + "\u2028\u2029é😀"

    encoded = encode_result(text)

    assert encoded == GO_TEXT.encode()
    assert json.loads(encoded) == text


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (None, None),
        (b"\xff", b"\xff"),
        (1, b"1"),
        ("a", b'"a"'),
        ({"b": {3, 1, 2}, "a": timedelta(seconds=1)}, b'{"a":1000000000,"b":[1,2,3]}'),
        ((1, [timedelta(microseconds=1)]), b"[1,[1000]]"),
        (2**70, b"1180591620717411303424"),
    ],
)
def test_results_are_json_but_bytes_and_none_stay(value, encoded):
    assert encode_result(value) == encoded


def _ring():
    ring = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "object cannot be written as JSON"),
        ([float("nan")], "nan cannot be written as JSON"),
        (float("-inf"), "-inf cannot be written as JSON"),
        ("\ud800", "surrogates not allowed"),
        (_ring(), "nested too deeply, or contains itself"),
        ({Colour.RED, Colour.BLUE}, "a set whose members cannot be sorted"),
        ({None: 1}, "Only dicts with str-like or number-like keys"),
        (timedelta(days=200_000), "longer than 292 years"),
        ([10**5000], "Exceeds the limit"),
    ],
)
def test_what_json_cannot_carry_is_a_payload_error(value, message):
    with pytest.raises(PayloadError, match=message):
        encode_result(value)


def test_deep_nesting_is_a_payload_error():
    def handle(value: list[object]): ...

    with pytest.raises(PayloadError, match="nested too deeply"):
        PayloadCodec(handle, Context).decode(b'{"value":' + b"[" * 100_000)


class Node(msgspec.Struct):
    span: timedelta | None = None
    sizes: list[int] = []
    next: "Node | None" = None


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    toys: list[str]


class Row(msgspec.Struct, array_like=True):
    id: int
    tags: list[str]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (list[int], "null", []),
        (set[str], "null", set()),
        (frozenset[str], "null", frozenset()),
        (dict[str, int], "null", {}),
        (tuple[int, ...], "null", ()),
        (bytes, "null", b""),
        (bytearray, "null", bytearray()),
        (int, "3.0", 3),
        (int, "3e2", 300),
        (float, "3", 3.0),
        (timedelta, "1500000000", timedelta(seconds=1.5)),
        (timedelta, "1.5e9", timedelta(seconds=1.5)),
        (timedelta, "-1000", timedelta(microseconds=-1)),
        (timedelta, "1999", timedelta(microseconds=1)),
        (timedelta | None, "1000", timedelta(microseconds=1)),
        (timedelta | None, "null", None),
        (list[int] | None, "null", None),
        (list[int] | None, "[1.0]", [1]),
        (list[list[int]], "[null,[1.0]]", [[], [1]]),
        (dict[str, list[int]], '{"a":null}', {"a": []}),
        (dict[int, int], '{"1":2.0}', {1: 2}),
        (tuple[int, list[int]], "[1.0,null]", (1, [])),
        (int | timedelta, "1000", 1000),
        (int | str, "1.0", 1),
        (int | float, "1.0", 1.0),
        (Cat | Dog, '{"type":"Dog","toys":null}', Dog([])),
        (Cat | Dog, '{"type":"Cat","lives":9.0}', Cat(9)),
        (Row, "[1.0,null]", Row(1, [])),
        (
            Node,
            '{"span":1000,"sizes":null,"next":{"span":2000,"sizes":[1.0]}}',
            Node(timedelta(microseconds=1), [], Node(timedelta(microseconds=2), [1], None)),
        ),
    ],
)
def test_what_go_writes_is_read_leniently(kind, text, value):
    def handle(value: kind, other: int = 0): ...

    decoded = PayloadCodec(handle, Context).decode(f'{{"value":{text}}}'.encode())

    assert decoded == {"value": value}


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (int, "3.5", "$.value: expected int, got float"),
        (int, "null", "$.value: expected int, got null"),
        (str, "null", "$.value: expected str, got null"),
        (timedelta, '"soon"', "$.value: invalid ISO8601 duration"),
        (timedelta, "true", "$.value: expected duration, got bool"),
        (timedelta, "1e300", "$.value: expected duration, got float"),
        (list[int], '[1.0,"x"]', "$.value[1]: expected int, got str"),
        (list[int], "{}", "$.value: expected array, got object"),
        (dict[str, int], "[]", "$.value: expected object, got array"),
        (tuple[int, int], "[1.0]", "$.value: expected array of length 2, got 1"),
        (Cat | Dog, '{"type":"Cow"}', "$.value.type: invalid value 'Cow'"),
        (Cat | Dog, "3", "$.value: expected object, got int"),
        (Node, '{"next":{"span":"x"}}', "$.value.next.span: invalid ISO8601 duration"),
    ],
)
def test_what_does_not_fit_says_where(kind, text, message):
    def handle(value: kind, other: int = 0): ...

    with pytest.raises(PayloadError) as caught:
        PayloadCodec(handle, Context).decode(f'{{"value":{text}}}'.encode())

    assert str(caught.value) == message
