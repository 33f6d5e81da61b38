"""Threads for plain functions.

    event loop ── calls ──► deque ──► threads ──► deque ── calls that have ended ──► event loop

One thread at a time is being woken, by the loop or by a thread that takes a call while more wait,
and the loop is woken once for all calls that have ended meanwhile. So short functions cost few
switches between threads, and each long one finds a thread of its own.
"""

import asyncio
import threading
from _thread import LockType, allocate_lock
from collections import deque

from typing_extensions import override

from pyasynq.worker.threads import Call, ExecutorPool, MakeThreads, Pool, in_threads


def pool_of(size: int, make_threads: MakeThreads) -> Pool:
    """Return at most *size* threads for handlers, or what *make_threads* has instead of them."""
    if make_threads is in_threads:
        return ThreadPool(size)
    return ExecutorPool(make_threads(size, "pyasynq handler"))


class ThreadPool(Pool):
    """Runs plain functions; a thread cannot be killed, so each is waited for to its end.

    Its methods are called on one event loop.

    Args:
        size: how many threads there may be; each starts when it is first needed.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: deque[Call] = deque()  # that wait for a thread
        self._ended: deque[Call] = deque()  # that wait for the loop
        self._idle: list[LockType] = []  # on which threads wait, the last one first
        self._count = 0  # of threads
        self._starting = threading.Lock()
        self._unfinished = 0  # calls that the loop has not collected
        self._is_waking = False  # whether a thread is on its way to the calls
        self._is_collecting = False  # whether the loop is on its way to what has ended
        self._is_closed = False

    @property
    @override
    def busy(self) -> int:
        """How many functions have not ended."""
        return self._unfinished - len(self._ended)

    @override
    def start(self, call: Call) -> None:
        """Let a thread make *call* soon."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._unfinished += 1
        self._calls.append(call)
        if not self._is_waking:
            self._wake_one()
        if self._is_closed or not self._count:
            self._drop(RuntimeError("no thread can be started"))

    @override
    def take_back(self, call: Call) -> bool:
        """Take back a call that still waits for a thread; return whether it did.

        Then neither its function nor `ended` will be called.
        """
        try:
            self._calls.remove(call)
        except ValueError:
            return False
        self._unfinished -= 1
        return True

    @override
    def close(self) -> None:
        """Take no more work; threads that still run are left to end by themselves."""
        self._is_closed = True
        self._drop(asyncio.CancelledError())
        while self._idle:
            self._idle.pop().release()

    def _drop(self, error: BaseException) -> None:
        """End the calls that wait for a thread."""
        while True:
            try:
                call = self._calls.popleft()
            except IndexError:
                break
            call.error, call.has_ended = error, True
            self._ended.append(call)
        if self._ended and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon(self._collect)

    def _collect(self) -> None:
        """Hand on the calls that have ended."""
        self._is_collecting = False  # first: what ends from now on wakes the loop again
        ended = self._ended
        try:
            while ended:
                call = ended.popleft()
                self._unfinished -= 1
                call.ended()
        finally:
            if ended and self._loop is not None:  # one that fails does not keep back the others
                self._loop.call_soon(self._collect)

    # In any thread

    def _wake_one(self) -> None:
        """Wake an idle thread, or start another one; do nothing if all are busy."""
        try:
            wake = self._idle.pop()
        except IndexError:
            if self._count < self._size:
                self._start_thread()
            return
        self._is_waking = True
        wake.release()

    def _start_thread(self) -> None:
        with self._starting:
            if self._count >= self._size or self._is_closed:
                return
            name = f"pyasynq handler_{self._count}"
            self._is_waking = True
            try:
                # One that never ends must not keep the interpreter from its end.
                threading.Thread(target=self._work, name=name, daemon=True).start()
            except RuntimeError:  # the system has no room for it; those that are there go on
                self._is_waking = False
                return
            self._count += 1

    # In the threads of the pool

    def _work(self) -> None:
        """Make calls until the pool is closed."""
        calls, wake = self._calls, allocate_lock()
        wake.acquire()
        self._is_waking = False
        while not self._is_closed:
            try:
                call = calls.popleft()
            except IndexError:
                self._wait(wake)
                continue
            if calls and not self._is_waking:
                self._wake_one()
            call.run()
            self._ended.append(call)
            del call
            if not self._is_collecting:
                self._is_collecting = True
                if not self._wake_loop():
                    return

    def _wait(self, wake: LockType) -> None:
        """Wait for a call, or for the end of the pool."""
        self._idle.append(wake)
        if self._calls or self._is_closed:  # whoever changed that may have seen nobody idle
            try:
                self._idle.remove(wake)
            except ValueError:
                pass  # this thread is being woken just now
            else:
                return
        wake.acquire()
        self._is_waking = False

    def _wake_loop(self) -> bool:
        """Let the loop collect what has ended; return False if it is closed."""
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._collect)
        except RuntimeError:  # nobody waits for it any more
            return False
        return True
