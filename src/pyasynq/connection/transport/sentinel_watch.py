"""Keeps the connections of this process at the master that sentinels name.

A connection to an old master works on after a planned failover, and what is written over it is
lost. So one thread listens to the sentinels, for all clients that name the same ones: an event
loop of its own hears them while those of the users are busy, and serves blocking code, too. It
begins with the first connection and ends with the last client.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import selectors
import threading
from collections.abc import Callable, Hashable
from typing import Protocol
from weakref import WeakSet, WeakValueDictionary

from redis.exceptions import ConnectionError as NoConnectionError

from pyasynq.connection.transport.sentinel_answers import Address, shown
from pyasynq.connection.transport.sentinel_search import CLOSED, MasterSearch

logger = logging.getLogger("pyasynq.sentinel")

CHECK_S = 5.0  # how often it is looked whether clients were thrown away without being closed
END_S = 1.0
LONGEST_S = 5.0  # for a caller without a limit

OnMove = Callable[[Address], None]
MakeSearch = Callable[[OnMove], MasterSearch]


class Link(Protocol):
    """A connection to a master.

    Attributes:
        address: of the server that it leads to.
    """

    address: Address

    def leave(self) -> None:
        """End the connection soon, in whatever thread it is used."""


class SentinelWatch:
    """Knows where the master is, and ends the connections to any other server.

    Its methods are called in any thread.

    Args:
        master: its name, for the log.
        make_search: makes what asks the sentinels; called whenever a first client comes.
    """

    def __init__(self, master: str, make_search: MakeSearch) -> None:
        self._master = master
        self._make_search = make_search
        self._address: Address | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew, as in a forked child, which has no threads and no connections of its own."""
        self._lock = threading.RLock()
        self._owners: WeakSet[object] = WeakSet()
        self._links: WeakSet[Link] = WeakSet()
        self._listening: _Listening | None = None

    def hold(self, owner: object) -> None:
        """Go on listening for *owner*, until it is released or gone."""
        with self._lock:
            self._owners.add(owner)

    def release(self, owner: object) -> "_Listening | None":
        """Stop listening unless others want that; return what ends now."""
        with self._lock:
            self._owners.discard(owner)
            if self._owners:
                return None
            listening, self._listening = self._listening, None
        if listening is not None:
            listening.end()
        return listening

    @property
    def is_wanted(self) -> bool:
        """Whether anybody holds it."""
        with self._lock:
            return bool(self._owners)

    def locate(self, limit_s: float | None) -> Address:
        """Return where the master is. Blocks.

        Raises:
            NoConnectionError: the sentinels name no master, or not in time.
        """
        limit_s = LONGEST_S if limit_s is None else limit_s
        located = self._located()
        try:
            return located.result(limit_s)
        except concurrent.futures.CancelledError:
            raise NoConnectionError(CLOSED) from None
        except TimeoutError:
            located.cancel()
            late = f"no master {self._master!r} was found within {limit_s:.3g} s"
            raise NoConnectionError(late) from None

    async def locate_async(self) -> Address:
        """Return where the master is; see `locate`."""
        located = asyncio.wrap_future(self._located())
        try:
            return await located
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise NoConnectionError(CLOSED) from None

    def promotes(self, address: Address) -> bool:
        """Return whether this server is about to be promoted."""
        with self._lock:
            listening = self._listening
        return listening is not None and listening.search.promotes(address)

    def reached(self, link: Link) -> None:
        """Take note of a connection that was made.

        Raises:
            NoConnectionError: the master has moved meanwhile.
        """
        with self._lock:
            self._links.add(link)
            is_there, listening = link.address == self._address, self._listening
        if not is_there:
            raise NoConnectionError("the master has moved while a connection to it was made")
        if listening is not None:
            listening.call(listening.search.reached)

    def missed(self, address: Address) -> None:
        """Take note that no connection could be made to *address*."""
        with self._lock:
            listening = self._listening
        if listening is not None:
            listening.call(lambda: listening.search.missed(address))

    def _located(self) -> "concurrent.futures.Future[Address]":
        with self._lock:
            listening = self._listening
        if listening is None or not listening.is_alive:
            listening = self._listen()
        return listening.located()

    def _listen(self) -> "_Listening":
        """Start to listen, unless another thread does so at the same moment."""
        # Not with the lock: nobody may wait for a thread with a lock that finalizers need, too,
        # for the garbage collector may call them in that thread.
        started = _Listening(self, self._make_search(self._on_move))
        with self._lock:
            if self._listening is not None and self._listening.is_alive:
                others = self._listening
            else:
                others = self._listening = started
        if others is not started:
            started.end()
        return others

    def _on_move(self, address: Address) -> None:
        with self._lock:
            old, self._address = self._address, address
            left = [link for link in self._links if link.address != address]
            for link in left:
                self._links.discard(link)
        for link in left:
            link.leave()
        if old not in (None, address):
            logger.info(
                "the master %r moves from %s to %s, with %d connections of this process",
                self._master,
                shown(old or address),
                shown(address),
                len(left),
            )


class _Listening:
    """The thread that listens, and its event loop."""

    def __init__(self, watch: SentinelWatch, search: MasterSearch) -> None:
        self.search = search
        self._watch = watch
        # A forked child would share the selector of another kind with this process.
        kind = getattr(selectors, "PollSelector", selectors.DefaultSelector)
        self._loop = asyncio.SelectorEventLoop(kind())
        self._has_ended = asyncio.Event()
        self.is_over: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.is_over.set_running_or_notify_cancel()  # who waits no longer takes it from nobody else
        self._thread = threading.Thread(target=self._work, name="pyasynq sentinels", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._thread.is_alive() and not self._loop.is_closed()

    def located(self) -> "concurrent.futures.Future[Address]":
        """Return what gets the address of the master."""
        asking = self.search.located()
        try:
            return asyncio.run_coroutine_threadsafe(asking, self._loop)
        except RuntimeError:  # it ends just now
            asking.close()
            raise NoConnectionError(CLOSED) from None

    def call(self, function: Callable[[], object]) -> None:
        """Call *function* on the event loop soon, if it still runs."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def end(self) -> None:
        """Stop soon."""
        self.call(self._has_ended.set)

    def join(self) -> None:
        """Wait for the end, but not long."""
        if self._thread is not threading.current_thread():
            self._thread.join(END_S)

    def _work(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._follow())
        finally:
            self.is_over.set_result(None)

    async def _follow(self) -> None:
        following = asyncio.create_task(self.search.follow(), name="pyasynq sentinels")
        while self._watch.is_wanted and not self._has_ended.is_set() and not following.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await self._has_ended.wait()
        following.cancel()
        await asyncio.wait((following,), timeout=END_S)


_watches: WeakValueDictionary[Hashable, SentinelWatch] = WeakValueDictionary()
_lock = threading.Lock()
_of_parents: list[object] = []


def shared_watch(key: Hashable, make: Callable[[], SentinelWatch]) -> SentinelWatch:
    """Return the one watch of this process for *key*; *make* makes it if there is none."""
    with _lock:
        watch = _watches.get(key)
        if watch is None:
            watch = _watches[key] = make()
        return watch


def _forget_the_parent() -> None:
    """Begin anew in a forked child; what belongs to the parent's threads is left alone."""
    global _lock  # noqa: PLW0603 - a thread that does not exist here may hold it
    _lock = threading.Lock()
    for watch in list(_watches.values()):
        _of_parents.append(vars(watch).copy())
        watch.forget()


os.register_at_fork(after_in_child=_forget_the_parent)
