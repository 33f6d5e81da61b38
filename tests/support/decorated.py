"""Functions as decorators leave them: how each must be called does not show from outside."""

import asyncio
import functools
from concurrent.futures import Future, ThreadPoolExecutor

done: list[str] = []


async def later(x: int) -> int:
    await asyncio.sleep(0)
    done.append("later")
    return x


def now(x: int) -> int:
    done.append("now")
    return x


def submitted(x: int) -> Future[int]:
    """A future of a pool, whose thread ends with the call."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(now, x)
    pool.shutdown(wait=False)
    return future


def async_around_plain():
    @functools.wraps(now)
    async def inner(*args, **kwargs):
        return await asyncio.to_thread(now, *args, **kwargs)

    return inner


def blocking_around_async():
    @functools.wraps(later)
    def inner(*args, **kwargs):
        return asyncio.run(later(*args, **kwargs))

    return inner


def plain_around_async():
    @functools.wraps(later)
    def inner(*args, **kwargs):
        return later(*args, **kwargs)

    return inner


def plain_that_returns_a_coroutine():
    def inner(x: int):
        return later(x)

    return inner


def async_that_returns_a_coroutine():
    async def inner(x: int):
        return later(x)

    return inner


def async_that_returns_a_task():
    async def inner(x: int):
        return asyncio.create_task(later(x))

    return inner


def plain_that_returns_a_future_of_a_pool():
    @functools.wraps(now)
    def inner(x: int):
        return submitted(x)

    return inner


def async_that_returns_a_future_of_a_pool():
    async def inner(x: int):
        return submitted(x)

    return inner


def plain_that_returns_an_awaitable():
    class Work:
        def __init__(self, x):
            self.x = x

        def __await__(self):
            return later(self.x).__await__()

    def inner(x: int):
        return Work(x)

    return inner


def plain_around_a_partial():
    @functools.wraps(later)
    def inner(*args, **kwargs):
        return functools.partial(later, *args)(**kwargs)

    return inner


MAKERS = [
    async_around_plain,
    blocking_around_async,
    plain_around_async,
    plain_that_returns_a_coroutine,
    async_that_returns_a_coroutine,
    async_that_returns_a_task,
    plain_that_returns_a_future_of_a_pool,
    async_that_returns_a_future_of_a_pool,
    plain_that_returns_an_awaitable,
    plain_around_a_partial,
]


def generate(x: int):
    done.append("generated")
    yield x


async def generate_later(x: int):
    done.append("generated")
    yield x


def plain_around_a_generator():
    @functools.wraps(generate)
    def inner(*args, **kwargs):
        return generate(*args, **kwargs)

    return inner


def plain_around_an_async_generator():
    @functools.wraps(generate_later)
    def inner(*args, **kwargs):
        return generate_later(*args, **kwargs)

    return inner


def async_around_a_generator():
    @functools.wraps(generate)
    async def inner(*args, **kwargs):
        return generate(*args, **kwargs)

    return inner


GENERATORS = [plain_around_a_generator, plain_around_an_async_generator, async_around_a_generator]
