"""When a process that has died is started again."""

from random import Random

from pyasynq.lifecycle.backoff import Backoff

JITTER = 0.1  # so that processes that died together do not come back together


class Restarts:
    """How long to wait before a process is started again.

    Args:
        first_s: the wait after the first death; each further one doubles it.
        longest_s: the wait does not grow beyond this.
        well_s: a process that ran for at least this long ran well: its death counts as a first
            one.
        random: varies the waits.
    """

    def __init__(
        self,
        *,
        first_s: float = 0.25,
        longest_s: float = 30.0,
        well_s: float = 60.0,
        random: Random | None = None,
    ) -> None:
        self._well_s = well_s
        self._backoff = Backoff(first_s, longest_s, jitter=JITTER, random=random)

    def delay_after(self, ran_s: float) -> float:
        """Return for how many seconds to wait after the death of a process that ran for *ran_s*."""
        if ran_s >= self._well_s:
            self._backoff.reset()
        return self._backoff.next_s()
