"""The program of a child process: runs one handler after the other, until the worker is gone.

The handler runs in the main thread. Another thread talks to the worker, so that a handler can be
interrupted: that thread sends a signal, which raises CancelledError in the main thread.
"""

import asyncio
import inspect
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from types import FrameType
from typing import Any

from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.clock import SystemClock
from pyasynq.errors import ConfigError, PyasynqError
from pyasynq.lifecycle import own_signals
from pyasynq.lifecycle.interpreter import (
    adopt_import_path,
    die_with_parent,
    socket_of_starter,
)
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import decode
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.running_task import Ending, RunningTask, deadline_ns
from pyasynq.worker.execute.processes.protocol import (
    Cancel,
    FromChild,
    Returned,
    Run,
    Start,
    WriteResult,
    Written,
    encoded,
    raised,
    read_to_child,
)
from pyasynq.worker.handlers.context import Scope, TaskContext, enter, running_of
from pyasynq.worker.handlers.function_form import name_of
from pyasynq.worker.handlers.handler_path import MAIN, handler_at
from pyasynq.worker.handlers.returned import finished, is_unfinished


class WorkerChannel:
    """The connection to the worker: an event loop in a thread of its own.

    Args:
        on_cancel: called, in that thread, with the number of the call to interrupt.
    """

    def __init__(self, channel: socket.socket, *, on_cancel: Callable[[int], None]) -> None:
        self.loop = asyncio.new_event_loop()
        self.received: queue.SimpleQueue[Start | Run] = queue.SimpleQueue()
        self._channel = channel
        self._on_cancel = on_cancel
        self._written: asyncio.Queue[Written] = asyncio.Queue()
        self._one_at_a_time = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        threading.Thread(target=self._run, name="pyasynq worker channel", daemon=True).start()

    def send(self, frame: FromChild) -> None:
        """Send *frame*; call it in the main thread."""
        asyncio.run_coroutine_threadsafe(self._send(frame), self.loop).result()

    async def write_result(self, running: RunningTask, result: bytes) -> None:
        """Let the worker store a result at once; runs on the loop of this channel."""
        del running
        async with self._one_at_a_time:
            await self._send(WriteResult(result))
            written = await self._written.get()
        if written.error:
            raise PyasynqError(written.error)

    async def _send(self, frame: FromChild) -> None:
        if self._writer is not None:
            self._writer.write(encoded(frame))
            await self._writer.drain()

    def _run(self) -> None:
        try:
            self.loop.run_until_complete(self._listen())
        finally:
            _end()  # the worker is gone: nobody waits for the handler

    async def _listen(self) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._channel)
        while True:
            match await read_to_child(reader):
                case Cancel(number):
                    self._on_cancel(number)
                case Written() as written:
                    self._written.put_nowait(written)
                case frame:
                    self.received.put(frame)


class Child:
    """Runs what the worker asks for, in the main thread."""

    def __init__(self, channel: socket.socket) -> None:
        self._call: Run | None = None
        self._running: RunningTask | None = None
        self._is_cancel_requested = False
        self._is_interruptible = False
        self._main_thread = threading.get_ident()
        own_signals.take_over(signal.SIGTERM, self._on_signal)
        self._worker = WorkerChannel(channel, on_cancel=self._cancel)

    def run(self) -> None:
        """Run handlers until the channel ends the process."""
        start: Start | None = None
        while True:
            frame = self._worker.received.get()
            if isinstance(frame, Start):
                start = frame
                adopt_import_path(frame.import_path, frame.standard_modules)
                sys.argv[:] = frame.arguments
            elif start is not None:
                self._worker.send(self._answer(frame, start))

    def _answer(self, call: Run, start: Start) -> FromChild:
        try:
            return self._run(call, start)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its outcome
            return raised(error)
        finally:
            self._call = self._running = None
            sys.stdout.flush()  # the process may be killed before its end

    def _run(self, call: Run, start: Start) -> Returned:
        self._is_cancel_requested, self._call = False, call
        try:
            self._is_interruptible = True
            paths = call.path, *call.middlewares
            if any(each.module == MAIN for each in paths) and not hasattr(
                sys.modules[MAIN], "__pyasynq_loaded__"
            ):
                vars(start.main.load())["__pyasynq_loaded__"] = True
            function = _inside([each.find() for each in call.middlewares], handler_at(call.path))
            _configure_log(start)
            context = self._context_of(call)
            self._running = running_of(context)
            if self._is_cancel_requested:
                raise asyncio.CancelledError
            enter(context)
            result = copy_context().run(function, context)  # the next task finds no variable of it
        finally:
            self._is_interruptible = False
        if result is None or isinstance(result, bytes):
            return Returned(result, running_of(context).result_fault)
        return Returned(None, f"{type(result).__name__} is not bytes")

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
        scope = Scope(
            server_id=call.server_id,
            clock=_clock_of(call),
            loop=self._worker.loop,
            write_result=self._worker.write_result,
        )
        return TaskContext(running, outcome.task_of(message), scope)

    def _cancel(self, number: int) -> None:
        call, running = self._call, self._running
        if call is None or call.number != number:
            return
        if running is not None:
            running.ending = Ending.CANCELLED
        self._is_cancel_requested = True
        signal.pthread_kill(self._main_thread, signal.SIGTERM)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Interrupt the handler if the worker asked for it; ignore a signal from elsewhere.

        Service managers send SIGTERM to all processes; the worker decides who may go on.
        """
        if self._is_cancel_requested and self._is_interruptible:
            self._is_cancel_requested = False
            raise asyncio.CancelledError


def _clock_of(call: Run) -> SystemClock:
    """Return a clock that knows the time of Redis as the worker does."""
    clock = SystemClock()
    clock.observe(sent_ns=call.sent_ns, received_ns=call.sent_ns, redis_ns=call.redis_ns)
    return clock


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


def _configure_log(start: Start) -> None:
    """Log as the worker does, unless the modules of the handler have set up their own."""
    if start.log_format is not None and not logging.getLogger().handlers:
        logging.basicConfig(level=start.log_level, format=start.log_format)


def _end() -> None:
    """End this process and what its handlers have started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Run handlers for the worker at the other end of the socket that the command line names."""
    channel = socket_of_starter()
    os.setpgid(0, 0)  # not a session: the supervisor of the worker ends all groups of its session
    for number in (signal.SIGINT, signal.SIGTSTP):  # service managers may send them to everybody
        own_signals.take_over(number, own_signals.ignore)
    die_with_parent(signal.SIGKILL)  # even if a handler holds the interpreter
    Child(channel).run()
