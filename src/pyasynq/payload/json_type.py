"""One annotated type in JSON: checks the values of callers, reads and writes texts."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import inspect

from pyasynq.errors import PayloadError
from pyasynq.payload.difference import fields_of, refuse_difference, refuse_lost_keys
from pyasynq.payload.json_text import CODEC_ERRORS, encode, encode_at_once, explain
from pyasynq.payload.lenient import mending_of, mending_of_model
from pyasynq.payload.plain import plain_value
from pyasynq.payload.pydantic_models import is_model_type, load_model
from pyasynq.payload.short_form import short_form, value_at

T = TypeVar("T")

# Values that JSON carries as text: a caller must give the type itself, not the text.
_TEXT_TYPES = (bytes, bytearray, memoryview, datetime, date, time, timedelta, UUID, Decimal)
_MODELS = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)
# What arrives as it was accepted, since nobody's code and no choice stands between the two.
_EXACT = (
    inspect.NoneType,
    inspect.BoolType,
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.BytesType,
    inspect.ByteArrayType,
    inspect.MemoryViewType,
    inspect.DateType,
    inspect.TimeDeltaType,
    inspect.UUIDType,
    inspect.DecimalType,
    inspect.EnumType,
    inspect.LiteralType,
    inspect.ListType,
    inspect.VarTupleType,
    inspect.TupleType,
    inspect.SetType,
    inspect.FrozenSetType,
    inspect.UnionType,
    inspect.DictType,
)
_EXACT_KEYS = (
    inspect.StrType,
    inspect.IntType,
    inspect.DateType,
    inspect.UUIDType,
    inspect.EnumType,
)
# What msgspec alone writes as Go does, or so that the comparison finds a difference.
_WRITTEN_AT_ONCE = (
    *_MODELS,
    inspect.AnyType,
    inspect.NoneType,
    inspect.BoolType,
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.BytesType,
    inspect.DateType,
    inspect.DateTimeType,
    inspect.UUIDType,
    inspect.EnumType,
    inspect.LiteralType,
    inspect.ListType,
    inspect.VarTupleType,
    inspect.TupleType,
    inspect.UnionType,
)
_NULL = b"null"  # also what becomes of a number that is not finite


class Arguments(msgspec.Struct):
    """Base of the structs that hold the arguments of a call."""


class JsonType(Generic[T]):
    """A type as JSON text.

    Raises:
        TypeError, NameError: JSON cannot carry the type; the message has the reason.
    """

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind, dec_hook=_decode_other)
        self._mending = mending_of(kind)
        found = [part for part in _parts_of(inspect.type_info(kind)) if not _is_arguments(part)]
        self._has_models = any(isinstance(part, (*_MODELS, inspect.CustomType)) for part in found)
        self._is_compared = not all(map(_is_exact, found))
        self._is_written_at_once = all(map(_is_written_at_once, found))
        self._has_floats = any(isinstance(part, inspect.FloatType) for part in found)
        self._has_plain_equality = all(map(_is_plainly_equal, found))
        # From text, msgspec reads only the ISO form of durations, but Go writes numbers.
        self._has_durations = any(isinstance(part, inspect.TimeDeltaType) for part in found)

    @property
    def has_models(self) -> bool:
        """Whether there are models in it, which run code of the user."""
        return self._has_models

    def accept(self, value: object) -> T:
        """Return *value* as this type, as `read` would return it: 1 becomes 1.0 for a float.

        Raises:
            PayloadError: it is of another type.
        """
        try:
            accepted: T = self._converted(value)
        except CODEC_ERRORS:  # it may be of a subclass, such as numpy.float64
            accepted = self._accept_plain(value)
        if self._has_models:
            refuse_lost_keys(value, accepted)
        return accepted

    def write(self, value: T) -> bytes:
        """Return the canonical text of an accepted value.

        Nothing is compared for a type that keeps every value, such as ``dict[str, list[int]]``.

        Raises:
            PayloadError: a part of it does not fit the type, cannot be written, or would arrive as
                another value.
        """
        text = self._written_at_once(value) if self._is_written_at_once else None
        if text is not None:
            return text
        text = encode(value)
        return self._compared(value, text) if self._is_compared else text

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

    def _written_at_once(self, value: T) -> bytes | None:
        """Return the text that msgspec writes; None if there may be something wrong with it."""
        text = encode_at_once(value)
        if text is None:
            return None
        if not self._is_compared:
            return None if self._has_floats and _NULL in text else text
        try:
            return self._compared(value, text)
        except PayloadError:  # of another text than `write` may compare
            return None

    def _compared(self, value: T, text: bytes) -> bytes:
        """Return the canonical *text* of a value.

        Raises:
            PayloadError: a part of the value would arrive as another one.
        """
        arrived = self.read(text)
        if not (self._has_plain_equality and arrived == value):
            refuse_difference(value, arrived)
        if not self._has_models:
            return text
        # The fields of a model hold what the caller put there, such as an int for a float.
        canonical = (encode_at_once(arrived) if self._is_written_at_once else None) or encode(
            arrived
        )
        if canonical != text:
            refuse_difference(value, self.read(canonical))
        return canonical

    def _converted(self, value: object) -> T:
        converted: T = msgspec.convert(
            value, self._kind, builtin_types=_TEXT_TYPES, dec_hook=_decode_other
        )
        return converted

    def _accept_plain(self, value: object) -> T:
        try:
            return self._converted(plain_value(value))
        except PayloadError:
            raise
        except CODEC_ERRORS as error:
            raise _misfit(explain(error), value) from error


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


def _misfit(error: PayloadError, given: object) -> PayloadError:
    """Return *error* with what was *given* at its path."""
    value = value_at(error.path, given)
    if fields_of(value) is not None:
        text = f"got {type(value).__name__}, which is not the annotated class"
        return PayloadError(f"{text}; annotate it, or pass a dict of the fields", path=error.path)
    error.value = "" if value is msgspec.UNSET else short_form(value, error.path)
    return error


def _is_arguments(part: inspect.Type) -> bool:
    return isinstance(part, inspect.StructType) and issubclass(part.cls, Arguments)


def _is_exact(part: inspect.Type) -> bool:
    if isinstance(part, inspect.DictType):
        return isinstance(part.key_type, _EXACT_KEYS)
    return isinstance(part, _EXACT)


def _is_written_at_once(part: inspect.Type) -> bool:
    if isinstance(part, inspect.DictType):
        return isinstance(part.key_type, inspect.StrType | inspect.AnyType)
    return isinstance(part, _WRITTEN_AT_ONCE)


def _is_plainly_equal(part: inspect.Type) -> bool:
    """Return whether ``==`` compares values of this type whole: not as the user defined it."""
    if isinstance(part, inspect.StructType):
        return part.cls.__eq__ is msgspec.Struct.__eq__ and part.cls.__struct_config__.eq
    is_custom = isinstance(part, inspect.CustomType) and part.cls is not object
    return not is_custom and not isinstance(part, inspect.DataclassType)


def _is_known(kind: object) -> bool:
    return kind is object or is_model_type(kind)


def _decode_other(kind: Any, plain: Any) -> Any:
    """Decode a value of a type that msgspec does not know."""
    if is_model_type(kind):
        if isinstance(plain, kind):
            return plain
        if fields_of(plain) is not None:
            raise PayloadError(f"expected object, got {type(plain).__name__}", path="$")
        return load_model(kind, mending_of_model(kind)(plain))
    if kind is object:
        return plain
    raise PayloadError(f"expected {kind.__name__}, got {type(plain).__name__}")


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
