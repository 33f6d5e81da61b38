"""What is called for a task of each type: its handler inside the middlewares."""

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from pyasynq.control_flow import SkipRetry
from pyasynq.errors import ConfigError, HandlerNotFoundError
from pyasynq.functions.form import name_of
from pyasynq.functions.returned import finished
from pyasynq.options import to_seconds
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.execute.chain import InThread, OnLoop, Step, chain
from pyasynq.worker.execute.plain_runner import Plain
from pyasynq.worker.execute.processes.pool import ProcessPool
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.handler_path import HandlerPath, handler_at
from pyasynq.worker.handlers.middleware import CallNext, Middleware, at_process, is_plain, wrap
from pyasynq.worker.handlers.mux import AS_SERVER, Route, ServeMux, TaskSettings
from pyasynq.worker.thread_pool import pool_of
from pyasynq.worker.threads import MakeThreads, in_threads


class Endpoint(NamedTuple):
    """How tasks of a type are run.

    Attributes:
        call: the handler inside the middlewares.
        plain: the handler itself, if it is a plain function without any middleware.
    """

    call: CallNext
    settings: TaskSettings
    plain: Plain | None


class Endpoints(dict[str, Endpoint]):
    """Endpoints by task type, each made when it is first asked for.

    They are kept by the pattern of their route, so that tasks whose types are all different, such
    as "image:41", do not fill the memory.

    Args:
        mux: finds the handler of a type.
        config: says how many threads and processes there may be.
        make_threads: makes the threads.

    Attributes:
        threads: of plain functions.
        has_plain: whether there are plain handlers without any middleware.

    Raises:
        ConfigError: names every handler that a process of its own could not find.
    """

    def __init__(
        self, mux: ServeMux, config: ServerConfig, make_threads: MakeThreads = in_threads
    ) -> None:
        super().__init__()
        _check_paths(mux)
        self._mux = mux
        self.threads = pool_of(config.thread_pool_size or config.concurrency, make_threads)
        is_bare = not mux.middlewares and not mux.around_threads
        self.has_plain: bool = is_bare and any(_is_plain_handler(each) for each in mux.routes)
        # Half of the grace: what a process runs has ended before its outcome is written.
        self._processes = ProcessPool(
            config.process_pool_size or os.cpu_count() or 1,
            grace_s=to_seconds(config.cancel_grace) / 2,
            redis=mux.redis,
        )

    @property
    def has_busy_threads(self) -> bool:
        """Whether a plain function has not ended."""
        return self.threads.busy > 0

    def __missing__(self, task_type: str) -> Endpoint:
        route = self._mux.route(task_type)
        pattern = route.pattern if route else ""
        if pattern in self:
            return self[pattern]
        is_plain_route = self.has_plain and route is not None and _is_plain_handler(route)
        endpoint = Endpoint(
            call=self._around(route),
            settings=route.settings if route else AS_SERVER,
            plain=route.handler if route is not None and is_plain_route else None,
        )
        self[pattern] = endpoint
        return endpoint

    async def close(self) -> None:
        """Take no more work: kill processes, and leave threads that still run to themselves."""
        self.threads.close()
        await self._processes.close()

    def _around(self, route: Route | None) -> CallNext:
        """Return what runs the handler of *route* inside the middlewares."""
        outside: list[Middleware] = self._mux.middlewares
        inside: list[Middleware] = []
        if route is not None and route.path is not None:
            outside, inside = at_process(outside)
            inside = [*self._mux.around_threads, *inside]
        outside = [*self._of_kind(route, outside), *outside]
        call = self._call_of(route, inside) if route else self._no_handler
        if not any(is_plain(each) for each in outside):
            return wrap(outside, call)
        step: Step = OnLoop(call)
        if route is not None and _is_plain_handler(route):
            handler = route.handler
            step = InThread(lambda context: handler(context, context.task), len(outside) + 1)
        return chain(outside, step, self.threads)

    def _of_kind(self, route: Route | None, outside: Sequence[Middleware]) -> list[Middleware]:
        """Return what is to be around the handler of *route* because of where that runs."""
        found: list[Middleware] = []
        if route is not None and route.is_async and route.path is None:
            found += self._mux.around_coroutines
        if any(map(is_plain, outside)) or (route is not None and _is_plain_handler(route)):
            found += self._mux.around_threads
        return found

    def _call_of(self, route: Route, inside: Sequence[Middleware]) -> CallNext:
        handler: Callable[..., Any] = route.handler
        path = route.path
        if path is not None:
            paths = [HandlerPath.of(each) for each in inside]
            return lambda context: self._processes.run(path, context, paths)
        if route.is_async:
            return lambda context: handler(context, context.task)
        return lambda context: self._in_thread(handler, context)

    def _no_handler(self, context: TaskContext) -> Awaitable[Any]:
        error = HandlerNotFoundError(context.task_type)
        if self._mux.archives_unknown:
            raise error from SkipRetry()
        raise error

    async def _in_thread(self, handler: Callable[..., Any], context: TaskContext) -> object:
        result: object = await self.threads.run(handler, context, context.task)
        return result if result is None else await finished(result)


def _is_plain_handler(route: Route) -> bool:
    return route.path is None and not route.is_async


def _check_paths(mux: ServeMux) -> None:
    faults: list[str | None] = []
    for route in mux.routes:
        try:
            if route.path is not None:
                handler_at(route.path)
        except (ImportError, AttributeError) as error:
            faults.append(f"a process cannot find the handler of {route.pattern!r}: {error}")
    if any(route.path is not None for route in mux.routes):
        faults += [_place_fault(each) for each in at_process(mux.middlewares)[1]]
    ConfigError.raise_if(faults)


def _place_fault(middleware: Middleware) -> str | None:
    """Return why a process could not find a plain *middleware*; None if it could."""
    try:
        HandlerPath.of(middleware).check(middleware)
    except ConfigError:
        return (
            f"middleware {name_of(middleware)!r} is a plain function, so it runs in the processes "
            "of handlers, which can only find functions at the top level of a module; move it "
            "there, or make it a coroutine function, which runs in the worker"
        )
    return None
