"""Runs an event loop and plain functions in one thread: that of the test.

Coroutines and plain functions never run at the same moment in that thread. The loop stops when a
plain function is to be called. While the function runs, another thread runs the loop, so that
timeouts end and what the function asks of the loop is answered. So the function finds no running
loop, as in a worker, but the thread of the test, with its database connections and transactions.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from typing_extensions import override

P = ParamSpec("P")
T = TypeVar("T")


class CallerThread(Executor):
    """Runs *loop* and the functions submitted from it, all in the thread that calls `run`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], None]] = deque()
        self._is_running = False

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run *main* to its end, and return what it returns."""
        task = self._loop.create_task(main)
        task.add_done_callback(lambda _task: self._stop())
        self._is_running = True
        try:
            while not task.done():
                self._loop.run_forever()
                while self._calls:
                    self._calls.popleft()()
        except BaseException:
            self._is_running = False
            self._end(task)
            raise
        self._is_running = False
        return task.result()

    def _end(self, main: asyncio.Task[Any]) -> None:
        """Cancel all that is left on the loop, and what that starts at its end."""
        while left := asyncio.all_tasks(self._loop):
            for each in left:
                each.cancel()
            self._loop.run_until_complete(asyncio.wait(left))
        if not main.cancelled():
            main.exception()  # asyncio need not log what is raised already

    def for_all(self, _size: int, _name: str) -> Executor:
        """Return itself, in the place of any number of threads."""
        return self

    @override
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call *fn* soon, in the thread of `run`; must be called on the loop.

        After `run` nothing is called any more.
        """
        future: Future[T] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                troubles: list[BaseException] = []
                value, error = self._call_aside(lambda: fn(*args, **kwargs), troubles)
                if error is None:
                    future.set_result(value)  # type: ignore[arg-type]  # set if there is no error
                else:
                    future.set_exception(error)
                if troubles:
                    raise troubles[0]

        if self._is_running:
            self._calls.append(call)
            self._stop()
        else:
            future.cancel()
        return future

    def _stop(self) -> None:
        """Let the loop stop, unless it is the loop's own end that goes on now."""
        if self._is_running:
            self._loop.stop()

    def _call_aside(
        self, function: Callable[[], T], troubles: list[BaseException]
    ) -> tuple[T | None, BaseException | None]:
        """Call *function* here, while another thread runs the loop; return what it comes to.

        What ends the loop meanwhile, such as a KeyboardInterrupt, is added to *troubles*.
        """
        is_over = threading.Event()
        thread = threading.Thread(
            target=self._run_loop_until, args=(is_over, troubles), name="pyasynq harness loop"
        )
        thread.start()
        value, error = None, None
        try:
            value = function()
        except BaseException as raised:  # noqa: BLE001 - it belongs to the caller of `submit`
            error = raised
        finally:
            is_over.set()
            self._loop.call_soon_threadsafe(self._stop)
            thread.join()
        return value, error

    def _run_loop_until(self, is_over: threading.Event, troubles: list[BaseException]) -> None:
        # A function that is submitted meanwhile stops the loop, too; it waits for its turn.
        while not is_over.is_set():
            try:
                self._loop.run_forever()
            except BaseException as error:  # noqa: BLE001 - raised again in the thread of `run`
                troubles.append(error)
                return
