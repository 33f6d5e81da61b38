"""Runs one task: context, middlewares, handler, and the decision what becomes of it.

    launch → the handler runs ──ends──► settle(outcome of result or exception) → slot free
                  │
                  └─ expire / cancel / lose / requeue: flag and cancel, wait `cancel_grace`,
                     settle with the error that stands for it; the slot stays taken until
                     the handler has really ended

A task is settled once; what comes later is ignored.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from pyasynq.errors import ConfigError, HandlerNotFoundError
from pyasynq.options import to_seconds
from pyasynq.wire.error_text import CONTEXT_CANCELLED
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Outcome, Rules
from pyasynq.worker.attempt.running_task import Ending, RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.execute.deadlines import Deadlines
from pyasynq.worker.execute.eager import EagerRunner
from pyasynq.worker.execute.processes.pool import ProcessPool
from pyasynq.worker.handlers.context import Scope, TaskContext, enter
from pyasynq.worker.handlers.handler_path import handler_at
from pyasynq.worker.handlers.middleware import CallNext, wrap
from pyasynq.worker.handlers.mux import AS_SERVER, Route, ServeMux, TaskSettings
from pyasynq.worker.threads import ThreadPool

logger = logging.getLogger("pyasynq.executor")

Settle = Callable[[RunningTask, Outcome], None]


class Executor:
    """Runs handlers on this loop, in threads, and in processes of their own.

    Args:
        settle: told once for each task what becomes of it.
        release: told once for each task that its handler has really ended.
        on_start: told of each task before its handler starts; None if nobody listens.
        keeps_errors: keep what a task failed with until its outcome is told.
    """

    def __init__(
        self,
        mux: ServeMux,
        config: ServerConfig,
        scope: Scope,
        *,
        settle: Settle,
        release: Callable[[], None],
        on_start: Callable[[RunningTask], None] | None = None,
        keeps_errors: bool = False,
    ) -> None:
        self._mux = mux
        self._config = config
        self._scope = scope
        self._settle_outcome = settle
        self._release = release
        self._on_start = on_start
        self._keeps_errors = keeps_errors
        self._deadlines = Deadlines(scope.loop, lambda task: self.end(task, Ending.TIMED_OUT))
        self._threads = ThreadPool(config.thread_pool_size or config.concurrency)
        self._grace_s = to_seconds(config.cancel_grace)
        # Half of the grace: what a process runs has ended before its outcome is written.
        self._processes = ProcessPool(
            config.process_pool_size or os.cpu_count() or 1, grace_s=self._grace_s / 2
        )
        _check_places(mux)
        self._entries: dict[str, tuple[CallNext, TaskSettings]] = {}  # "" for no pattern
        self._tellings: set[asyncio.Task[None]] = set()
        self.running: dict[RunningTask, TaskContext] = {}
        self._eager = EagerRunner(scope.loop, self.running, self._run, self._deadlines.add)

    @property
    def has_leftovers(self) -> bool:
        """Whether a handler has not ended, on the loop or in a thread."""
        return bool(self.running) or self._threads.busy > 0

    def launch(self, running: RunningTask) -> None:
        """Start the handler of *running*; returns at once."""
        if self._on_start is not None:
            self._on_start(running)
        context = TaskContext(running, outcome.task_of(running.message), self._scope)
        self.running[running] = context
        self._eager.start(running)

    def end(self, running: RunningTask, ending: Ending) -> None:
        """Tell a handler to end, and settle its task at the latest after `cancel_grace`."""
        if running.has_ended or running.is_settled:
            return
        if running.ending is not None:
            if ending is Ending.SHUTDOWN:  # nobody waits for the rest of the grace
                self._give_up(running)
            return
        running.ending, running.asked_to_end_at = ending, self._scope.loop.time()
        if running.handle is not None:
            running.handle.cancel()
        if ending is Ending.SHUTDOWN:
            self._settle(running, outcome.REQUEUED)
        elif ending is Ending.LEASE_LOST:
            self._settle(running, outcome.LOST)
            self._tell_apart(running, outcome.error_of(ending))
        else:
            self._scope.loop.call_later(self._grace_s, self._give_up, running)

    async def close(self) -> None:
        """Drop timers and threads, and kill processes; other handlers that run are left behind.

        The error handler may take as long as a cancelled handler to end.
        """
        self._deadlines.close()
        self._threads.close()
        await self._processes.close()
        if self._tellings:
            _told, late = await asyncio.wait(self._tellings, timeout=self._grace_s)
            for telling in late:
                telling.cancel()

    async def _run(self, running: RunningTask) -> None:
        context = self.running[running]
        try:
            result = await self._call(running, context)
            decided = self._decide(running, result)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its outcome
            await self._on_failure(running, error)
        else:
            self._settle(running, decided)
        finally:
            running.has_ended = True
            running.handle = None  # no cycle: freed without the collector
            self._deadlines.remove(running)
            del self.running[running]
            self._release()

    def _call(self, running: RunningTask, context: TaskContext) -> Awaitable[Any]:
        """Call the handler inside the middlewares, unless it is too late or told to end."""
        ending = running.ending
        if running.ends_at <= self._scope.loop.time():  # asynq v0.26 processor.go: no start then
            ending = ending or Ending.TIMED_OUT
        if ending is not None:
            raise outcome.error_of(ending)
        task_type = running.message.type
        endpoint, _settings = self._entries.get(task_type) or self._entry(task_type)
        return endpoint(context)

    def _decide(self, running: RunningTask, result: object) -> Outcome:
        """Return what becomes of a task whose handler has returned.

        Raises:
            Exception: the task has failed all the same.
        """
        if running.ending is not None:
            raise outcome.error_of(running.ending)
        message = running.message
        if message.retention <= 0:  # nothing is kept that needs to know the time
            return outcome.of_success(message, result, 0)
        kept = running.written_result if result is None else result
        return outcome.of_success(message, kept, self._scope.clock.redis_now_ns())

    async def _on_failure(self, running: RunningTask, error: BaseException) -> None:
        if running.is_settled:
            return
        if running.ending is not None and outcome.control_flow(error) is None:
            error = outcome.error_of(running.ending)
        elif isinstance(error, asyncio.CancelledError):
            error = asyncio.CancelledError(CONTEXT_CANCELLED)
        await self._fail(running, error)

    def _give_up(self, running: RunningTask) -> None:
        """The grace is over, or the shutdown: settle the task although its handler goes on."""
        if running.is_settled or running.has_ended or running.ending is None:
            return
        logger.warning(
            "the handler of task %s (%s) goes on although it was told to end (%s)",
            running.message.id,
            running.message.type,
            running.ending.value,
            extra={"task_id": running.message.id, "queue": running.keys.queue},
        )
        error = outcome.error_of(running.ending)
        self._settle(running, self._judge(running, error))
        self._tell_apart(running, error)

    async def _fail(self, running: RunningTask, error: BaseException) -> None:
        """Settle a failed task, then tell the error handler."""
        self._settle(running, self._judge(running, error))
        await self._tell(running, self.running[running], error)

    def _tell_apart(self, running: RunningTask, error: BaseException) -> None:
        """Tell the error handler of a task whose handler has not ended yet."""
        if self._config.error_handler is not None:
            telling = self._scope.loop.create_task(
                self._tell(running, self.running[running], error),
                name=f"pyasynq error of {running.message.id}",
            )
            self._tellings.add(telling)
            telling.add_done_callback(self._tellings.discard)

    async def _tell(self, running: RunningTask, context: TaskContext, error: BaseException) -> None:
        handler = self._config.error_handler
        if handler is None:
            return
        enter(context)
        try:
            told = handler(context, context.task, error)
            if isawaitable(told):
                await told
        except asyncio.CancelledError:
            raise
        except BaseException:  # code of the user's; sys.exit in it would end the server
            logger.exception("the error handler failed on task %s", running.message.id)

    def _judge(self, running: RunningTask, error: BaseException) -> Outcome:
        if self._keeps_errors:
            running.error = error
        _endpoint, settings = self._entry(running.message.type)
        rules = Rules(
            retry_delay=settings.retry_delay or self._config.retry_delay,
            is_failure=settings.is_failure or self._config.is_failure,
            max_deferrals=settings.max_deferrals,
        )
        now_ns = self._scope.clock.redis_now_ns()
        decided = outcome.judge(
            running.message,
            running.leased.data,
            error,
            rules=rules,
            deferred=running.leased.deferred,
            now_ns=now_ns,
        )
        if running.ending is Ending.CANCELLED:
            return outcome.of_cancellation(running.message, decided, now_ns)
        return decided

    def _settle(self, running: RunningTask, decided: Outcome) -> None:
        if not running.is_settled:
            running.is_settled = True
            self._settle_outcome(running, decided)

    def _entry(self, task_type: str) -> tuple[CallNext, TaskSettings]:
        """Return the handler of a type inside the middlewares, made once per pattern."""
        route = self._mux.route(task_type)
        key = route.pattern if route else ""
        entry = self._entries.get(key)
        if entry is None:
            endpoint = self._endpoint(route) if route else _no_handler
            settings = route.settings if route else AS_SERVER
            entry = wrap(self._mux.middlewares, endpoint), settings
            self._entries[key] = entry
        return entry

    def _endpoint(self, route: Route) -> CallNext:
        handler: Callable[..., Any] = route.handler
        place = route.place
        if place is not None:
            return lambda context: self._processes.run(place, context)
        if route.is_async:
            return lambda context: handler(context, context.task)
        return lambda context: self._in_thread(handler, context)

    async def _in_thread(self, handler: Callable[..., Any], context: TaskContext) -> object:
        result: object = await self._threads.run(handler, context, context.task)
        # A plain function around a coroutine function: the work is what it returned.
        return await result if isawaitable(result) else result


def _no_handler(context: TaskContext) -> Awaitable[Any]:
    raise HandlerNotFoundError(context.task_type)


def _check_places(mux: ServeMux) -> None:
    """Make sure that a process of its own can find its handler.

    Raises:
        ConfigError: names every handler that cannot be found.
    """
    faults = []
    for route in mux.routes:
        try:
            if route.place is not None:
                handler_at(route.place)
        except (ImportError, AttributeError) as error:
            faults.append(f"a process cannot find the handler of {route.pattern!r}: {error}")
    ConfigError.raise_if(faults)
