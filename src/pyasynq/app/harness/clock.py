"""The clock of a test, which takes along what expires in Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from typing_extensions import override

from pyasynq.app.harness.expiry import Expiry
from pyasynq.clock import FakeClock


class HarnessClock(FakeClock):
    """A FakeClock; what expires in the Redis of the test goes by it."""

    def __init__(self) -> None:
        super().__init__()
        self._expiry: Expiry | None = None

    @contextmanager
    def followed_by(self, expiry: Expiry) -> Iterator[None]:
        """Inside the block, let *expiry* follow the clock."""
        self._expiry = expiry
        try:
            yield
        finally:
            self._expiry = None

    @override
    def advance(self, by: timedelta | float) -> None:
        """Move the clock forwards, and let all expire in Redis that is over then.

        Args:
            by: a timedelta or a number of seconds, at least zero.
        """
        if self._expiry is not None:
            self._expiry.hold()
        super().advance(by)
        if self._expiry is not None:
            self._expiry.expire()
