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

_RULES = ("pydantic", "pydantic_core", "pydantic_extra_types", "annotated_types")
_SCHEMA = "__get_pydantic_core_schema__"


def is_model_type(kind: object) -> "TypeGuard[type[BaseModel]]":
    """Return whether *kind* is a class of pydantic models."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)


def is_model(value: object) -> "TypeGuard[BaseModel]":
    """Return whether *value* is a pydantic model."""
    return is_model_type(type(value))


def is_secret(value: object) -> bool:
    """Return whether *value* is a secret of pydantic, which it writes as asterisks."""
    return hasattr(type(value), "get_secret_value")


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


def is_rule(note: object) -> bool:
    """Return whether a *note* in ``Annotated`` is a rule that only pydantic applies."""
    kind = type(note)
    if kind.__module__.partition(".")[0] not in _RULES and not hasattr(kind, _SCHEMA):
        return False
    if kind.__name__ != "FieldInfo":
        return True
    field: Any = note  # with a description alone it says nothing about values
    return bool(field.metadata or field.alias or field.discriminator or not field.is_required())


def unread_name(kind: "type[BaseModel]") -> str | None:
    """Return what is wrong with the names of the fields of *kind*; None if all are read again.

    A model with code of its own for whole objects is left out, since that may know other names.
    """
    decorators = kind.__pydantic_decorators__
    if decorators.model_serializers or decorators.model_validators or kind.__pydantic_root_model__:
        return None
    for name, field in kind.model_fields.items():
        written = field.serialization_alias or field.alias or name
        if field.exclude:
            if field.is_required():
                return f"field {name!r} of {kind.__qualname__} is required, but never written"
        elif written not in _names_read(kind, name, field):
            return (
                f"field {name!r} of {kind.__qualname__} is written as {written!r}, which is not "
                "read again; use alias= for both directions, or add the name to validation_alias"
            )
    return None


def _names_read(kind: "type[BaseModel]", name: str, field: Any) -> Iterator[str]:
    config = kind.model_config
    given = field.validation_alias or field.alias
    if given is None or config.get("validate_by_name") or config.get("populate_by_name"):
        yield name
    if given is None or not config.get("validate_by_alias", True):
        return
    for choice in getattr(given, "choices", [given]):  # of AliasChoices
        path = getattr(choice, "path", [choice])  # of an AliasPath
        if len(path) == 1:
            yield path[0]


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
