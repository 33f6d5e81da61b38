"""The parameters of a function: their annotations and keys, and what no payload can carry."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from typing_extensions import TypeAliasType

from pyasynq.errors import ConfigError
from pyasynq.options import name_fault
from pyasynq.payload.annotations import annotation_fault

MOST_NAMES = 100  # an annotation with more of them, one for the other, is a ring

_KINDS = {
    inspect.Parameter.VAR_POSITIONAL: "*{}",
    inspect.Parameter.VAR_KEYWORD: "**{}",
    inspect.Parameter.POSITIONAL_ONLY: "positional-only {}",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Names the JSON key of a parameter: ``Annotated[int, Field("UserID")]``.

    Attributes:
        name: the key in the payload, such as that of a struct in Go.

    Raises:
        ConfigError: the name is blank.
    """

    name: str

    def __post_init__(self) -> None:
        fault = name_fault("field", self.name)
        ConfigError.raise_if([fault])


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of the payload."""

    name: str
    key: str
    has_field: bool
    kind: Any
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty


def hints_of(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """Return the resolved annotations of *function*."""
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, AttributeError) as error:
        raise ConfigError(
            f"annotations of {name!r} cannot be resolved: {error}; they are needed at run time, "
            "so import them outside of `if TYPE_CHECKING:` and define them in the module"
        ) from error
    except (TypeError, SyntaxError) as error:
        raise ConfigError(f"annotations of {name!r} cannot be resolved: {error}") from error


def parameter_of(given: inspect.Parameter, hint: Any) -> Parameter:
    """Return a parameter with its key, which a Field renames."""
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    field = next((note for note in notes if isinstance(note, Field)), None)
    return Parameter(
        name=given.name,
        key=field.name if field else given.name,
        has_field=field is not None,
        kind=hint,
        default=given.default,
    )


def shape_faults(
    name: str, given: list[inspect.Parameter], hints: Mapping[str, Any], context_type: type
) -> Iterator[str]:
    """Yield what is wrong with the kinds and the order of parameters."""
    for each in given:
        if each.kind in _KINDS:
            what = _KINDS[each.kind].format(each.name)
            yield f"parameter {what} of {name!r} has no name in the payload; give it one"
        hint = hints.get(each.name)
        if is_of(hint, context_type):
            yield (
                f"parameter {each.name!r} of {name!r} is annotated {context_type.__name__}; "
                "only the first parameter can be"
            )
        elif _contains(hint, context_type):
            yield (
                f"parameter {each.name!r} of {name!r} has {context_type.__name__} inside its "
                f"annotation; write `{each.name}: {context_type.__name__}`, as the first "
                "parameter: a worker always passes it"
            )


def is_of(hint: Any, kind: type) -> bool:
    """Whether an annotation means *kind*: itself, for some type, annotated, or by another name."""
    plain = _plain(hint)
    return plain is kind or get_origin(plain) is kind


def _contains(hint: Any, kind: type) -> bool:
    """Whether an annotation has *kind* as a part, as in ``TaskContext | None``."""
    return any(is_of(part, kind) or _contains(part, kind) for part in get_args(_plain(hint)))


def _plain(hint: Any) -> Any:
    """Return what an annotation stands for, without notes and names of its own."""
    for _ in range(MOST_NAMES):
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif isinstance(hint, TypeAliasType) or hasattr(hint, "__value__"):
            hint = hint.__value__
        else:
            break
    return hint


def type_faults(name: str, parameters: list[Parameter]) -> Iterator[str]:
    """Yield what is wrong with the keys and the types of parameters."""
    seen: dict[str, str] = {}
    for each in parameters:
        if each.key in seen:
            yield (
                f"parameters {seen[each.key]!r} and {each.name!r} of {name!r} have "
                f"the same key {each.key!r}"
            )
        seen[each.key] = each.name
        why = annotation_fault(each.kind)
        if why:
            yield f"parameter {each.name!r} of {name!r} cannot be in a payload: {why}"
