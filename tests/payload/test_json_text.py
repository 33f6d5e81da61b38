"""Canonical JSON, results, and what Go writes."""

import json
from datetime import timedelta
from enum import Enum

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


def _ring():
    ring = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "object cannot be written as JSON; use plain values, such as an ID"),
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
