"""The exit of a worker process, which nothing that handlers have left behind can hold up.

An event loop that closes and an interpreter that exits wait without limit for tasks and threads.
Here they are asked to end; the process does not wait long for those that do not, and exits.
"""

import asyncio
import concurrent.futures.thread
import logging
import os
import sys
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, NoReturn, TypeVar

from pyasynq.lifecycle.shutdown import cancel_all
from pyasynq.tracing import companions
from pyasynq.wire.error_text import error_text

logger = logging.getLogger("pyasynq.server")

T = TypeVar("T")

PATIENCE_S = 0.5  # for threads that are about to end
POLL_S = 0.01


class ProcessExit:
    """Runs an event loop of our own, and ends what it leaves behind.

    Args:
        loop: of the server; it has not run yet.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._others = set(threading.enumerate())  # they are not the server's to end
        # A pool of our own: the loop would wait for the threads of its own pool when it closes.
        self._threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
        loop.set_default_executor(self._threads)
        loop.set_exception_handler(_on_exception)

    def run(self, serving: asyncio.Task[T]) -> T:
        """Run the loop until *serving* has ended; return or raise what it did.

        A task that a handler has created may raise SystemExit or KeyboardInterrupt, which end any
        loop. They do not come from the user, whose signals are handled, so the loop is run again.
        """
        while not serving.done():
            try:
                self._loop.run_until_complete(serving)
            except (SystemExit, KeyboardInterrupt) as error:
                if serving.done():
                    raise
                logger.error(  # noqa: TRY400 - one line; the text holds the source line
                    "a task of a handler raised what ends a program; the worker goes on: %s",
                    error_text(error),
                )
        return serving.result()

    def wind_down(self) -> bool:
        """Ask tasks and threads to end, and return whether all do so soon."""
        tasks = asyncio.all_tasks(self._loop)
        have_tasks_ended = self.run(self._loop.create_task(cancel_all(*tasks), name="pyasynq end"))
        self._threads.shutdown(wait=False, cancel_futures=True)
        end = time.monotonic() + PATIENCE_S
        while self._lasting_threads() and time.monotonic() < end:
            time.sleep(POLL_S)
        return have_tasks_ended and not self._lasting_threads()

    def _lasting_threads(self) -> Collection[threading.Thread]:
        """Return the threads that an exit would wait for, except idle ones of pools."""
        frames = sys._current_frames()  # noqa: SLF001 - documented, in spite of its name
        return [
            thread
            for thread in threading.enumerate()
            if not (
                thread.daemon or thread in self._others or _is_idle(frames.get(thread.ident or 0))
            )
        ]


def exit_now(code: int) -> NoReturn:
    """End the process at once: its loop and interpreter would wait for what never ends."""
    logger.warning("handlers or listeners have not ended; exiting without them")
    for tracing in companions():
        tracing.flush()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _is_idle(frame: FrameType | None) -> bool:
    """Whether a thread waits for work in a pool of concurrent.futures, which it leaves at once."""
    if frame is None:
        return False
    code = frame.f_code
    return code.co_name == "_worker" and code.co_filename == concurrent.futures.thread.__file__


def _on_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception of a task, unless `ProcessExit.run` has logged it already."""
    if not isinstance(context.get("exception"), SystemExit | KeyboardInterrupt):
        loop.default_exception_handler(context)
