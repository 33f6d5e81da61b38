"""Watches the event loop and the slots of this server.

A thread asks the loop for a sign of life at an interval. A loop that does not give one within
another interval is blocked, mostly by a handler; the frame that blocks it is logged once. Leases
are safe meanwhile, since heartbeats have a thread of their own.

A slot is stuck when its handler was asked to end, or its time was up, longer than `cancel_grace`
ago and it still goes on. Nothing can end a thread, or a coroutine that swallows its cancellation,
so a server all of whose slots are stuck takes no more tasks: it is not ready.
"""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.lifecycle.component import Life, in_thread
from pyasynq.lifecycle.health import Condition, HealthCheck
from pyasynq.options import to_seconds
from pyasynq.shown import shown
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.watchdog")

LATE_S = 0.8  # a sign of life that takes longer is missing
NO_SIGN = "its event loop does not turn"
STUCK = "every slot is taken by a handler that does not end"
MOST_TYPES = 10  # in one line
FRAMES = 12  # of a stack, as logged; the innermost
# Who calls what blocks the loop: file and function, what is nearest to a handler first.
CALLERS = (
    ("pyasynq/worker/execute/executor.py", "_run"),
    ("asyncio/events.py", "_run"),
    ("asyncio/runners.py", "run"),  # of other loops, which are not written in Python
)


class Watchdog:
    """The watch, at `watchdog_interval`.

    Args:
        running: the tasks whose handlers have not ended.
    """

    name = "watchdog"

    def __init__(self, resources: ServerResources, running: Collection[RunningTask]) -> None:
        config = resources.config
        self._interval_s = to_seconds(config.watchdog_interval)
        self._grace_s = to_seconds(config.cancel_grace)
        self._slots = config.concurrency
        self._clock = resources.clock
        self._delays = resources.measures.loop_delays
        self._running = running
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._was_stuck = False
        self._slots_free = Condition("slots", resources.clock)
        self._turning = Condition("loop", resources.clock)
        self._asked: float | None = None  # monotonic; None when the loop has given its sign

    @property
    def loop(self) -> HealthCheck:
        """Whether the event loop turns; may be asked in any thread."""
        asked, check = self._asked, self._turning.check
        late_s = 0.0 if asked is None else self._clock.monotonic() - asked
        if late_s < LATE_S:
            return check
        since_ns = self._clock.now_ns() - int(late_s * NANOSECONDS)
        return HealthCheck(name=check.name, ok=False, since=to_datetime(since_ns), detail=NO_SIGN)

    @property
    def slots(self) -> HealthCheck:
        """Whether a slot is not stuck; may be asked in any thread."""
        if self.is_every_slot_stuck:
            self._slots_free.fails(STUCK)
        else:
            self._slots_free.passes()
        return self._slots_free.check

    @property
    def is_every_slot_stuck(self) -> bool:
        """Whether every slot is stuck; may be asked in any thread."""
        now, running = self._loop.time(), tuple(self._running)
        return sum(is_stuck(each, now, self._grace_s) for each in running) >= self._slots

    async def run(self, life: Life) -> None:
        """Watch until the stop."""
        life.started()
        await in_thread(self._watch, life, name=self.name)

    def look(self) -> None:
        """Look at the slots, and log a change once."""
        is_every_slot_stuck = not self.slots.ok
        if is_every_slot_stuck and not self._was_stuck:
            types = sorted({running.message.type for running in self._running})
            logger.error(
                "not ready: every slot is taken by a handler that does not end (%s)",
                ", ".join(repr(shown(each)) for each in types[:MOST_TYPES]),
            )
        elif self._was_stuck and not is_every_slot_stuck:
            logger.info("ready: a slot is free again")
        self._was_stuck = is_every_slot_stuck

    def _watch(self, stop: threading.Event) -> None:
        turned = threading.Event()
        while not stop.wait(self._interval_s):
            turned.clear()
            self._asked = asked = self._clock.monotonic()
            self._loop.call_soon_threadsafe(self._turn, turned, asked)
            if turned.wait(self._interval_s):
                continue
            is_logged = self._log_what_blocks(asked, turned)
            while not (turned.wait(self._interval_s) or stop.is_set()):
                pass
            if is_logged and turned.is_set():
                blocked_s = self._clock.monotonic() - asked
                logger.info("the event loop turns again after %.1f s", blocked_s)

    def _turn(self, turned: threading.Event, asked: float) -> None:
        """Give the sign of life; on the loop."""
        self._asked, delay_s = None, self._clock.monotonic() - asked
        if delay_s >= LATE_S:
            self._turning.fails(NO_SIGN)
        self._turning.passes()
        turned.set()
        self._delays.add(delay_s)
        self.look()

    def _log_what_blocks(self, asked: float, turned: threading.Event) -> bool:
        """Log the stack that blocks the loop, unless it has just turned."""
        # The only way to the stack of another thread; documented, in spite of its name.
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001
        stack = what_runs(traceback.extract_stack(frame)) if frame else ""
        blocking = asyncio.current_task(self._loop)
        if turned.is_set():
            return False
        logger.warning(
            "the event loop has not turned for %.1f s; until this returns, only heartbeats go on "
            "(in %s):\n%s",
            self._clock.monotonic() - asked,
            shown(blocking.get_name()) if blocking else "a callback",
            stack,
        )
        return True


def what_runs(stack: Sequence[traceback.FrameSummary]) -> str:
    """Return the part of the loop's *stack* that a handler or a callback runs, at most 12 frames.

    Left out is what started the loop, and what called the handler.
    """
    begin = 0
    for caller in CALLERS:
        inside = [n for n, each in enumerate(stack) if _is_in(each, caller)]
        if inside:
            begin = inside[-1] + 1
            break
    frames = stack[begin:] or stack
    return "".join(traceback.format_list(list(frames)[-FRAMES:]))


def _is_in(frame: traceback.FrameSummary, caller: tuple[str, str]) -> bool:
    file, name = caller
    return frame.name == name and Path(frame.filename).as_posix().endswith(file)


def is_stuck(running: RunningTask, now: float, grace_s: float) -> bool:
    """Whether a handler goes on beyond every grace; *now* is in the time of the loop."""
    must_end_at = running.ends_at if running.asked_to_end_at is None else running.asked_to_end_at
    return not running.has_ended and now > must_end_at + grace_s
