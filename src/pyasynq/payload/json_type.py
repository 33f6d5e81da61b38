"""One annotated type in JSON: checks the values of callers, reads and writes texts."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import inspect

from pyasynq.errors import PayloadError
from pyasynq.payload.json_text import CODEC_ERRORS, encode, explain
from pyasynq.payload.lenient import Mending, mending_of
from pyasynq.payload.pydantic_models import is_model_type, load_model

T = TypeVar("T")

# Values that JSON carries as text: a caller must give the type itself, not the text.
_TEXT_TYPES = (bytes, bytearray, memoryview, datetime, date, time, timedelta, UUID, Decimal)
_MODELS = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)


class JsonType(Generic[T]):
    """A type as JSON text.

    Raises:
        TypeError, NameError: JSON cannot carry the type; the message has the reason.
    """

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind, dec_hook=_decode_other)
        self._mending = mending_of(kind)
        found = list(_parts_of(inspect.type_info(kind)))
        self._has_models = any(isinstance(part, (*_MODELS, inspect.CustomType)) for part in found)
        # From text, msgspec reads only the ISO form of durations, but Go writes numbers.
        self._has_durations = any(isinstance(part, inspect.TimeDeltaType) for part in found)

    def accept(self, value: object) -> T:
        """Return *value* as this type, as `read` would return it: 1 becomes 1.0 for a float.

        Raises:
            PayloadError: it is of another type.
        """
        try:
            accepted: T = msgspec.convert(
                value, self._kind, builtin_types=_TEXT_TYPES, dec_hook=_decode_other
            )
        except CODEC_ERRORS as error:
            raise explain(error) from error
        return accepted

    def write(self, value: T) -> bytes:
        """Return the canonical text of an accepted value.

        The fields of a model can hold anything, so a model is checked by reading its text again.

        Raises:
            PayloadError: a part of it does not fit the type, or cannot be written.
        """
        text = encode(value)
        return encode(self.read(text)) if self._has_models else text

    def read(self, text: bytes) -> T:
        """Return the value of *text*; lenient about what Go writes.

        Raises:
            PayloadError: the text is not JSON, or does not fit the type.
        """
        if not self._has_durations:
            try:
                return self._decoder.decode(text)
            except msgspec.ValidationError:
                pass  # it may still fit once it is mended
            except CODEC_ERRORS as error:
                raise explain(error) from error
        try:
            plain = self._mending(msgspec.json.decode(text))
            value: T = msgspec.convert(plain, self._kind, str_keys=True, dec_hook=_decode_other)
        except CODEC_ERRORS as error:
            raise explain(error) from error
        return value


def unsupported(kind: Any) -> str | None:
    """Return why JSON cannot carry the annotation *kind*; None if it can."""
    try:
        parts = list(_parts_of(inspect.type_info(kind)))
        msgspec.json.Decoder(kind)
    except (TypeError, NameError) as error:
        return str(error)
    for part in parts:
        if isinstance(part, inspect.CustomType) and not _is_known(part.cls):
            name = getattr(part.cls, "__qualname__", str(part.cls))
            return f"JSON cannot carry {name}; use plain types, bytes, or a model"
    return None


def is_bytes(kind: Any) -> bool:
    """Return whether *kind* is bytes, which need no JSON as the only parameter."""
    return isinstance(inspect.type_info(kind), inspect.BytesType)


def is_model(kind: Any) -> bool:
    """Return whether *kind* is a model, an object in JSON by itself."""
    described = inspect.type_info(kind)
    if isinstance(described, inspect.CustomType):
        return is_model_type(described.cls)
    return isinstance(described, _MODELS)


def _is_known(kind: object) -> bool:
    return kind is object or is_model_type(kind)


def _decode_other(kind: Any, plain: Any) -> Any:
    """Decode a value of a type that msgspec does not know."""
    if is_model_type(kind):
        if isinstance(plain, kind):
            return plain
        return load_model(kind, _model_mending(kind)(plain))
    if kind is object:
        return plain
    raise PayloadError(f"expected {kind.__name__}, got {type(plain).__name__}")


@lru_cache(maxsize=1024)
def _model_mending(model: type) -> Mending:
    return mending_of(model)


def _parts_of(described: inspect.Type) -> Iterator[inspect.Type]:
    """Yield *described* and every type in it, each once."""
    waiting, seen = [described], set[int]()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        for attribute in ("item_type", "key_type", "value_type"):
            inner = getattr(part, attribute, None)
            if inner is not None:
                waiting.append(inner)
        waiting.extend(getattr(part, "types", ()))
        waiting.extend(getattr(part, "item_types", ()))
        waiting.extend(field.type for field in getattr(part, "fields", ()))
