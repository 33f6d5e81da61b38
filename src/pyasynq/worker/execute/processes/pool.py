"""A bounded number of child processes, started when they are needed."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextvars import copy_context
from itertools import count

from pyasynq.broker.decoding import number
from pyasynq.clock import steady_ns
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import HandlerProcessError
from pyasynq.task import NO_HEADERS
from pyasynq.worker.execute.processes.child_process import Answer, Call, ChildProcess, start_process
from pyasynq.worker.execute.processes.protocol import (
    Raised,
    Returned,
    Run,
    encoded,
    exception_of,
)
from pyasynq.worker.handlers.context import TaskContext, clock_of, is_only_slot, running_of
from pyasynq.worker.handlers.handler_path import HandlerPath

GATHERED_S = 0.003  # answers, while calls wait in line


class ProcessPool:
    """Runs handlers in processes that can be killed.

    Calls wait in line. A process takes the next one as soon as it has answered the one before, so
    it need not wait until the worker has dealt with that answer. While the line is long, the worker
    deals with several answers together: it fetches tasks for their slots and writes their outcomes
    in one call each, and a slot that is free a moment earlier would only make the line longer.

    Args:
        size: how many at the most; further calls wait for a free one.
        grace_s: how long a cancelled handler may take to end before its process is killed.
        redis: what handlers enqueue to; None leaves that to their code.
    """

    def __init__(
        self, size: int, *, grace_s: float, redis: ConnectionOptions | None = None
    ) -> None:
        self._size = size
        self._grace_s = grace_s
        self._redis = redis
        self._calls: set[Call] = set()  # all that have not ended
        self._waiting: deque[Call] = deque()  # those among them without a process
        self._answered: list[Call] = []  # of which nobody was told yet
        self._telling: asyncio.TimerHandle | None = None
        self._all: set[ChildProcess] = set()
        self._idle: list[ChildProcess] = []
        self._starts: set[asyncio.Task[None]] = set()
        self._variables = copy_context()  # not those of the task that a process is started for
        self._numbers = count(1)
        self._is_closed = False
        self._is_empty = asyncio.Event()  # set when the last call ends after `close`

    async def run(
        self, path: HandlerPath, context: TaskContext, middlewares: Sequence[HandlerPath] = ()
    ) -> bytes | None:
        """Run the handler at *path* inside *middlewares*, which are plain functions.

        It has ended when this returns, also after a cancellation.

        Raises:
            HandlerProcessError: its process ended before it did, or none could be started.
            BaseException: what the handler raised.
        """
        if self._is_closed:
            raise HandlerProcessError("the server has stopped")
        number = next(self._numbers)
        message = self._message(number, path, context, middlewares)
        call = Call(
            number,
            encoded(message),
            on_write=context.awrite_result,
            on_report=lambda each: context.progress(each.done, each.total, each.note),
        )
        self._calls.add(call)
        self._waiting.append(call)
        self._hand_out()
        try:
            answer = await self._answer_to(call)
            if call.writes:  # of a thread for which the handler has not waited
                await asyncio.wait(call.writes)
        finally:
            self._calls.discard(call)
            if self._is_closed and not self._calls:
                self._is_empty.set()
        if isinstance(answer, Returned):
            running_of(context).result_fault = answer.fault
            return answer.result
        raise exception_of(answer) if isinstance(answer, Raised) else answer

    async def close(self) -> None:
        """Kill every process, and wait until what they ran has ended; safe to repeat."""
        self._is_closed = True
        self._tell()
        for start in self._starts:
            start.cancel()
        while self._waiting:
            self._waiting.popleft().set_answer(HandlerProcessError("the server has stopped"))
        processes = list(self._all)
        for process in processes:
            process.kill()
        for process in processes:
            await process.ended()
        if self._starts:
            await asyncio.wait(self._starts)
        if self._calls:
            await self._is_empty.wait()

    async def _answer_to(self, call: Call) -> Answer:
        try:
            return await call.answered
        except asyncio.CancelledError:
            if call.process is not None:
                await call.process.interrupt(call, self._grace_s)
            elif call in self._waiting:
                self._waiting.remove(call)
            if call.answer is None:
                raise
            return call.answer

    def _hand_out(self) -> None:
        """Give calls that wait to idle processes, and start further processes for the rest."""
        waiting = self._waiting
        while waiting and self._idle:
            if waiting[0].answered.cancelled():
                waiting.popleft()
                continue
            process = self._idle.pop()
            if process.is_usable:
                process.start(waiting.popleft())
        missing = min(len(waiting), self._size - len(self._all)) - len(self._starts)
        for _ in range(missing):
            start = asyncio.create_task(
                self._start(),
                name="pyasynq start of a handler process",
                context=self._variables.copy(),
            )
            self._starts.add(start)
            start.add_done_callback(self._starts.discard)

    def _on_answer(self, process: ChildProcess, call: Call) -> None:
        self._answered.append(call)
        if process.is_usable:
            self._idle.append(process)
            self._hand_out()
        if not self._waiting:
            self._tell()
        elif self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(GATHERED_S, self._tell)

    def _tell(self) -> None:
        """Tell those who wait for answers that have come."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        answered, self._answered = self._answered, []
        for call in answered:
            call.tell()

    def _on_end(self, process: ChildProcess) -> None:
        self._all.discard(process)
        if process in self._idle:
            self._idle.remove(process)
        self._hand_out()

    async def _start(self) -> None:
        """Start a process, or else let the call fail that has waited longest."""
        try:
            process = await start_process(
                self._redis, on_answer=self._on_answer, on_end=self._on_end
            )
        except OSError as error:
            self._fail_next(f"no process can be started: {error}")
        else:
            if process.end:  # already
                self._fail_next(process.end)
            else:
                self._all.add(process)
                self._idle.append(process)
        self._starts.discard(asyncio.current_task())
        self._hand_out()

    def _fail_next(self, reason: str) -> None:
        if self._waiting:
            self._waiting.popleft().set_answer(HandlerProcessError(reason))

    def _message(
        self,
        call_number: int,
        path: HandlerPath,
        context: TaskContext,
        middlewares: Sequence[HandlerPath],
    ) -> Run:
        running = running_of(context)
        return Run(
            number=call_number,
            path=path,
            middlewares=tuple(middlewares),
            queue=running.keys.queue,
            task_id=running.leased.task_id,
            data=running.leased.data,
            started_ns=running.started_ns,
            pending_since_ns=number(running.leased.pending_since_ns),
            server_id=context.server_id,
            sent_ns=steady_ns(),
            redis_ns=clock_of(context).redis_now_ns(),
            is_only_slot=is_only_slot(context),
            span_headers=NO_HEADERS if running.span is None else running.span.headers,
        )
