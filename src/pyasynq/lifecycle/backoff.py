"""How long to wait before something is tried again."""

from random import Random


class Backoff:
    """Waits that grow from try to try, each made shorter or longer at random.

    Args:
        first_s: the wait after the first failure.
        longest_s: no wait is longer than this.
        factor: by how much each wait is longer than the one before.
        jitter: the share, from 0 to 1, by which a wait is varied, so that many who failed
            together do not try again together.
        random: draws the jitter.
    """

    def __init__(
        self,
        first_s: float,
        longest_s: float,
        *,
        factor: float = 2.0,
        jitter: float = 0.5,
        random: Random | None = None,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._factor = factor
        self._jitter = jitter
        self._random = random or Random()  # noqa: S311 - spreads load, guards nothing
        self._wait_s = first_s

    def next_s(self) -> float:
        """Return how long to wait now; the next wait will be longer."""
        wait_s = self._wait_s
        self._wait_s = min(self._longest_s, self._factor * wait_s)
        return min(self._longest_s, wait_s * (1 + self._jitter * self._random.uniform(-1, 1)))

    def reset(self) -> None:
        """Begin with the first wait again, after a success."""
        self._wait_s = self._first_s
