"""How long-running parts start, run and stop.

A component is an object with a name and `run(life)`. It calls `life.started()` once it works,
ends soon after `life.stopping` is set, and `run` returns only when it has really stopped.
`running` starts components in the order of a list and stops them in the reverse order. A component
that ends or fails by itself is a crash, which ends them all. One that has not stopped when its
share of the time for the stop is over is cancelled, whatever it waits for.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.outage import LoggedOnce, Outage
from pyasynq.lifecycle.shutdown import ShutdownBudget, cancel_all

logger = logging.getLogger("pyasynq.lifecycle")

LAST_CALL_S = 1.0  # at the stop, for what waits for Redis


class Life:
    """The life of a component: it reports its start here, and learns of the stop.

    Attributes:
        budget: how long the stop of all components may take.
        stops_within_s: how long this one may take to stop before it is cancelled;
            a component that has more to do at the stop than to end a call to Redis sets it before.
    """

    def __init__(self, budget: ShutdownBudget | None = None) -> None:
        self.has_started: asyncio.Event = asyncio.Event()
        self.stopping: asyncio.Event = asyncio.Event()
        self.budget: ShutdownBudget = budget or ShutdownBudget()
        self.stops_within_s = LAST_CALL_S
        self._on_stop: list[Callable[[], object]] = []

    def started(self) -> None:
        """Report that the component works now."""
        self.has_started.set()

    def stop(self) -> None:
        """Ask the component to stop; safe to repeat."""
        self.stopping.set()
        while self._on_stop:
            try:
                self._on_stop.pop()()
            except Exception:
                logger.exception("a call at the stop failed; the stop goes on")

    def on_stop(self, call: Callable[[], object]) -> None:
        """Call *call* at the stop, at once if it has begun, to end what the component waits for."""
        self._on_stop.append(call)
        if self.stopping.is_set():
            self.stop()

    async def pause(self, seconds: float) -> bool:
        """Wait for *seconds* or until the stop; return whether to go on."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.stopping.wait()
        return not self.stopping.is_set()

    async def until_stop(
        self, work: Coroutine[Any, Any, None], *, within_s: float = LAST_CALL_S
    ) -> None:
        """Do *work*, which ends soon after the stop; then cancel it if not within *within_s*."""
        working = asyncio.create_task(work, name="pyasynq work until the stop")
        stopped = asyncio.create_task(self.stopping.wait(), name="pyasynq stop")
        try:
            await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if await self.budget.at_most(within_s, [working]):
                await working
        finally:
            stopped.cancel()
            await cancel_all(working)


class Component(Protocol):
    """A part of a server with a life of its own."""

    @property
    def name(self) -> str:
        """The field's word for what it does, such as "forwarder"."""

    async def run(self, life: Life) -> None:
        """Work until the stop of *life*; return when stopped."""


class ComponentCrashedError(Exception):
    """A component ended by itself; `__cause__` is why, if it failed."""


class Running:
    """Components that were started, in order."""

    def __init__(self, budget: ShutdownBudget) -> None:
        self._budget = budget
        self._lives: list[tuple[Component, Life, asyncio.Task[None]]] = []
        self._crashed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, component: Component) -> None:
        """Start *component* and wait until it works."""
        life = Life(self._budget)
        task = asyncio.create_task(component.run(life), name=f"pyasynq {component.name}")
        self._lives.append((component, life, task))
        works = asyncio.create_task(life.has_started.wait(), name=f"start of {component.name}")
        await asyncio.wait({task, works}, return_when=asyncio.FIRST_COMPLETED)
        works.cancel()
        task.add_done_callback(lambda ended: self._on_end(component, life, ended))
        logger.debug("%s started", component.name)
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error

    async def crash(self) -> None:
        """Wait for ever, or raise ComponentCrashedError when a component ends by itself."""
        await asyncio.shield(self._crashed)

    async def stop(self) -> None:
        """Stop every component, the last started first; each has stopped before the next."""
        self._budget.begin()
        for component, life, task in reversed(self._lives):
            life.stop()
            if not await self._budget.at_most(life.stops_within_s, [task]):
                logger.warning("%s has not stopped in time; it is cancelled", component.name)
                await cancel_all(task)
            if task.done() and not task.cancelled() and (error := task.exception()):
                logger.error("%s failed to stop cleanly", component.name, exc_info=error)
            logger.debug("%s stopped", component.name)
        self._lives.clear()
        self._crashed.cancel()

    def _on_end(self, component: Component, life: Life, ended: asyncio.Task[None]) -> None:
        if life.stopping.is_set() or self._crashed.done():
            return
        cause = None if ended.cancelled() else ended.exception()
        crash = ComponentCrashedError(f"{component.name} ended by itself: {cause!r}")
        crash.__cause__ = cause
        self._crashed.set_exception(crash)
        self._crashed.exception()  # marks it as retrieved, in case nobody waits for it


