"""Clients whose tasks run at once, for `App.testing` with ``eager=True``.

The tasks are stored as always; then what is due runs, before the call returns. What handlers
enqueue themselves is stored, and runs when the handler has returned: the run that goes on finds it.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from typing_extensions import override

from pyasynq.app.clients import Kinds
from pyasynq.app.handle import is_inside_loop
from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.errors import ServerStateError

_is_inside: ContextVar[bool] = ContextVar("pyasynq_inside_a_run", default=False)


@contextmanager
def inside_a_run() -> Iterator[None]:
    """Let what is enqueued inside the block wait for its turn in the run that goes on."""
    token = _is_inside.set(True)
    try:
        yield
    finally:
        _is_inside.reset(token)


class EagerClient(Client):
    """A client that calls *run* after each enqueue; see `Client`."""

    def __init__(self, run: Callable[[], None], *source: Any, **settings: Any) -> None:
        super().__init__(*source, **settings)
        self._run = run

    @override
    def enqueue(self, *args: Any, **kwargs: Any) -> Any:
        with self._running_after():
            return super().enqueue(*args, **kwargs)

    @override
    def enqueue_many(self, *args: Any, **kwargs: Any) -> Any:
        with self._running_after():
            return super().enqueue_many(*args, **kwargs)

    @override
    def _store_one(self, *args: Any, **kwargs: Any) -> Any:
        with self._running_after():
            return super()._store_one(*args, **kwargs)

    @override
    def _store_series(self, *args: Any, **kwargs: Any) -> Any:
        with self._running_after():
            return super()._store_series(*args, **kwargs)

    @contextmanager
    def _running_after(self) -> Iterator[None]:
        if _is_inside.get():  # one call makes another one, or a handler enqueues
            yield
            return
        if is_inside_loop():
            raise ServerStateError(
                "an eager enqueue would run the task on the loop that it blocks; "
                "use `await aenqueue(...)`"
            )
        with inside_a_run():
            yield
        self._run()


class EagerAsyncClient(AsyncClient):
    """A client that awaits *run* after each enqueue; see `AsyncClient`."""

    def __init__(self, run: Callable[[], Awaitable[None]], *source: Any, **settings: Any) -> None:
        super().__init__(*source, **settings)
        self._run = run
        self._turn = asyncio.Lock()  # tasks that are enqueued together run one after the other

    @override
    async def enqueue(self, *args: Any, **kwargs: Any) -> Any:
        async with self._running_after():
            return await super().enqueue(*args, **kwargs)

    @override
    async def enqueue_many(self, *args: Any, **kwargs: Any) -> Any:
        async with self._running_after():
            return await super().enqueue_many(*args, **kwargs)

    @override
    async def _store_one(self, *args: Any, **kwargs: Any) -> Any:
        async with self._running_after():
            return await super()._store_one(*args, **kwargs)

    @override
    async def _store_series(self, *args: Any, **kwargs: Any) -> Any:
        async with self._running_after():
            return await super()._store_series(*args, **kwargs)

    @asynccontextmanager
    async def _running_after(self) -> AsyncIterator[None]:
        if _is_inside.get():
            yield
            return
        with inside_a_run():
            yield
        async with self._turn:
            await self._run()


def eager_kinds(run: Callable[[], None], arun: Callable[[], Awaitable[None]]) -> Kinds:
    """Return what makes clients that call *run*, or await *arun*, after each enqueue."""
    return Kinds(
        client=functools.partial(EagerClient, run),
        async_client=functools.partial(EagerAsyncClient, arun),
    )
