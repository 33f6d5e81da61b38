"""Runs the main coroutine of a worker or scheduler process until a signal ends it."""

import asyncio
import gc
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from pyasynq.errors import ServerStateError
from pyasynq.lifecycle.own_signals import taken_over
from pyasynq.lifecycle.process_exit import ProcessExit, exit_now

logger = logging.getLogger("pyasynq.server")


def check_that_it_may_run(instead: str, *, of_an_app: str) -> None:
    """Check that a blocking `run` may begin, which handles signals.

    Args:
        instead: what to await elsewhere, and for an App *of_an_app*.

    Raises:
        ServerStateError: an event loop runs, or this is not the main thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise ServerStateError(
            f"run() would block the running event loop; use `await {instead}`, "
            f"as in `await {of_an_app}`"
        )
    if threading.current_thread() is not threading.main_thread():
        raise ServerStateError(
            "run() handles signals, which only the main thread can; in another one use "
            f"`asyncio.run({instead})`, as in `asyncio.run({of_an_app})`"
        )


def run_until_signal(
    serve: Callable[[], Coroutine[Any, Any, None]],
    *,
    on_signal: Mapping[int, Callable[[], object]],
    has_leftovers: Callable[[], bool],
    on_loop: Callable[[], object] | None = None,
) -> None:
    """Run *serve* on an event loop of its own, uvloop's if it is installed; blocks.

    Code that never ends, in a thread or on the loop, does not keep the process: it exits without
    that code, and this function does not return.

    Args:
        serve: returns soon after a reaction to a signal has asked it to.
        on_signal: what is called on the loop for each signal, by its number.
        has_leftovers: whether code of the user goes on although it was asked to end.
        on_loop: called once on the loop, before *serve*.

    Raises:
        Exception: what *serve* raised.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as loop_runner:
        loop = loop_runner.get_loop()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: the collector need not look at it again
        end = ProcessExit(loop)
        main = _main(serve, on_signal, on_loop)
        try:
            end.run(loop.create_task(main))
        except Exception:
            if has_leftovers() or not end.wind_down():
                logger.exception("the server failed")
                exit_now(1)
            raise
        if has_leftovers() or not end.wind_down():
            exit_now(0)


async def _main(
    serve: Callable[[], Coroutine[Any, Any, None]],
    on_signal: Mapping[int, Callable[[], object]],
    on_loop: Callable[[], object] | None,
) -> None:
    loop = asyncio.get_running_loop()

    def take() -> None:
        for number, react in on_signal.items():
            loop.add_signal_handler(number, react)
        if on_loop is not None:
            on_loop()

    with taken_over(on_signal, take):
        await serve()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, when it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
