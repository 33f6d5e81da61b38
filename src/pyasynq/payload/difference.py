"""What a value would be on arrival, compared with what was given.

Models are compared field by field, since their own ``__eq__`` may leave fields out. What is not a
field, such as a private attribute, is not in a payload and not compared. Values that cannot be
compared at all, since they have no ``__eq__`` and no attributes, count as the same.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from pyasynq.errors import PayloadError
from pyasynq.payload.pydantic_models import is_model, is_secret
from pyasynq.payload.short_form import short_form

_NUMBERS = (int, float, Decimal)
_ADVICE = "annotate the parameter, or pass what JSON has (text, number, bool, None, list, dict)"

Fields = dict[str, Any]


def refuse_difference(given: object, arrived: object) -> None:
    """Check that *given* would arrive as it is.

    Raises:
        PayloadError: a part of it would be lost or changed; has the path and both values.
    """
    found = _difference(given, arrived, "$")
    if found is not None:
        raise found


def refuse_lost_keys(given: object, accepted: object) -> None:
    """Check that every key of a dict that was *given* for a model or a TypedDict is in *accepted*.

    Models of pydantic are left out: what becomes of other keys is their own setting.

    Raises:
        PayloadError: a key is in neither the model nor the TypedDict; has the path.
    """
    for path, key in _lost_keys(given, accepted, "$"):
        raise PayloadError(f"{key!r} is not a field and would be lost", path=path)


def fields_of(value: Any) -> Fields | None:
    """Return the fields of a model by name; None if *value* is not a model."""
    kind = type(value)
    if is_model(value):
        names = [*type(value).model_fields, *(value.model_extra or ())]
    elif isinstance(value, msgspec.Struct):
        names = list(kind.__struct_fields__)
    elif dataclasses.is_dataclass(kind):
        names = [each.name for each in dataclasses.fields(kind)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [each.name for each in kind.__attrs_attrs__]
    else:
        return None
    return {name: getattr(value, name, msgspec.UNSET) for name in names}


def _lost_keys(given: Any, accepted: Any, path: str) -> Iterator[tuple[str, object]]:
    if given is accepted:
        return
    if isinstance(given, Mapping):
        taken = accepted if isinstance(accepted, dict) else _fields_by_key(accepted)
        if taken is None:
            return
        for key, value in given.items():
            if key in taken:
                yield from _lost_keys(value, taken[key], f"{path}.{key}")
            else:
                yield path, key
    elif isinstance(given, list | tuple) and isinstance(accepted, list | tuple):
        for at, (one, other) in enumerate(zip(given, accepted, strict=False)):
            yield from _lost_keys(one, other, f"{path}[{at}]")


def _fields_by_key(model: Any) -> Fields | None:
    """Return the fields of a model by their keys in JSON; None if *model* is none of msgspec's."""
    if isinstance(model, msgspec.Struct):
        tag = model.__struct_config__.tag_field
        tags = {tag: None} if tag else {}
        pairs = zip(model.__struct_encode_fields__, model.__struct_fields__, strict=True)
        return tags | {key: getattr(model, name) for key, name in pairs}
    return None if is_model(model) else fields_of(model)


def _difference(given: Any, arrived: Any, path: str) -> PayloadError | None:
    if given is arrived:
        return None
    fields = fields_of(given)
    if fields is not None and type(arrived) is not type(given):
        return _of_another_class(given, arrived, path)
    if fields is not None:
        return _first_in(fields, fields_of(arrived) or {}, lambda name: f"{path}.{name}")
    if isinstance(given, Mapping) and isinstance(arrived, dict):
        lost = _first_key(given, arrived, path)
        return lost or _first_in(given, arrived, lambda key: f"{path}.{key}")
    if isinstance(given, list | tuple) and _is_of_class(given, arrived):
        pairs = dict(enumerate(given)), dict(enumerate(arrived))
        return _first_in(*pairs, lambda at: f"{path}[{at}]")
    return None if _is_same(given, arrived) else _changed(given, arrived, path)


def _first_in(
    given: Mapping[Any, Any], arrived: Mapping[Any, Any], path_of: Callable[[Any], str]
) -> PayloadError | None:
    """Return the first difference among parts; a part that only one side has is UNSET."""
    found = (
        _difference(given.get(key, msgspec.UNSET), arrived.get(key, msgspec.UNSET), path_of(key))
        for key in [*given, *(each for each in arrived if each not in given)]
    )
    return next((each for each in found if each is not None), None)


def _first_key(given: Mapping[Any, Any], arrived: Iterable[Any], path: str) -> PayloadError | None:
    kinds = {each: each for each in arrived}
    for key in given:
        if key not in kinds or not _is_of_class(key, kinds[key]):
            text = f"the key {short_form(key)} would arrive as another one, or not at all"
            return PayloadError(f"{text}; {_ADVICE}", path=path)
    return None


def _is_same(given: Any, arrived: Any) -> bool:
    if not _is_of_class(given, arrived):
        return False
    if isinstance(given, datetime) and given.tzinfo and arrived.tzinfo:
        # In the hour that a clock repeats, datetimes of different time zones are never equal.
        return bool(given.astimezone(UTC) == arrived.astimezone(UTC))
    if isinstance(given, Decimal) and given.is_nan():
        return isinstance(arrived, Decimal) and arrived.is_nan()
    equality: object = type(given).__eq__
    if equality is object.__eq__:
        parts = getattr(given, "__dict__", {}), getattr(arrived, "__dict__", {})
        return _first_in(*parts, str) is None
    try:
        return bool(given == arrived)
    except Exception:  # noqa: BLE001 - an __eq__ of the user's, such as of arrays
        return True


def _is_of_class(given: object, arrived: object) -> bool:
    """Return whether *arrived* is of the class of *given*, or of a plain class that it extends."""
    if isinstance(given, bool) or isinstance(arrived, bool):
        return type(given) is type(arrived)
    if isinstance(given, Enum) and not isinstance(given, type(arrived)):
        return False
    if isinstance(given, _NUMBERS) and isinstance(arrived, _NUMBERS):
        return isinstance(given, Decimal) == isinstance(arrived, Decimal)
    return isinstance(given, type(arrived))


def _of_another_class(given: object, arrived: object, path: str) -> PayloadError:
    one, other = type(given).__name__, type(arrived).__name__
    if isinstance(given, type(arrived)):
        text = f"expected {other}, got {one}, which would arrive without its own fields"
        return PayloadError(f"{text}; annotate the class itself", path=path)
    return PayloadError(f"{one} would arrive as {other}; {_ADVICE}", path=path)


def _changed(given: object, arrived: object, path: str) -> PayloadError:
    if is_secret(given):
        return PayloadError(
            f"a {type(given).__name__} would arrive as asterisks; give its field a serializer "
            "that reveals it, or pass where to find it",
            path=path,
        )
    if arrived is msgspec.UNSET:
        return PayloadError("would not arrive, since it is not written", path=path)
    one, other = type(given).__name__, type(arrived).__name__
    if not _is_of_class(given, arrived):
        return PayloadError(f"{one} would arrive as {other}; {_ADVICE}", path=path)
    error = PayloadError(
        "would arrive as another value, since what makes it (such as a validator, a serializer or "
        "__post_init__) is applied again on the way, or does not write all of it",
        path=path,
    )
    forms = short_form(given, path), short_form(arrived, path)
    error.value = " becomes ".join(forms) if all(forms) else ""
    return error
