"""Values as canonical JSON, as Go's encoding/json writes it; errors of msgspec as PayloadErrors."""

import math
import re
from datetime import timedelta
from typing import Any

import msgspec

from pyasynq.errors import PayloadError
from pyasynq.payload.difference import refuse_difference
from pyasynq.payload.durations import to_nanoseconds
from pyasynq.payload.lenient import mending_of_model
from pyasynq.payload.plain import plain_scalar
from pyasynq.payload.pydantic_models import dump_model, is_model, load_model

# What msgspec and Python raise for values and texts that they cannot process.
CODEC_ERRORS = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)

# Go's encoding/json escapes these inside strings, and outside of strings they do not occur.
_GO_ESCAPES = {
    b"<": rb"\u003c",
    b">": rb"\u003e",
    b"&": rb"\u0026",
    "\u2028".encode(): rb"\u2028",
    "\u2029".encode(): rb"\u2029",
}
_TO_ESCAPE = re.compile(b"|".join(_GO_ESCAPES))
_FIRST_TO_ESCAPE = bytes({each[0] for each in _GO_ESCAPES})

_PARTS = re.compile(r"(?P<text>.*?)(?: - at (?P<path>.+))?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.+)`")

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


def encode(value: object, *, checks_models: bool = False) -> bytes:
    """Return the canonical JSON text of *value*.

    A timedelta becomes an integer of nanoseconds, like Go's time.Duration, bytes become base64
    text, and sets and the keys of dicts are sorted.

    Args:
        value: anything.
        checks_models: whether its pydantic models are read again and compared.

    Raises:
        PayloadError: the value cannot be written as JSON, or has no canonical form.
    """
    try:
        plain = msgspec.to_builtins(
            value,
            builtin_types=(timedelta,),
            str_keys=True,
            enc_hook=_encode_and_check if checks_models else _encode_other,
            order="deterministic",
        )
        text = _encode(_settled(plain))
    except PayloadError:
        raise
    except CODEC_ERRORS as error:
        raise explain(error) from error
    return _escaped(text)


def encode_at_once(value: object) -> bytes | None:
    """Return the canonical text of *value* in one step, as far as msgspec writes it as Go does.

    It does not for timedeltas, sets, keys of dicts that are not text, and numbers that are not
    finite, which become null.

    Returns:
        None if it cannot be written.
    """
    try:
        text = _encode_sorted(value)
    except CODEC_ERRORS:
        return None
    return _escaped(text)


def encode_scalars(values: dict[str, Any]) -> bytes | None:
    """Return the canonical text of an object of scalars, with its keys in the order given.

    Args:
        values: without timedeltas, and without numbers that are not finite.

    Returns:
        None if they cannot be written; `encode` says why.
    """
    try:
        text = _encode(values)
    except CODEC_ERRORS:
        return None
    # Here as well as in `_escaped`: every call comes along.
    return text if len(text.translate(None, _FIRST_TO_ESCAPE)) == len(text) else _escaped(text)


def encode_result(value: object) -> bytes | None:
    """Return what is stored as the result of a task: bytes and None as they are, else JSON.

    Raises:
        PayloadError: the value cannot be written as JSON, or a pydantic model in it would be read
            as another value.
    """
    if value is None or isinstance(value, bytes):
        return value
    return encode(value, checks_models=True)


def explain(error: BaseException) -> PayloadError:
    """Return an *error* of the codec as a PayloadError.

    msgspec's ``Expected `int`, got `str` - at `$.user_id``` becomes
    ``$.user_id: expected int, got str``.
    """
    if isinstance(error, RecursionError):
        return PayloadError("the value is nested too deeply, or contains itself")
    if str(error).startswith("'<' not supported"):
        return PayloadError(
            "a set whose members cannot be sorted has no canonical form; use a list"
        )
    parts = _PARTS.fullmatch(str(error))
    if parts is None or not isinstance(error, msgspec.MsgspecError):
        return PayloadError(str(error))
    is_misfit = isinstance(error, msgspec.ValidationError)
    path = (parts["path"] or "$").replace("`", "") if is_misfit else ""
    inner = error.__cause__
    if isinstance(inner, PayloadError):  # raised by our own hook, below *path*
        fault = str(inner).removeprefix(f"{inner.path}: ")
        return PayloadError(fault, path=path + inner.path.removeprefix("$"))
    missing = _MISSING.fullmatch(parts["text"])
    if missing:
        return PayloadError("missing", path=f"{path}.{missing['name']}")
    text = parts["text"].replace("`", "")
    return PayloadError(text if text[:2].isupper() else text[:1].lower() + text[1:], path=path)


def _escaped(text: bytes) -> bytes:
    if len(text.translate(None, _FIRST_TO_ESCAPE)) == len(text):  # faster than the pattern
        return text
    return _TO_ESCAPE.sub(lambda found: _GO_ESCAPES[found[0]], text)


def _encode_other(value: object) -> Any:
    """Encode a value of a type that msgspec does not know."""
    if is_model(value):
        return dump_model(value)
    plain = plain_scalar(value)
    if plain is not value:
        return plain
    name = type(value).__name__
    raise PayloadError(f"{name} cannot be written as JSON; use plain values, such as an ID")


def _encode_and_check(value: object) -> Any:
    """Encode a value of a type that msgspec does not know; a model must be read as it is."""
    plain = _encode_other(value)
    if is_model(value):
        arrived = load_model(type(value), mending_of_model(type(value))(plain))
        refuse_difference(value, arrived)
    return plain


def _settled(value: Any) -> Any:
    """Return *value* with the parts replaced that Go writes in another way than msgspec."""
    if isinstance(value, dict):
        return {key: _settled(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_settled(each) for each in value]
    if isinstance(value, timedelta):
        return to_nanoseconds(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise PayloadError(f"{value} cannot be written as JSON")
    return value
