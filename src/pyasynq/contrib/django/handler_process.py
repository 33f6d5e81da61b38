"""What runs around handlers; importing it sets Django up.

A process of a handler imports this module before that of the handler, which needs the models.
"""

from typing import Any

from pyasynq.contrib.django.connections import CoroutineThread, fresh
from pyasynq.contrib.django.set_up import set_up
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.middleware import CallNext, PlainCallNext

set_up()

_of_coroutines = CoroutineThread()


def fresh_connections(ctx: TaskContext, call_next: PlainCallNext) -> Any:
    """Close stale connections before and after a plain handler, in its thread."""
    with fresh():
        return call_next(ctx)


async def fresh_connections_of_coroutines(ctx: TaskContext, call_next: CallNext) -> Any:
    """Have stale connections closed that a coroutine function would use, or has used."""
    _of_coroutines.close_stale()
    try:
        return await call_next(ctx)
    finally:
        _of_coroutines.close_stale()
