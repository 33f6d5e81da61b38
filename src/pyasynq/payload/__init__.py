"""Typed payloads: from the signature of a function to the bytes of a task, and back. Pure.

On the wire a payload is a JSON object by parameter name, so that a Go struct with json tags reads
it. Two signatures have a form of their own: a sole parameter annotated ``bytes`` is the raw
payload, and a sole parameter annotated with a model (msgspec.Struct, dataclass, attrs, TypedDict,
pydantic) is the whole payload. A function without parameters has no payload.

Equal calls give equal bytes: arguments are bound to their names, defaults applied, values brought
to their annotated types, parameters and fields written in the order of their declaration, and
keys of dicts, TypedDicts and pydantic models sorted, as Go sorts the keys of a map.
"""

from pyasynq.payload.json_text import encode_result
from pyasynq.payload.parameters import Field
from pyasynq.payload.result import ANY_RESULT, ResultCodec
from pyasynq.payload.signature import PayloadCodec

__all__ = ["ANY_RESULT", "Field", "PayloadCodec", "ResultCodec", "encode_result"]
