"""What a decorator was given for a task, checked at once."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any, Self, get_args

import msgspec

from pyasynq.app.advice import on_option
from pyasynq.app.keywords import OnInvalidPayload, TaskKeywords
from pyasynq.errors import ConfigError
from pyasynq.functions.form import is_generator_function
from pyasynq.options import EnqueueOptions, name_fault
from pyasynq.payload import PayloadCodec, ResultCodec
from pyasynq.retry import is_failure_fault, retry_delay_fault
from pyasynq.shown import listed, shown
from pyasynq.wire.handled import ANY_TEXT
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.handler_path import HandlerPath
from pyasynq.worker.handlers.mux import (
    OnInvalidResult,
    TaskSettings,
    executor_fault,
    on_invalid_result_fault,
)

logger = logging.getLogger("pyasynq.task")

_OWN_KEYWORDS = TaskKeywords.__annotations__.keys() - EnqueueOptions.__dataclass_fields__.keys()

_OUTSIDE = "write the task as a function outside of the class"


class TaskSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A function as a task.

    Attributes:
        type: the task type.
        aliases: other types that are handled in the same way.
        function: as the user wrote it.
        codec: encodes its parameters as a payload.
        result: decodes what it returned.
        settings: how its failures are treated, and where it runs.
        on_invalid_payload: what becomes of a task whose payload does not fit.
        handler_path: where a handler process finds the task, if it runs in one.
        source_line: file and line of the function.
    """

    type: str
    aliases: tuple[str, ...]
    function: Callable[..., Any]
    codec: PayloadCodec
    result: ResultCodec
    settings: TaskSettings
    on_invalid_payload: OnInvalidPayload
    handler_path: HandlerPath | None
    source_line: str

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        name: str | None,
        keywords: Mapping[str, Any],
        *,
        on_invalid_payload: OnInvalidPayload,
        on_invalid_result: OnInvalidResult,
    ) -> Self:
        """Return the spec of a decorated function.

        Args:
            function: the function.
            name: the task type; the name of the function if None.
            keywords: what the decorator was given, without the options of the enqueue.
            on_invalid_payload: used unless *keywords* contains it; so is `on_invalid_result`.

        Raises:
            ConfigError: names every fault.
        """
        ConfigError.raise_if(_function_faults(function))
        task_type = getattr(function, "__name__", "") if name is None else name
        aliases = keywords.get("aliases") or ()
        faults = [*_name_faults(task_type, aliases), *_setting_faults(keywords)]
        try:
            codec = PayloadCodec(
                function,
                TaskContext,
                task_type=task_type,
                on_unknown_keys=partial(_log_unknown_keys, task_type),
            )
        except ConfigError as error:
            raise ConfigError(*faults, *error.faults) from error
        ConfigError.raise_if(faults)
        return cls(
            type=task_type,
            aliases=tuple(aliases),
            function=function,
            codec=codec,
            result=ResultCodec(codec.returns),
            settings=TaskSettings(
                retry_delay=keywords.get("retry_delay"),
                is_failure=keywords.get("is_failure"),
                max_deferrals=keywords.get("max_deferrals"),
                executor=keywords.get("executor"),
                on_invalid_result=keywords.get("on_invalid_result") or on_invalid_result,
            ),
            handler_path=HandlerPath.of(function) if keywords.get("executor") else None,
            on_invalid_payload=keywords.get("on_invalid_payload") or on_invalid_payload,
            source_line=_source_line_of(function),
        )

    @property
    def is_async(self) -> bool:
        """Whether the function runs on the event loop; otherwise it runs in a thread.

        What a decorator wraps does not tell how the wrapper must be called.
        """
        return inspect.iscoroutinefunction(self.function)


