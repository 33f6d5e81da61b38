"""The messages that a worker and its child processes send each other, in MessagePack.

They travel on two sockets. The calls have one of their own, on which a child that is not called
waits without another thread:

    worker   ── Start, Run ─────────────────────────────►   child, its main thread
             ◄─── Reported (the last), Returned, Raised ──
             ── Cancel, Written ────────────────────────►   child, the thread of its channel
             ◄─── WriteResult, Reported ──────────────────
"""

import sys
from collections.abc import Mapping

import msgspec
from typing_extensions import override

from pyasynq.connection.options import ConnectionOptions
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import HandlerProcessError
from pyasynq.task import NO_HEADERS
from pyasynq.wire.error_text import error_text, keep_text, message_of
from pyasynq.wire.traceback_text import traceback_text
from pyasynq.worker.attempt import outcome
from pyasynq.worker.execute.processes.frames import HEAD_SIZE, begin_frame, end_frame
from pyasynq.worker.execute.processes.log_set_up import LogSetUp
from pyasynq.worker.handlers.handler_path import MAIN, RENAMED_MAIN, HandlerPath, Main


class Start(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """The first message to a child: how to be like the worker.

    Attributes:
        import_path: ``sys.path`` of the worker; `arguments`: its ``sys.argv``.
        standard_modules: what the worker has loaded from the standard library.
        main: how the worker was started.
        log: how the worker logs; None if it does not.
        redis: what handlers enqueue to; None leaves that to their code. It may hold a password, so
            it is sent here and stands in no command line.
    """

    import_path: list[str]
    standard_modules: list[str]
    arguments: list[str]
    main: Main
    log: LogSetUp | None
    redis: ConnectionOptions | None = None


class Run(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Run a handler; the answer is Returned or Raised.

    Attributes:
        number: of this call, for `Cancel`.
        middlewares: plain functions around the handler; the first is the outermost.
        data: the message of the task, as stored.
        sent_ns: when this was sent, by the clock that all processes of a machine share.
        redis_ns: the same moment in the time of Redis.
        is_only_slot: see `Scope`.
        span_headers: what carries the context of the span of the task; empty for no span.
    """

    number: int
    path: HandlerPath
    middlewares: tuple[HandlerPath, ...] = ()
    queue: str
    task_id: str
    data: bytes
    started_ns: int
    pending_since_ns: int | None
    server_id: str
    sent_ns: int
    redis_ns: int
    is_only_slot: bool = False
    span_headers: Mapping[str, str] = NO_HEADERS


class Cancel(msgspec.Struct, tag=True, frozen=True):
    """Interrupt the handler of a call, unless it has ended; may overtake the `Run` of that call."""

    number: int


class Written(msgspec.Struct, tag=True, frozen=True):
    """The answer to WriteResult.

    Attributes:
        number: of that WriteResult.
        error: why the result is not stored; empty if it is.
    """

    number: int
    error: str = ""


class WriteResult(msgspec.Struct, tag=True, frozen=True):
    """Store a result at once; the answer is Written.

    Attributes:
        call: number of the `Run` whose task the result is of.
        number: for the answer; another one for each result of this child.
    """

    call: int
    number: int
    result: bytes


class Reported(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """The handler of a call has told how far it is; see `TaskContext.progress`."""

    number: int
    done: int | float
    total: int | float | None
    note: str


class Returned(msgspec.Struct, tag=True, frozen=True):
    """The handler has returned.

    Attributes:
        fault: why what it returned cannot be stored; None if it can be.
    """

    result: bytes | None
    fault: str | None = None


class Raised(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """The handler has raised.

    Attributes:
        text: as it is stored.
        traceback: as a person reads it.
        message: of the exception alone.
        module: of the class of the exception, and `name`, that of the class.
        control: what the handler asked for: "SkipRetry", "RevokeTask", "RetryLater" or nothing.
        delay_s: of RetryLater; `reason`: likewise, empty if it has none.
    """

    text: str
    traceback: str
    message: str
    module: str
    name: str
    control: str = ""
    delay_s: float = 0.0
    reason: str = ""


ToChild = Start | Run | Cancel | Written
FromChild = WriteResult | Reported | Returned | Raised

_encoder = msgspec.msgpack.Encoder()
to_child: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
from_child: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


def encoded(message: ToChild | FromChild) -> bytearray:
    """Return the frame of *message*.

    Raises:
        ValueError: it is longer than 4 GiB.
    """
    frame = begin_frame()
    _encoder.encode_into(message, frame, HEAD_SIZE)
    return end_frame(frame)


def raised(error: BaseException) -> Raised:
    """Describe an exception of a handler."""
    control = outcome.control_flow(error)
    later = control if isinstance(control, RetryLater) else None
    kind = type(error)
    return Raised(
        text=error_text(error),
        traceback=traceback_text(error),
        message=_sendable(message_of(error)),
        module=MAIN if kind.__module__ == RENAMED_MAIN else kind.__module__,
        name=kind.__qualname__,
        control="" if control is None else type(control).__name__,
        delay_s=later.delay.total_seconds() if later else 0.0,
        reason=_sendable(later.reason) if later else "",
    )


def exception_of(received: Raised) -> BaseException:
    """Return the exception that *received* describes, of the same class if that is loaded here.

    Its own attributes are lost; its text and what it asks for are kept. The first cause of it is a
    `ChildTraceback`, as with `concurrent.futures`, for a traceback itself cannot be sent.
    """
    traceback = ChildTraceback(received.traceback)
    controls: dict[str, BaseException] = {
        "SkipRetry": SkipRetry(received.message),
        "RevokeTask": RevokeTask(received.message),
        "RetryLater": RetryLater(received.delay_s, received.reason),
    }
    control = controls.get(received.control)
    kind = _class_of(received)
    is_control = control is not None and kind is type(control)
    error = control if control is not None and is_control else _instance(kind, received)
    if control is None or is_control:
        BaseException.__setattr__(error, "__cause__", traceback)
    else:
        control.__cause__ = traceback
        BaseException.__setattr__(error, "__cause__", control)
    keep_text(error, received.text)
    return error


def _sendable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


class ChildTraceback(Exception):  # noqa: N818 - it is the cause of an error, not one itself
    """The traceback of an exception in a process of its own, as text."""

    @override
    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}\n"""'


def _class_of(received: Raised) -> type[Exception] | None:
    """Return the class, or None if its module is not loaded here; nothing is imported."""
    found: object = sys.modules.get(received.module)
    for part in received.name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _instance(kind: type[Exception] | None, received: Raised) -> BaseException:
    if kind is None:
        return HandlerProcessError(received.text)
    try:
        error = kind.__new__(kind, received.message)
        error.args = (received.message,)
    except Exception:  # noqa: BLE001 - a class of the user's may need other arguments
        return HandlerProcessError(received.text)
    return error
