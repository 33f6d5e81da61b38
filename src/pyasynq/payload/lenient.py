"""Reads what Go writes: mends plain JSON values for a type before they are converted to it.

    null for a list, set, dict or bytes   empty: a nil slice or map
    2.0 for an int                        2: a float64 that holds a whole number
    1500000000 for a timedelta            1.5 s: a time.Duration

A mending is a function on plain values, made once per type from msgspec's description of it.
A value that does not fit is left as it is, and the conversion refuses it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import inspect

from pyasynq.payload.durations import from_nanoseconds
from pyasynq.payload.pydantic_models import fields_of, is_model_type

Mending = Callable[[Any], Any]

_LISTS = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)
_OBJECTS = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)
_NUMBERS = {inspect.IntType, inspect.FloatType, inspect.TimeDeltaType}


def mending_of(kind: Any) -> Mending:
    """Return the mending for an annotation.

    Raises:
        TypeError, NameError: msgspec does not support the annotation.
    """
    return _Mender().mending(inspect.type_info(kind)) or _unchanged


@lru_cache(maxsize=1024)
def mending_of_model(model: type) -> Mending:
    """Return the mending for a model of pydantic."""
    return mending_of(model)


class _Mender:
    """Makes the mendings of one type and of all that it contains; a type may contain itself."""

    def __init__(self) -> None:
        self._made: dict[int | type, Mending | None] = {}
        self._described: list[inspect.Type] = []  # keeps the ids above from being used again

    def mending(self, kind: inspect.Type) -> Mending | None:
        """Return the mending for *kind*; None if there is nothing to mend."""
        key = kind.cls if isinstance(kind, inspect.CustomType) else id(kind)
        if key not in self._made:
            self._described.append(kind)

            def made_later(value: Any) -> Any:
                return (self._made[key] or _unchanged)(value)

            self._made[key] = made_later  # for a type that contains itself
            self._made[key] = self._make(kind)
        return self._made[key]

    def _make(self, kind: inspect.Type) -> Mending | None:
        scalar = _SCALARS.get(type(kind))
        if scalar is not None:
            return scalar
        if isinstance(kind, _LISTS):
            return _each_of(self.mending(kind.item_type))
        if isinstance(kind, inspect.DictType):
            return _each_value_of(self.mending(kind.value_type))
        if isinstance(kind, inspect.TupleType):
            return _positions_of([self.mending(each) for each in kind.item_types])
        if isinstance(kind, inspect.UnionType):
            return self._union(kind)
        return self._fields(kind)

    def _fields(self, kind: inspect.Type) -> Mending | None:
        """Return the mending of a type that has fields."""
        if isinstance(kind, inspect.CustomType):
            return _keys_of(self._model(kind.cls)) if is_model_type(kind.cls) else None
        if isinstance(kind, inspect.NamedTupleType):
            return _positions_of([self.mending(field.type) for field in kind.fields])
        if not isinstance(kind, _OBJECTS):
            return None
        fields = [(field.encode_name, self.mending(field.type)) for field in kind.fields]
        if isinstance(kind, inspect.StructType) and kind.array_like:
            tag = [None] if kind.tag_field else []
            return _positions_of(tag + [mending for _name, mending in fields])
        return _keys_of(fields)

    def _model(self, model: Any) -> Iterable[tuple[str, Mending | None]]:
        """Yield the keys of a pydantic model; pydantic knows types that msgspec does not."""
        for key, annotation in fields_of(model):
            try:
                yield key, self.mending(inspect.type_info(annotation))
            except (TypeError, NameError):
                continue

    def _union(self, kind: inspect.UnionType) -> Mending | None:
        """Return the mending of a union, as far as the form of a value decides which member it is.

        null stays null; among several structs the tag decides.
        """
        numbers = {type(each) for each in kind.types} & _NUMBERS
        forms: dict[type, Mending | None] = {}
        if numbers == {inspect.TimeDeltaType}:
            forms |= {int: from_nanoseconds, float: from_nanoseconds}
        if inspect.IntType in numbers and inspect.FloatType not in numbers:
            forms[float] = _whole_number
        for member in kind.types:
            form = _form_of(member)
            if form is not None:
                forms[form] = self.mending(member)
        tagged = [each for each in kind.types if isinstance(each, inspect.StructType) and each.tag]
        if len(tagged) > 1 and not tagged[0].array_like:
            forms[dict] = _by_tag(
                str(tagged[0].tag_field), {each.tag: self.mending(each) for each in tagged}
            )
        return _by_form(forms)


def _form_of(kind: inspect.Type) -> type | None:
    """Return what JSON decodes *kind* as: dict, list, or None for a scalar."""
    if isinstance(kind, inspect.StructType) and kind.array_like:
        return list
    if isinstance(kind, (*_OBJECTS, inspect.DictType, inspect.CustomType)):
        return dict
    if isinstance(kind, (*_LISTS, inspect.TupleType, inspect.NamedTupleType)):
        return list
    return None


def _unchanged(value: Any) -> Any:
    return value


def _whole_number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _bytes(value: Any) -> Any:
    return "" if value is None else value  # base64 of nothing


_SCALARS: dict[type, Mending] = {
    inspect.IntType: _whole_number,
    inspect.TimeDeltaType: from_nanoseconds,
    inspect.BytesType: _bytes,
    inspect.ByteArrayType: _bytes,
    inspect.MemoryViewType: _bytes,
}


def _each_of(mending: Mending | None) -> Mending:
    def mend(value: Any) -> Any:
        if value is None:
            return []
        if mending is None or not isinstance(value, list):
            return value
        return [mending(each) for each in value]

    return mend


def _each_value_of(mending: Mending | None) -> Mending:
    def mend(value: Any) -> Any:
        if value is None:
            return {}
        if mending is None or not isinstance(value, dict):
            return value
        return {key: mending(each) for key, each in value.items()}

    return mend


def _positions_of(mendings: Sequence[Mending | None]) -> Mending | None:
    if not any(mendings):
        return None

    def mend(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        mended = [
            mending(each) if mending else each
            for mending, each in zip(mendings, value, strict=False)
        ]
        return mended + value[len(mended) :]

    return mend


def _keys_of(fields: Iterable[tuple[str, Mending | None]]) -> Mending | None:
    mendings = {key: mending for key, mending in fields if mending}
    if not mendings:
        return None

    def mend(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return value | {
            key: mending(value[key]) for key, mending in mendings.items() if key in value
        }

    return mend


def _by_tag(tag_field: str, tagged: Mapping[Any, Mending | None]) -> Mending:
    def mend(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        tag = value.get(tag_field)
        mending = tagged.get(tag) if isinstance(tag, str | int) else None
        return mending(value) if mending else value

    return mend


def _by_form(forms: Mapping[type, Mending | None]) -> Mending | None:
    mendings = {form: mending for form, mending in forms.items() if mending}
    if not mendings:
        return None

    def mend(value: Any) -> Any:
        mending = mendings.get(type(value))
        return mending(value) if mending else value

    return mend
