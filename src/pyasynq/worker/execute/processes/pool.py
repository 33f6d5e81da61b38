"""A bounded number of child processes, started when they are needed."""

import asyncio
from collections.abc import Sequence
from itertools import count

from pyasynq.broker.decoding import number
from pyasynq.clock import steady_ns
from pyasynq.errors import HandlerProcessError
from pyasynq.worker.execute.processes.child_process import ChildProcess, start_process
from pyasynq.worker.execute.processes.protocol import Run
from pyasynq.worker.handlers.context import TaskContext, clock_of, running_of
from pyasynq.worker.handlers.handler_path import HandlerPath


class ProcessPool:
    """Runs handlers in processes that can be killed.

    Args:
        size: how many at the most; further calls wait for a free one.
        grace_s: how long a cancelled handler may take to end before its process is killed.
    """

    def __init__(self, size: int, *, grace_s: float) -> None:
        self._size = size
        self._grace_s = grace_s
        self._slots = asyncio.Semaphore(size)
        self._idle: list[ChildProcess] = []
        self._all: set[ChildProcess] = set()
        self._numbers = count(1)
        self._is_closed = False

    async def run(
        self, path: HandlerPath, context: TaskContext, middlewares: Sequence[HandlerPath] = ()
    ) -> bytes | None:
        """Run the handler at *path* inside *middlewares*, which are plain functions.

        It has ended when this returns, also after a cancellation.

        Raises:
            HandlerProcessError: its process ended before it did, or none could be started.
            BaseException: what the handler raised.
        """
        async with self._slots:
            process = await self._take()
            try:
                returned = await process.run(
                    self._call(path, context, middlewares),
                    on_write=context.awrite_result,
                    grace_s=self._grace_s,
                )
            finally:
                if process.is_usable:
                    self._idle.append(process)
                else:
                    self._all.discard(process)
        running_of(context).result_fault = returned.fault
        return returned.result

    async def close(self) -> None:
        """Kill every process, and wait until what they ran has ended; safe to repeat."""
        self._is_closed = True
        processes = list(self._all)
        for process in processes:
            process.kill()
        for process in processes:
            await process.ended()
        for _ in range(self._size):
            await self._slots.acquire()
        for _ in range(self._size):
            self._slots.release()

    async def _take(self) -> ChildProcess:
        while self._idle:
            process = self._idle.pop()
            if process.is_usable:
                return process
            self._all.discard(process)
        if self._is_closed:
            raise HandlerProcessError("the server has stopped")
        try:
            process = await start_process()
        except OSError as error:
            raise HandlerProcessError(f"no process can be started: {error}") from error
        self._all.add(process)
        return process

    def _call(
        self, path: HandlerPath, context: TaskContext, middlewares: Sequence[HandlerPath]
    ) -> Run:
        running = running_of(context)
        return Run(
            number=next(self._numbers),
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
        )
