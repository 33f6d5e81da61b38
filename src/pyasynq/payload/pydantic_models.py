"""Pydantic models in payloads; pydantic is not imported unless the user has imported it.

A model is written and read as pydantic does it in JSON mode, by its aliases, except for timedelta,
which is integer nanoseconds as everywhere in payloads.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from pyasynq.errors import PayloadError
from pyasynq.payload.durations import to_nanoseconds

if TYPE_CHECKING:
    from pydantic import BaseModel


def is_model_type(kind: object) -> "TypeGuard[type[BaseModel]]":
    """Return whether *kind* is a class of pydantic models."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)


def is_model(value: object) -> "TypeGuard[BaseModel]":
    """Return whether *value* is a pydantic model."""
    return is_model_type(type(value))


def dump_model(model: "BaseModel") -> Any:
    """Return *model* as plain JSON values."""
    # Without warnings: a value that does not fit its field is found when the text is read again.
    text = model.model_dump(mode="json", by_alias=True, round_trip=True, warnings=False)
    values = model.model_dump(mode="python", by_alias=True, round_trip=True, warnings=False)
    return _with_durations(text, values)


def load_model(kind: "type[BaseModel]", plain: object) -> "BaseModel":
    """Return a model made of plain JSON values, in which timedeltas are timedeltas already.

    Raises:
        PayloadError: a value does not fit; its path is that of the first one.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - only where a model is used

    try:
        return kind.model_validate_json(msgspec.json.encode(plain))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise PayloadError(first["msg"].lower(), path=_path(first["loc"])) from error


def fields_of(kind: "type[BaseModel]") -> Iterator[tuple[str, Any]]:
    """Yield every key that *kind* reads, and the annotation of its field."""
    for name, field in kind.model_fields.items():
        aliases = field.validation_alias
        choices = getattr(aliases, "choices", [aliases])  # AliasChoices, a text or nothing
        for key in (name, field.alias, *choices):
            if isinstance(key, str):
                yield key, field.annotation


def _with_durations(text: Any, values: Any) -> Any:
    """Return *text*, a dump in JSON mode, with numbers where *values* has timedeltas."""
    if isinstance(values, timedelta):
        return to_nanoseconds(values)
    if isinstance(values, dict) and isinstance(text, dict) and len(text) == len(values):
        pairs = zip(text.items(), values.values(), strict=True)
        return {key: _with_durations(each, value) for (key, each), value in pairs}
    if isinstance(values, list | tuple) and isinstance(text, list) and len(text) == len(values):
        return [_with_durations(*pair) for pair in zip(text, values, strict=True)]
    return text


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in location)
