"""A task of the command line that the App knows: with its options, and its payload checked."""

from typing import TYPE_CHECKING, Any

import click
import msgspec

from pyasynq.errors import NotFoundError, PayloadError
from pyasynq.options import EnqueueOptions
from pyasynq.spelling import nearest
from pyasynq.task import Task

if TYPE_CHECKING:
    from pyasynq.app import App
    from pyasynq.payload.signature import PayloadCodec

_ANY_OBJECT: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])


def typed_task(app: "App", task_type: str, payload: bytes | None) -> tuple[Task, EnqueueOptions]:
    """Return the task that a call with *payload* would enqueue, and the options of its decorator.

    The payload gets the form in which a call of the task writes it, with defaults filled in, so
    that equal calls have equal unique locks.

    Raises:
        NotFoundError: the App has no such task.
        click.BadParameter: the payload does not fit the parameters; the text shows them.
    """
    definition = app.tasks.find(task_type)
    if definition is None:
        near = nearest(task_type, app.tasks)
        known = ", ".join(map(repr, app.tasks)) or "none at all"
        hint = f"did you mean {near!r}?" if near else f"it has {known}"
        raise NotFoundError(f"the app has no task {task_type!r}; {hint}")
    codec = definition.spec.codec
    try:
        arguments = codec.decode(payload or b"")
        unknown = _unknown_keys(codec, payload)
        if not unknown:
            return Task(task_type, codec.encode(**arguments)), definition.default_options
        why = f"unknown: {', '.join(map(repr, unknown))}"
    except (PayloadError, TypeError) as error:
        why = str(error)
    raise click.BadParameter(
        f"{why}; task {task_type!r} takes {codec.signature}", param_hint="--payload"
    )


def _unknown_keys(codec: "PayloadCodec", payload: bytes | None) -> list[str]:
    """Return the keys of the payload that a worker would ignore, sorted."""
    if not payload or codec.keys is None:
        return []
    try:
        given = _ANY_OBJECT.decode(payload)
    except msgspec.DecodeError:  # null, or a task without parameters, which reads nothing
        return []
    return sorted(given.keys() - codec.keys)
