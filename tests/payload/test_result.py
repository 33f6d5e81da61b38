"""Results read back by the annotation of the function."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, SecretStr

from pyasynq.errors import PayloadError
from pyasynq.payload import ResultCodec, encode_result


class Receipt(msgspec.Struct):
    user_id: int
    took: timedelta


class Login(BaseModel):
    password: SecretStr


class Engine(BaseModel):
    kind: str = "local"


class ApiEngine(Engine):
    url: str


@pytest.mark.parametrize(
    ("returns", "value"),
    [
        (int, 42),
        (bytes, b"\xff"),
        (bytes, b""),
        (bytes | None, b'"text"'),
        (list[Receipt], [Receipt(1, timedelta(seconds=2))]),
        (Receipt, Receipt(1, timedelta(seconds=2))),
        (Any, {"a": [1, None]}),
        (Any, b"\xff"),
        (None, None),
        (int | None, None),
        (str, "é<"),
    ],
)
def test_a_result_comes_back(returns, value):
    codec = ResultCodec(returns)

    assert codec.decode(codec.encode(value)) == value


def test_a_result_without_annotation_is_plain():
    assert ResultCodec().decode(b'{"a":1}') == {"a": 1}
    assert ResultCodec().decode(b"no json") == b"no json"
    assert ResultCodec().decode(b"[" * 100_000) == b"[" * 100_000


def test_an_annotation_that_json_cannot_carry_is_ignored():
    assert ResultCodec(type(lambda: None)).decode(b"1") == 1


def test_a_result_that_does_not_fit_says_where():
    with pytest.raises(PayloadError, match=r"\$.user_id"):
        ResultCodec(Receipt).decode(b'{"user_id":"x","took":1}')


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


@pytest.mark.parametrize("returns", [Any, Login, list[Login], dict])
def test_a_result_with_a_secret_is_not_written_as_asterisks(returns):
    with pytest.raises(PayloadError, match="would arrive as asterisks"):
        ResultCodec(returns).encode(
            [Login(password="x")] if returns != Login else Login(password="x")
        )


def test_a_result_that_would_lose_fields_is_refused():
    with pytest.raises(PayloadError, match="expected Engine, got ApiEngine"):
        ResultCodec(Engine).encode(ApiEngine(url="u"))


def test_a_model_may_be_returned_as_a_dict():
    encoded = ResultCodec(Receipt).encode({"user_id": 1, "took": timedelta(seconds=2)})

    assert encoded == b'{"user_id":1,"took":2000000000}'


@pytest.mark.parametrize("returns", [Any, dict, tuple])
def test_a_result_without_models_is_plain_json(returns):
    assert ResultCodec(returns).encode((1, {2: "x"})) == b'[1,{"2":"x"}]'
