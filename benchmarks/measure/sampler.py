"""Samples where the main thread is, each sample weighted by the CPU time since the last one.

A signal that comes every half millisecond is handled by the interpreter at its next check: after a
call, at the start of a function, at the end of a loop. So time inside C code counts for the line
that called it, and a sample at the very start of a function for what called the function. What the
event loop itself does shows up where the loop was entered.
"""

import dis
import linecache
import os
import signal
import time
from collections import defaultdict
from types import CodeType, FrameType
from typing import NamedTuple

INTERVAL_S = 0.0005
RESUME = dis.opmap["RESUME"]


class SourceLine(NamedTuple):
    """Where a sample was taken.

    Attributes:
        file: of the source.
        function: with its class.
        line: its text, without the indentation.
    """

    file: str
    function: str
    line: str


class Sampler:
    """Collects samples between `start` and `stop`, both called by the main thread.

    Attributes:
        other_threads_s: CPU seconds of the other threads meanwhile.
        kernel_s: how much of all CPU time was spent in the kernel.
    """

    def __init__(self) -> None:
        self.other_threads_s = 0.0
        self.kernel_s = 0.0
        self._found: defaultdict[tuple[CodeType, int], float] = defaultdict(float)
        self._last_s = 0.0

    @property
    def cpu_s(self) -> dict[SourceLine, float]:
        """CPU seconds of the main thread by source line."""
        lines: defaultdict[SourceLine, float] = defaultdict(float)
        for (code, number), seconds in self._found.items():
            line = linecache.getline(code.co_filename, number).strip()
            lines[SourceLine(code.co_filename, code.co_qualname, line)] += seconds
        return lines

    def start(self) -> None:
        """Begin to sample."""
        signal.signal(signal.SIGALRM, self._take)
        self._last_s = time.thread_time()
        self.other_threads_s = self._last_s - time.process_time()
        self.kernel_s = -os.times().system
        signal.setitimer(signal.ITIMER_REAL, INTERVAL_S, INTERVAL_S)

    def stop(self) -> None:
        """End; the attributes are right from now on."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.other_threads_s += time.process_time() - time.thread_time()
        self.kernel_s += os.times().system
        signal.signal(signal.SIGALRM, signal.SIG_IGN)

    def _take(self, _signal: int, frame: FrameType | None) -> None:
        now_s = time.thread_time()
        spent_s, self._last_s = now_s - self._last_s, now_s
        if frame is not None and frame.f_code.co_code[frame.f_lasti] == RESUME:
            frame = frame.f_back
        if frame is not None:
            self._found[frame.f_code, frame.f_lineno or 0] += spent_s
