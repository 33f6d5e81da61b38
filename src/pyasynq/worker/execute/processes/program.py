"""The program of a child process: runs one handler after the other, until the worker is gone.

The handler runs in the main thread, which takes its calls from a socket of their own. Another
thread serves the channel, so that a handler can be interrupted: that thread sends a signal, which
raises CancelledError in the main thread.
"""

import asyncio
import inspect
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, copy_context
from functools import partial
from types import FrameType
from typing import Any

from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.clock import SystemClock
from pyasynq.errors import ConfigError
from pyasynq.functions.form import name_of
from pyasynq.functions.returned import finished, is_unfinished
from pyasynq.lifecycle import own_signals
from pyasynq.lifecycle.interpreter import (
    adopt_import_path,
    die_with_parent,
    socket_of_starter,
)
from pyasynq.tracing import Ended, TaskFacts, companions
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.wire.progress import ProgressRecord
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.running_task import Ending, RunningTask, deadline_ns
from pyasynq.worker.execute.processes import log_set_up
from pyasynq.worker.execute.processes.protocol import (
    Reported,
    Returned,
    Run,
    Start,
    encoded,
    raised,
)
from pyasynq.worker.execute.processes.to_worker import WorkerCalls, WorkerChannel, end_process
from pyasynq.worker.handlers.context import Scope, TaskContext, enter, running_of
from pyasynq.worker.handlers.handler_path import MAIN, handler_at
from pyasynq.worker.handlers.progress import ProgressWriter, Reports

GIVE_UP_S = 5.0  # more than a worker takes to see that its socket was closed


