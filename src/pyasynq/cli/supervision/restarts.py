"""When a process that has died is started again."""

from dataclasses import dataclass, field
from random import Random

FACTOR = 2.0
JITTER = 0.1  # so that processes that died together do not come back together


@dataclass(slots=True, kw_only=True)
class Backoff:
    """How long to wait before a process is started again.

    Attributes:
        first_s: the wait after the first death; each further one doubles it.
        longest_s: the wait does not grow beyond.
        well_s: a process that ran for so long ran well: its death counts as a first one.
    """

    first_s: float = 0.25
    longest_s: float = 30.0
    well_s: float = 60.0
    random: Random = field(default_factory=Random)
    _deaths: int = 0

    def delay_after(self, ran_s: float) -> float:
        """Return for how many seconds to wait after a process that ran for *ran_s*."""
        if ran_s >= self.well_s:
            self._deaths = 0
        delay = min(self.longest_s, self.first_s * FACTOR**self._deaths)
        if delay < self.longest_s:
            self._deaths += 1
        return delay * self.random.uniform(1 - JITTER, 1 + JITTER)