@contextlib.asynccontextmanager
async def running(
    components: Sequence[Component], budget: ShutdownBudget | None = None
) -> AsyncIterator[Running]:
    """Run *components* around a block, and stop them, however the block ends.

    Args:
        components: in the order of their start.
        budget: how long they may take to stop; without one, each has its `stops_within_s`.
    """
    parts = Running(budget or ShutdownBudget())
    try:
        for component in components:
            await parts.start(component)
        yield parts
    finally:
        await parts.stop()


async def until_end(lives: Running, shutdown: asyncio.Event) -> None:
    """Wait for the shutdown; raise ComponentCrashedError if a component ends before."""
    ended = asyncio.create_task(shutdown.wait(), name="pyasynq shutdown")
    crashed = asyncio.create_task(lives.crash(), name="pyasynq crash")
    try:
        await asyncio.wait({ended, crashed}, return_when=asyncio.FIRST_COMPLETED)
        if crashed.done():
            await crashed
    finally:
        ended.cancel()
        crashed.cancel()


async def every(
    interval_s: float,
    act: Callable[[], Awaitable[object]],
    life: Life,
    *,
    name: str,
    outage: Outage,
    is_at_once: bool = False,
) -> None:
    """Act at an interval until the stop; a failure is logged and never ends the loop.

    While Redis is unreachable or refuses the server, it is *outage* that says so. Another trouble
    is one line until another one replaces it.

    Args:
        name: of the component, for its log lines.
        outage: shared by the components of a server.
        is_at_once: act at the start too, not only after the first interval.
    """
    log = logging.getLogger(f"pyasynq.{name}")
    troubles = LoggedOnce(log, "a pass of the %s failed; it goes on: %s", outage=outage)
    is_away = False
    life.started()
    if not is_at_once and not await life.pause(interval_s):
        return
    while not life.stopping.is_set():
        try:
            await act()
        except PyasynqError as error:
            is_away = concerns_redis_as_a_whole(error)
            if is_away:
                outage.failed(error, by=name)
            else:
                troubles.begins(error, name)
        except Exception:
            log.exception("a pass of the %s failed; it goes on", name)
        else:
            troubles.ends(name)
            if is_away:
                outage.worked()
            is_away = False
        await life.pause(interval_s)


async def in_thread(work: Callable[[threading.Event], None], life: Life, *, name: str) -> None:
    """Run *work* in a thread of its own until it returns; raise what it raises.

    Args:
        work: called with an event that is set at the stop, soon after which it must return.
        name: of the component.
    """
    loop = asyncio.get_running_loop()
    stop, ended = threading.Event(), loop.create_future()

    def end(error: BaseException | None) -> None:
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def call() -> None:
        error = None
        try:
            work(stop)
        except BaseException as raised:  # noqa: BLE001 - the loop decides about a crash
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
            loop.call_soon_threadsafe(end, error)

    life.on_stop(stop.set)
    threading.Thread(target=call, name=f"pyasynq {name}", daemon=True).start()
    try:
        await ended
    finally:
        stop.set()