class Child:
    """Runs what the worker asks for, in the main thread."""

    def __init__(self, calls: socket.socket, channel: socket.socket) -> None:
        self._pid = os.getpid()
        self._main_thread = threading.get_ident()
        self._current: tuple[int, RunningTask | None] = 0, None  # number of the call, and its task
        self._cancelled = 0  # number of the call whose handler is to be interrupted
        self._is_interruptible = False
        self._functions: dict[object, Callable[[TaskContext], Any]] = {}
        self._clock = SystemClock()
        self._reports: Reports = {}
        own_signals.take_over(signal.SIGTERM, self._on_signal)
        self._calls = WorkerCalls(calls)
        self._channel = WorkerChannel(channel, on_cancel=self._cancel)

    def run(self) -> None:
        """Run handlers until the worker is gone, which ends the process."""
        try:
            self._run_calls()
        except (EOFError, ConnectionError):
            end_process()
        except OSError:
            time.sleep(GIVE_UP_S)  # a handler has closed the socket: the worker kills this process
            end_process()

    def _run_calls(self) -> None:
        start: Start | None = None
        while True:
            message = self._calls.receive()
            if isinstance(message, Start):
                start = message
                adopt_import_path(start.import_path, start.standard_modules)
                sys.argv[:] = start.arguments
            elif start is not None and isinstance(message, Run):
                answer = self._answer(message, start)
                if os.getpid() != self._pid:  # a copy that the handler has forked: not for it
                    os._exit(0)
                self._calls.send(answer)

    def _answer(self, call: Run, start: Start) -> bytearray:
        """Run a handler; return the frames that say what it has reported last and came to."""
        try:
            try:
                answer = encoded(self._run(call, start))
            except BaseException as error:  # noqa: BLE001 - whatever is raised is its outcome
                answer = encoded(raised(error))
            return self._last_progress() + answer
        finally:
            self._current = 0, None
            sys.stdout.flush()  # the process may be killed before its end

    def _run(self, call: Run, start: Start) -> Returned:
        self._current = call.number, None
        try:
            self._is_interruptible = True
            function = self._function_of(call, start)
            context = self._context_of(call)
            self._current = call.number, running_of(context)
            if self._cancelled == call.number:  # before it was known here
                self._cancelled = 0
                raise asyncio.CancelledError
            enter(context)
            variables = copy_context()  # the next task finds no variable of this one
            if call.span_headers:
                variables.run(_enter_span, call.span_headers)
            with _told(call, running_of(context).message, variables):
                try:
                    result = variables.run(function, context)
                finally:
                    self._is_interruptible = False
        finally:
            self._is_interruptible = False
        if result is None or isinstance(result, bytes):
            return Returned(result, running_of(context).result_fault)
        return Returned(None, f"{type(result).__name__} is not bytes")

    def _function_of(self, call: Run, start: Start) -> Callable[[TaskContext], Any]:
        """Return the handler of a call inside its middlewares; the first time, import them."""
        paths = call.path, *call.middlewares
        function = self._functions.get(paths)
        if function is not None:
            return function
        if any(each.module == MAIN for each in paths) and not hasattr(
            sys.modules[MAIN], "__pyasynq_loaded__"
        ):
            vars(start.main.load())["__pyasynq_loaded__"] = True
        handler = handler_at(call.path, start.redis)
        function = _inside([each.find() for each in call.middlewares], handler)
        if start.log is not None:
            log_set_up.adopt(start.log)
        self._functions[paths] = function
        return function

    def _context_of(self, call: Run) -> TaskContext:
        message = decode(call.data)
        running = RunningTask(
            message=message,
            keys=queue_keys(call.queue),
            key=(call.queue, call.task_id),
            fence=Fence(),
            leased=Leased(
                task_id=call.task_id, data=call.data, pending_since_ns=call.pending_since_ns
            ),
            started_ns=call.started_ns,
            deadline_ns=deadline_ns(message, call.started_ns),
            ends_at=0.0,
            lease_until_s=0,
        )
        # What the worker knows of the time of Redis.
        self._clock.observe(sent_ns=call.sent_ns, received_ns=call.sent_ns, redis_ns=call.redis_ns)
        scope = Scope(
            server_id=call.server_id,
            clock=self._clock,
            loop=self._channel.loop,
            write_result=partial(self._channel.write_result, call.number),
            report=self._progress_of(call).report,
            is_only_slot=call.is_only_slot,
        )
        return TaskContext(running, outcome.task_of(message), scope)

    def _progress_of(self, call: Run) -> ProgressWriter:
        async def send(_running: RunningTask, record: ProgressRecord) -> None:
            await self._channel.report(_reported(call.number, record))

        return ProgressWriter(self._channel.loop, self._reports, send)

    def _last_progress(self) -> bytearray:
        """Return the frame of what the handler has reported last, unless that is sent."""
        number, running = self._current
        if running is None:
            return bytearray()
        running.is_settled = True  # a thread that goes on reports to nobody
        reported = self._reports.pop(running, None)
        unwritten = None if reported is None else reported.unwritten
        return encoded(_reported(number, unwritten)) if unwritten else bytearray()

    def _cancel(self, number: int) -> None:
        self._cancelled = number  # also if the main thread has not received that call yet
        current, running = self._current
        if current != number:
            return
        if running is not None:
            running.ending = Ending.CANCELLED
        signal.pthread_kill(self._main_thread, signal.SIGTERM)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Interrupt the handler if the worker asked for it; ignore a signal from elsewhere.

        Service managers send SIGTERM to all processes; the worker decides who may go on.
        """
        if self._is_interruptible and self._cancelled == self._current[0]:
            self._cancelled = 0
            raise asyncio.CancelledError


def _reported(call: int, record: ProgressRecord) -> Reported:
    return Reported(number=call, done=record.done, total=record.total, note=record.note)


def _enter_span(headers: Mapping[str, str]) -> None:
    """Make the span of a task the parent of those that its handler makes here."""
    try:
        from pyasynq.opentelemetry import attach  # noqa: PLC0415 - only if tasks are traced

        attach(headers)
    except Exception:  # noqa: BLE001 - there is no OpenTelemetry here, or it fails
        return


@contextmanager
def _told(call: Run, message: TaskMessage, variables: Context) -> Iterator[None]:
    """Run a block inside the spans that companions make in this process, if there are any.

    Args:
        variables: what the handler finds.
    """
    if not companions():
        yield
        return
    facts = TaskFacts(
        type=message.type,
        queue=call.queue,
        id=call.task_id,
        headers={**message.headers, **call.span_headers},
        payload=message.payload,
        attempt=message.retried + 1,
        max_retry=message.retry,
        server_id=call.server_id,
        is_apart=True,
    )
    spans = [each.process(facts) for each in companions()]
    for span in spans:
        variables.run(span.enter)
    ended = Ended()
    try:
        yield
    except BaseException as error:
        ended = Ended(error=error)
        raise
    finally:
        for span in spans:
            span.end(ended)
        for each in companions():
            each.flush()  # the process may be killed as soon as the worker has the answer


def _inside(middlewares: list[Any], handler: Any) -> Callable[[TaskContext], Any]:
    """Return *handler* inside *middlewares*; the first one is the outermost."""
    call: Callable[[TaskContext], Any] = partial(_called, handler)
    for middleware in reversed(middlewares):
        call = partial(_through, middleware, call)
    return call


def _called(handler: Any, context: TaskContext) -> object:
    returned: object = handler(context, context.task)
    return asyncio.run(finished(returned)) if is_unfinished(returned) else returned


def _through(middleware: Any, call_next: Callable[[TaskContext], Any], context: TaskContext) -> Any:
    returned = middleware(context, call_next)
    if is_unfinished(returned):  # a coroutine function in disguise, which would call on a loop
        if inspect.iscoroutine(returned):
            returned.close()
        raise ConfigError(
            f"middleware {name_of(middleware)!r} is a plain function, but it returned "
            f"{type(returned).__name__}; write `async def` for one that runs on the event loop"
        )
    return returned


def main() -> None:
    """Run handlers for the worker at the other end of the socket that the command line names."""
    calls, channel = socket_of_starter(), socket_of_starter()
    os.setpgid(0, 0)  # not a session: the supervisor of the worker ends all groups of its session
    for number in (signal.SIGINT, signal.SIGTSTP):  # service managers may send them to everybody
        own_signals.take_over(number, own_signals.ignore)
    die_with_parent(signal.SIGKILL)  # even if a handler holds the interpreter
    Child(calls, channel).run()