def split_keywords(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], EnqueueOptions]:
    """Split *keywords* into those about running the task, and the options of its enqueue.

    Raises:
        ConfigError: a keyword is unknown, or an option is wrong.
    """
    own = {name: value for name, value in keywords.items() if name in _OWN_KEYWORDS}
    known = [*EnqueueOptions.__dataclass_fields__, *sorted(_OWN_KEYWORDS)]
    ConfigError.raise_if(on_option(keywords, known))
    rest = {name: value for name, value in keywords.items() if name not in _OWN_KEYWORDS}
    return own, EnqueueOptions.from_keywords(rest)


def _log_unknown_keys(task_type: str, keys: Sequence[str]) -> None:
    logger.warning(
        "the payload of a task of type %r has %s, which its function does not take: it is left "
        "out, and logged once; for a parameter that was renamed write Annotated[…, Field(%r)]",
        shown(task_type),
        listed(keys),
        shown(keys[0]),
        extra={"task_type": shown(task_type)},
    )


def on_invalid_payload_fault(value: object) -> str | None:
    """Return what is wrong with a value of on_invalid_payload; None if it is good."""
    allowed = get_args(OnInvalidPayload)
    if value in allowed:
        return None
    return f"on_invalid_payload must be one of {allowed}, not {value!r}"


def _function_faults(function: object) -> Iterator[str]:
    """Yield what is wrong with what is to become a task: a worker can only call functions."""
    if isinstance(function, staticmethod):
        yield f"{_name_of(function)!r} is a staticmethod; write `@staticmethod` above `@app.task`"
    elif isinstance(function, classmethod):
        yield f"{_name_of(function)!r} is a classmethod; {_OUTSIDE}"
    elif isinstance(function, functools.partial):
        yield f"a task must be a function, not a partial of {_name_of(function.func)!r}"
    elif not inspect.isfunction(function) and not inspect.ismethod(function):
        yield f"a task must be a function, not {function!r}"
    elif is_generator_function(function):
        yield f"{function.__qualname__!r} is a generator; a task must return its result"
    elif function.__name__ == "<lambda>":
        yield "a lambda has no name and no annotations; write a function with def"
    elif (receiver := _receiver_of(function)) is not None:
        yield f"{function.__qualname__!r} takes {receiver!r}, which no worker can pass; {_OUTSIDE}"


def _receiver_of(function: Callable[..., Any]) -> str | None:
    """Return the name of the first parameter if it is that of a method; None otherwise."""
    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None or first.annotation is not first.empty or first.name not in ("self", "cls"):
        return None
    return first.name


def _name_of(function: object) -> str:
    return getattr(function, "__qualname__", repr(function))


def _name_faults(task_type: str, aliases: object) -> Iterator[str]:
    if isinstance(aliases, str) or not isinstance(aliases, Sequence):
        yield f"aliases must be a sequence of task types, not {aliases!r}"
        aliases = ()
    for what, name in [("task type", task_type), *(("alias", each) for each in aliases)]:
        fault = name_fault(what, name)
        if fault:
            yield fault
        elif ANY_TEXT in name[:-1]:
            yield f"{what} {name!r} has a '*' before its end; only there it stands for any text"


def _setting_faults(keywords: Mapping[str, Any]) -> Iterator[str]:
    delay, is_failure = keywords.get("retry_delay"), keywords.get("is_failure")
    if delay is not None and (fault := retry_delay_fault(delay)):
        yield fault
    if is_failure is not None and (fault := is_failure_fault(is_failure)):
        yield fault
    limit = keywords.get("max_deferrals")
    is_number = isinstance(limit, int) and not isinstance(limit, bool)
    if limit is not None and not (is_number and limit >= 0):
        yield f"max_deferrals must be a whole number from 0, or None, not {limit!r}"
    for fault in (
        on_invalid_payload_fault(keywords.get("on_invalid_payload") or "retry"),
        on_invalid_result_fault(keywords.get("on_invalid_result") or "complete"),
        executor_fault(keywords.get("executor")),
    ):
        if fault:
            yield fault


def _source_line_of(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{PurePath(code.co_filename)}:{code.co_firstlineno}" if code else repr(function)
