"""What Go writes is read leniently; what does not fit says where."""

from datetime import timedelta

import msgspec
import pytest

from pyasynq.errors import PayloadError
from pyasynq.payload import PayloadCodec


class Context: ...


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
