"""The parameters of a function as a payload."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from pyasynq.errors import ConfigError, PayloadError
from pyasynq.payload.exact_values import ExactShapes
from pyasynq.payload.json_text import CODEC_ERRORS, encode, encode_scalars
from pyasynq.payload.json_type import Arguments, JsonType, is_bytes, is_model
from pyasynq.payload.parameters import (
    Parameter,
    hints_of,
    is_of,
    parameter_of,
    shape_faults,
    type_faults,
)
from pyasynq.payload.quick_binding import QuickBinding
from pyasynq.shown import listed

Form = Literal["nothing", "bytes", "model", "object"]

_NOTHING = (b"", b"null")


class PayloadCodec:
    """Encodes calls of one function as payloads, and decodes payloads to calls.

    Attributes:
        form: how the payload looks: "nothing", raw "bytes", one "model" or an "object".
        takes_context: the first parameter is the context, which is not in the payload.
        returns: the annotation of the result; Any if there is none.

    Args:
        function: any function whose annotations can be resolved.
        context_type: a first parameter with this annotation is not in the payload; so is one with
            this class for some type, such as ``TaskContext[Resources]``.
        task_type: named by the errors of `encode`.
        on_unknown_keys: called with the keys of a payload that are no parameters, once only.

    Raises:
        ConfigError: names every parameter that cannot be in a payload.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        context_type: type,
        *,
        task_type: str = "",
        on_unknown_keys: Callable[[list[str]], object] = list,
    ) -> None:
        self._task_type = task_type
        self._on_unknown_keys = on_unknown_keys
        self._name = getattr(function, "__qualname__", repr(function))
        hints = hints_of(function, self._name)
        self.returns: Any = hints.pop("return", Any)
        given = list(inspect.signature(function).parameters.values())
        self.takes_context: bool = bool(given) and is_of(hints.get(given[0].name), context_type)
        if self.takes_context:
            del given[0]
        ConfigError.raise_if(shape_faults(self._name, given, hints, context_type))
        self._signature = inspect.Signature(given)
        self._parameters = [parameter_of(each, hints.get(each.name, Any)) for each in given]
        ConfigError.raise_if(type_faults(self._name, self._parameters))
        self.form = _form_of(self._parameters)
        self._type = self._make_type()
        self._reading = self._type  # it refuses unknown keys, which costs nothing, until told once
        ConfigError.raise_if(self._default_faults())
        self._binding = QuickBinding(given)
        self._exact = ExactShapes({each.name: each.kind for each in self._parameters})
        self._may_be_exact = self.form == "object" and self._exact.exist
        self._keys = tuple(each.key for each in self._parameters)
        self._has_defaults = any(not each.is_required for each in self._parameters)
        self._has_renamed = any(each.key != each.name for each in self._parameters)

    @property
    def signature(self) -> str:
        """The parameters as they are written, without the context: ``(name: str, count: int)``."""
        return str(self._signature.replace(return_annotation=inspect.Signature.empty))

    @property
    def keys(self) -> frozenset[str] | None:
        """The keys of the payload; None if it is no object of parameters."""
        if self.form not in ("object", "nothing"):
            return None
        return frozenset(each.key for each in self._parameters)

    def encode(self, *args: Any, **kwargs: Any) -> bytes | None:
        """Return the payload of a call; equal calls give equal bytes.

        Raises:
            TypeError: an argument is missing or unknown, as in a call of the function.
            PayloadError: an argument does not fit its annotation, or JSON cannot carry it.
        """
        return self.encode_call(args, kwargs)

    def encode_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes | None:
        """Return the payload of a call with *args* and *kwargs*, which are not changed.

        Raises:
            TypeError, PayloadError: see `encode`.
        """
        arguments = self._binding.bind(args, kwargs)
        if arguments is None:
            arguments = self._bound(args, kwargs)
        elif self._may_be_exact and self._exact.arrive(arguments):
            text = encode_scalars(self._by_key(arguments) if self._has_renamed else arguments)
            if text is not None:
                return text
        try:
            return self._encoded(arguments)
        except PayloadError as error:
            if not error.path and self.form == "object":
                error = self._found_in_a_parameter(error, arguments)
            self._name_call(error)
            raise error from error.__cause__

    def decode(self, payload: bytes) -> dict[str, Any]:
        """Return the keyword arguments in *payload*; those that it does not have are left out.

        Raises:
            PayloadError: the payload does not fit; has the path.
        """
        if self.form == "object":
            # A function whose parameters all have defaults accepts Go's `NewTask(type, nil)`.
            text = b"{}" if payload in _NOTHING else payload
            try:
                return self._given(self._reading.read(text))
            except PayloadError as error:
                return self._given(self._read_again(text, error))
        if self.form == "nothing":
            return {}
        sole = self._parameters[0]
        if self.form == "bytes":
            return {sole.name: self._type.accept(payload)}
        if not payload and not sole.is_required:
            return {}
        return {sole.name: self._type.read(payload)}

    def arguments(self, payload: bytes) -> dict[str, Any]:
        """Return what a call with this payload passes to every parameter but the context.

        Raises:
            PayloadError: the payload does not fit; names the task, the parameter and the path.
        """
        try:
            given = self.decode(payload)
        except PayloadError as error:
            self._name_call(error)
            raise
        bound = self._signature.bind(**given)
        bound.apply_defaults()
        return dict(bound.arguments)

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call by name, defaults filled in.

        Raises:
            TypeError: an argument is missing or unknown, as in a call of the function.
        """
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self._name}(): {error}") from None
        bound.apply_defaults()
        return bound.arguments

    def _encoded(self, arguments: Mapping[str, Any]) -> bytes | None:
        match self.form:
            case "nothing":
                return None
            case "object":
                return self._type.write(self._type.accept(self._by_key(arguments)))
            case form:
                value = self._type.accept(arguments[self._parameters[0].name])
                return value if form == "bytes" else self._type.write(value)

    def _by_key(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(self._keys, arguments.values(), strict=True))

    def _found_in_a_parameter(
        self, error: PayloadError, arguments: Mapping[str, Any]
    ) -> PayloadError:
        """Return *error* with the path of the first argument that cannot be written by itself."""
        for each in self._parameters:
            try:
                encode(arguments[each.name])
            except PayloadError:
                return PayloadError(str(error), path=f"$.{each.key}")
        return error

    def _name_call(self, error: PayloadError) -> None:
        """Name in *error* the task, and the parameter if its path tells which one."""
        error.task_type = self._task_type
        is_sole = self.form != "object"
        for each in self._parameters:
            is_meant = re.match(rf"\$\.{re.escape(each.key)}(?![^.\[])", error.path)
            if is_sole or is_meant:
                error.parameter = each.name

    def _given(self, values: Any) -> dict[str, Any]:
        found = msgspec.structs.asdict(values)
        if not self._has_defaults:
            return found
        return {name: value for name, value in found.items() if value is not msgspec.UNSET}

    def _read_again(self, text: bytes, error: PayloadError) -> Any:
        """Read a payload that was refused: keys of no parameter are told once, and left out.

        Raises:
            PayloadError: it does not fit nevertheless; names such keys, one of which may be the old
                name of a parameter.
        """
        unknown = self._unknown_keys(text)
        if not unknown:
            raise error
        if self._reading is self._type:
            self._reading = self._make_type(allows_unknown=True)
            self._on_unknown_keys(unknown)
        try:
            return self._reading.read(text)
        except PayloadError as misfit:
            fault = str(misfit).removeprefix(f"{misfit.path}: ")
            more = f"the payload has {listed(unknown)}, which {self._name!r} does not take"
            raise PayloadError(f"{fault}; {more}", path=misfit.path) from misfit

    def _unknown_keys(self, text: bytes) -> list[str]:
        try:
            document = msgspec.json.decode(text)
        except CODEC_ERRORS:
            return []
        known = {each.key for each in self._parameters}
        return [key for key in document if key not in known] if isinstance(document, dict) else []

    def _make_type(self, *, allows_unknown: bool = False) -> JsonType[Any]:
        if self.form != "object":
            return JsonType(self._parameters[0].kind if self._parameters else None)
        fields = []
        for each in self._parameters:
            default = msgspec.NODEFAULT if each.is_required else msgspec.UNSET
            fields.append((each.name, each.kind, msgspec.field(name=each.key, default=default)))
        made = msgspec.defstruct(
            "Payload",
            fields,
            kw_only=True,
            bases=(Arguments,),
            forbid_unknown_fields=not allows_unknown,
        )
        return JsonType(made)

    def _default_faults(self) -> Iterator[str]:
        for each in self._parameters:
            if each.is_required:
                continue
            try:
                kind: JsonType[Any] = JsonType(each.kind)
                kind.write(kind.accept(each.default))
            except PayloadError as error:
                yield f"default of parameter {each.name!r} of {self._name!r} does not fit: {error}"


def _form_of(parameters: list[Parameter]) -> Form:
    if not parameters:
        return "nothing"
    sole = parameters[0]
    if len(parameters) > 1 or sole.has_field:
        return "object"
    if is_bytes(sole.kind):
        return "bytes"
    return "model" if is_model(sole.kind) else "object"
