"""Handlers made of decorated functions: from payload to arguments, from return value to result."""

from collections.abc import Awaitable
from typing import Any

from pyasynq.app.spec import TaskSpec
from pyasynq.control_flow import SkipRetry
from pyasynq.errors import PayloadError
from pyasynq.functions.form import is_coroutine_function
from pyasynq.functions.returned import finished, is_unfinished
from pyasynq.task import Task
from pyasynq.wire.error_text import error_text
from pyasynq.worker.handlers.context import TaskContext, is_kept, running_of, stateless
from pyasynq.worker.handlers.mux import Handler


def handler_of(spec: TaskSpec) -> Handler:
    """Return the handler of a task: a coroutine function, or a plain one to run in a thread.

    A payload that does not fit is a failure like any other, unless such tasks are to be archived.
    Work that the function only returns, such as a coroutine, is done before the task is. The result
    is encoded only if it will be kept.
    """
    function, takes_context = spec.function, spec.codec.takes_context

    def call(context: TaskContext, task: Task) -> Any:
        arguments = _arguments(spec, task)
        return function(context, **arguments) if takes_context else function(**arguments)

    if spec.is_async:

        async def handle_async(context: TaskContext, task: Task) -> bytes | None:
            result = await call(context, task)
            if result is None:
                return None
            return _kept(spec, context, await finished(result) if is_unfinished(result) else result)

        return handle_async

    def handle(context: TaskContext, task: Task) -> bytes | Awaitable[bytes | None] | None:
        result = call(context, task)
        if result is None:
            return None
        if is_unfinished(result):
            return _finished(spec, context, result)
        return _kept(spec, context, result)

    return handle


def without_state(handler: Handler) -> Handler:
    """Return *handler* for the thread of a test instead of a process, where there is no state."""

    def handle(context: TaskContext, task: Task) -> Any:
        return handler(stateless(context), task)

    async def handle_async(context: TaskContext, task: Task) -> bytes | None:
        result: Any = handler(stateless(context), task)
        return await result  # type: ignore[no-any-return]  # as handler_of made it

    return handle_async if is_coroutine_function(handler) else handle


def _arguments(spec: TaskSpec, task: Task) -> dict[str, Any]:
    try:
        return spec.codec.decode(task.payload or b"")
    except PayloadError as error:
        if spec.on_invalid_payload == "archive":
            # The cause decides what becomes of the task; the stored text is that of the error.
            raise error from SkipRetry()
        raise


async def _finished(spec: TaskSpec, context: TaskContext, result: object) -> bytes | None:
    return _kept(spec, context, await finished(result))


def _kept(spec: TaskSpec, context: TaskContext, result: object) -> bytes | None:
    """Return what is stored of *result*; the work is done, so it is no failure if that fails."""
    if not is_kept(context):
        return None
    try:
        return spec.result.encode(result)
    except Exception as error:  # noqa: BLE001 - methods of the user's classes are called
        running_of(context).result_fault = error_text(error)
        return None
