"""Plain middlewares, and handlers in processes, which find both here by their names."""

import asyncio
import functools
import os
from contextvars import ContextVar

from pyasynq.app import App
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings

PROCESS = TaskSettings(executor="process")
WORKER = os.getpid()
VISITOR: ContextVar[str] = ContextVar("visitor", default="nobody")

plain = ServeMux()
mixed = ServeMux()
decorated = ServeMux()
typed = App("redis://nowhere.invalid")


def where():
    return b"%d " % os.getpid()


def outer(ctx, call_next):
    return b"outer " + where() + call_next(ctx)


@typed.middleware
def remember(ctx, call_next):
    VISITOR.set(f"process {os.getpid()}")
    return call_next(ctx)


def inner(ctx, call_next):
    VISITOR.set(f"visitor of {ctx.task_type}")
    return b"inner " + where() + call_next(ctx)


async def on_the_loop(ctx, call_next):
    return b"loop " + where() + await call_next(ctx)


def translating(ctx, call_next):
    try:
        return call_next(ctx)
    except ZeroDivisionError as error:
        raise LookupError(ctx.task_id) from error


def passing(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@passing
async def standing_for_a_coroutine(ctx, call_next):
    await asyncio.sleep(0)
    return b"decorated " + await call_next(ctx)


def handle(ctx, task):
    return b"handler " + where() + VISITOR.get().encode()


async def handle_async(ctx, task):
    await asyncio.sleep(0)
    return handle(ctx, task)


def look(ctx, task):
    return VISITOR.get().encode()


def divide(ctx, task):
    return 1 / 0


@typed.task(executor="process", retention=60)
def typed_task() -> str:
    return VISITOR.get()


plain.use(outer, inner)
mixed.use(outer, on_the_loop, inner)
decorated.use(standing_for_a_coroutine, inner)
for each in (plain, mixed, decorated):
    each.add("plain", handle, settings=PROCESS)
    each.add("async", handle_async, settings=PROCESS)

translates = ServeMux()
translates.use(translating)
translates.add("divide", divide, settings=PROCESS)


def visits(ctx, task):
    before = VISITOR.get()
    VISITOR.set("the last task")
    return before.encode()


bare = ServeMux()
bare.add("visits", visits, settings=PROCESS)
