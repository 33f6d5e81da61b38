"""What a function returned: written as the bytes that are stored, and read back."""

from types import NoneType
from typing import Any

import msgspec
from msgspec import inspect

from pyasynq.payload.json_text import encode_result
from pyasynq.payload.json_type import JsonType, is_bytes, unsupported


class ResultCodec:
    """Encodes and decodes the results of one function.

    Results of type bytes are returned as they were stored. If the annotation does not help (it is
    missing, Any, None, or a type that JSON cannot carry), JSON becomes plain values, and anything
    else stays bytes.

    Args:
        returns: the annotation of the result; Any if there is none.
    """

    def __init__(self, returns: Any = Any) -> None:
        is_plain = returns in (Any, None, NoneType) or unsupported(returns) is not None
        self._is_bytes = not is_plain and _takes_bytes(returns)
        self._type: JsonType[Any] | None = None if is_plain else JsonType(returns)

    def encode(self, value: Any) -> bytes | None:
        """Return what is stored for a result: bytes and None as they are, else JSON.

        Raises:
            PayloadError: JSON cannot carry it, or `decode` would return another value.
        """
        kind = self._type
        if kind is None or not kind.has_models or value is None or isinstance(value, bytes):
            return encode_result(value)
        return kind.write(kind.accept(value))

    def decode(self, stored: bytes | None) -> Any:
        """Return the value of a stored result; None if nothing was stored.

        Raises:
            PayloadError: it does not fit the annotation; has the path.
        """
        if stored is None or self._is_bytes:
            return stored
        if self._type is not None:
            return self._type.read(stored)
        try:
            return msgspec.json.decode(stored)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return stored


def _takes_bytes(returns: Any) -> bool:
    """Return whether results are stored as they are: the type is bytes, or bytes or None."""
    described = inspect.type_info(returns)
    if isinstance(described, inspect.UnionType):
        others = [each for each in described.types if not isinstance(each, inspect.NoneType)]
        return all(isinstance(each, inspect.BytesType) for each in others)
    return is_bytes(returns)


ANY_RESULT = ResultCodec()
"""For a function that is not known."""
