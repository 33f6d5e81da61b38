"""Counts tasks that run in other processes, whichever queue started those, and what they cost.

Each task appends a byte to a file, so the size of the file is the count. Standard library only.
"""

import os
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.measure.process import cpu_s_of_children
from benchmarks.programs.effort import compute
from benchmarks.programs.role import resident_mb

LOOK_S = 0.01  # between two looks at the file
FILE, COMPUTE_MS = "BENCHMARK_TALLY", "BENCHMARK_COMPUTE_MS"  # variables that children inherit


def count(**_: object) -> None:
    """Count one task and compute for as long as is wanted; what the other processes run."""
    os.write(_opened(), b".")
    compute_s = float(os.environ[COMPUTE_MS]) / 1e3
    if compute_s:
        compute(compute_s)


@cache
def _opened() -> int:
    return os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND)


class Tally:
    """Times the tasks that `count` counts, from when a tenth of them has started.

    By then the processes that run them have been started.

    Args:
        given: the parameters of the role: `tasks` and `compute_ms`.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._tasks: int = given["tasks"]
        self._first = max(1, self._tasks // 10)
        self._before = 0
        self._started_s = self._cpu_s = self._children_cpu_s = 0.0
        self._file, path = tempfile.mkstemp(prefix="pyasynq-benchmark-")
        self._path = Path(path)
        os.environ |= {FILE: path, COMPUTE_MS: str(given.get("compute_ms", 0))}

    def has_all(self) -> bool:
        """Return whether all tasks have started; to be asked again every `LOOK_S`."""
        counted = self._counted()
        if not self._before and counted >= self._first:
            self._started_s, self._cpu_s = time.monotonic(), time.process_time()
            self._children_cpu_s = cpu_s_of_children(os.getpid())
            self._before = counted
        return counted >= self._tasks

    def figures(self) -> dict[str, Any]:
        """Return what `drain` prints; call it once the last task is acknowledged."""
        ended_s, cpu_s = time.monotonic(), time.process_time()
        children_cpu_s = cpu_s_of_children(os.getpid()) - self._children_cpu_s
        measured = max(1, self._counted() - self._before)
        self._path.unlink()
        return {
            "started_s": self._started_s,
            "ended_s": ended_s,
            "count": measured,
            "cpu_us": (cpu_s - self._cpu_s) / measured * 1e6,
            "children_cpu_us": children_cpu_s / measured * 1e6,
            "rss_mb": resident_mb(),
        }

    def _counted(self) -> int:
        return os.fstat(self._file).st_size
