"""What the system knows about other processes. Linux only, and standard library only."""

import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path

CPUCLOCK_SCHED = 2


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used, all its threads together."""
    # The ID of the clock is what clock_getcpuclockid(3) makes of the process's.
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


def resident_mb(pid: int) -> float:
    """Return the memory that a process has resident, in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def cpu_s_of_children(pid: int) -> float:
    """Return the CPU seconds of all that this process, whose ID is *pid*, has started.

    Of those that have ended, only the ones that were waited for count.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = ended.ru_utime + ended.ru_stime
    for child in _descendants(pid):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            used_s += cpu_s(child)
    return used_s


def _descendants(pid: int) -> Iterator[int]:
    parents = dict(_parents())
    found = {pid}
    # A process may have a lower ID than its parent, so one pass is not enough.
    while more := {each for each, parent in parents.items() if parent in found} - found:
        yield from more
        found |= more


def _parents() -> Iterator[tuple[int, int]]:
    """Return each process of this machine with its parent."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of the program, in brackets, may hold spaces and brackets itself.
            yield int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[1])
