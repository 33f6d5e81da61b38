"""A file to which every task appends its number when it starts, and what is seen of it when."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure.program import LIMIT_S, ProgramFailedError


@dataclass
class Ledger:
    """The starts of tasks, written by a worker and read here.

    Attributes:
        path: of the file, a line for each start; the worker makes it.
        seen: when the first start of each task was seen, by its number.
        repeated: how many starts followed the first one of their task.
    """

    path: Path
    seen: dict[str, float] = field(default_factory=dict)
    repeated: int = 0
    _read: int = 0

    def look(self) -> int:
        """Read what is new; return how many starts that is."""
        if not self.path.exists():
            return 0
        numbers = self.path.read_text("ascii").split()[self._read :]
        self._read += len(numbers)
        for number in numbers:
            self.repeated += number in self.seen
            self.seen.setdefault(number, time.monotonic())
        return len(numbers)

    def wait_until_steady(self, quiet_s: float, look_s: float) -> None:
        """Wait until some tasks have started, and none within *quiet_s*.

        Raises:
            ProgramFailedError: none has started for three minutes.
        """
        began_s = last_s = time.monotonic()
        while not self.seen or time.monotonic() < last_s + quiet_s:
            if self.look():
                last_s = time.monotonic()
            elif not self.seen and time.monotonic() > began_s + LIMIT_S:
                raise ProgramFailedError(f"no task has started within {LIMIT_S:g} s")
            time.sleep(look_s)

    def wait_until(self, tasks: int, look_s: float, *, end_s: float) -> None:
        """Wait until that many tasks have started, or until *end_s* on the monotonic clock."""
        while len(self.seen) < tasks and time.monotonic() < end_s:
            self.look()
            time.sleep(look_s)
