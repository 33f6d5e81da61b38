"""Fails calls at once for a moment after one has waited in vain."""

import threading

from pyasynq.clock import Clock
from pyasynq.errors import RedisUnavailableError

LONGEST_S = 1.0


class FailFast:
    """Lets one call per second try whether Redis answers again, and fails the others at once.

    So a process that serves requests does not collect threads that all wait for the same outage.
    Calls that may wait for longer than the one that failed always try. Any thread may use it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._error: RedisUnavailableError | None = None  # None while Redis answers
        self._patience_s = 0.0  # of the call that failed
        self._try_at = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the last call that is known of has failed."""
        return self._error is not None

    def check(self, patience_s: float) -> None:
        """Return if a call with this patience may try.

        Raises:
            RedisUnavailableError: it may not, since another one has just failed.
        """
        with self._lock:
            if self._error is None or patience_s > self._patience_s:
                return
            now = self._clock.monotonic()
            if now >= self._try_at:
                self._try_at = now + min(LONGEST_S, self._patience_s)
                return
            error = self._error
        tried = "not tried again so soon after a failure"
        raise RedisUnavailableError(error.reason, tried=tried, hint=error.hint)

    def failed(self, error: RedisUnavailableError, patience_s: float) -> None:
        """Note that a call has waited for *patience_s* in vain."""
        with self._lock:
            self._error = error
            self._patience_s = patience_s
            self._try_at = self._clock.monotonic() + min(LONGEST_S, patience_s)

    def succeeded(self) -> None:
        """Note that Redis answers."""
        with self._lock:
            self._error = None
