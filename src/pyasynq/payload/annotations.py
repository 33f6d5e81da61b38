"""Why a parameter with this annotation cannot be in a payload, as far as its type tells."""

import dataclasses
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from typing_extensions import TypeAliasType, is_typeddict

from pyasynq.payload.json_type import unsupported
from pyasynq.payload.pydantic_models import is_model_type, is_rule, unread_name

_PYDANTIC_DATACLASS = "__is_pydantic_dataclass__"


def annotation_fault(annotation: Any) -> str | None:
    """Return what is wrong with the annotation of a parameter; None if it is good."""
    why = unsupported(annotation)
    if why is not None:
        return why
    found = (_fault(part, is_inside=is_inside) for part, is_inside in _parts_of(annotation))
    return next((fault for fault in found if fault is not None), None)


def _fault(part: Any, *, is_inside: bool) -> str | None:
    if is_model_type(part):
        return unread_name(part)
    if is_inside:  # pydantic applies its own rules
        return None
    if hasattr(part, _PYDANTIC_DATACLASS):
        return (
            f"{part.__qualname__} is a dataclass of pydantic, whose rules and defaults would not "
            "be applied; make it a BaseModel, or a dataclass of the standard library"
        )
    rule = next(filter(is_rule, get_args(part)[1:]), None) if _is_annotated(part) else None
    if rule is None:
        return None
    return (
        f"{rule!r} is a rule of pydantic, which would not be applied; use msgspec.Meta, or a field "
        "of a BaseModel"
    )


def _parts_of(annotation: Any) -> Iterator[tuple[Any, bool]]:
    """Yield *annotation* and all in it, each with whether it stands inside a pydantic model."""
    waiting: list[tuple[Any, bool]] = [(annotation, False)]
    seen: list[tuple[Any, bool]] = []  # a part may have no hash
    while waiting:
        part, is_inside = waiting.pop()
        if (part, is_inside) in seen:
            continue
        seen.append((part, is_inside))
        yield part, is_inside
        waiting.extend((each, is_inside or is_model_type(part)) for each in _inner(part))


def _inner(part: Any) -> Iterator[Any]:
    """Yield what *part* is made of."""
    if isinstance(part, TypeAliasType) or hasattr(part, "__value__"):
        yield part.__value__
    elif hasattr(part, "__supertype__"):
        yield part.__supertype__
    elif is_model_type(part):
        for field in part.model_fields.values():
            yield field.annotation
    elif _is_annotated(part):
        yield get_args(part)[0]
    elif get_origin(part) is not Literal:
        yield from get_args(part)
        yield from _fields_of(get_origin(part) or part)


def _fields_of(kind: Any) -> Iterator[Any]:
    """Yield the annotations of the fields of a model that is not pydantic's."""
    is_model = (
        dataclasses.is_dataclass(kind)
        or hasattr(kind, "__attrs_attrs__")
        or hasattr(kind, "_fields")
        or is_typeddict(kind)
        or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))
    )
    if is_model and not hasattr(kind, _PYDANTIC_DATACLASS):
        yield from typing.get_type_hints(kind, include_extras=True).values()


def _is_annotated(part: Any) -> bool:
    return get_origin(part) is Annotated
