"""What the system knows about another process. Linux only."""

import resource
import time
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
