"""What a handler raises to decide what becomes of its task: control flow, not errors."""

from datetime import timedelta

from pyasynq.error_copies import as_it_is
from pyasynq.errors import ConfigError


class SkipRetry(Exception):  # noqa: N818 - control flow, not an error
    """Raised by a handler: the failure is final; archive the task at once."""


class RevokeTask(Exception):  # noqa: N818 - control flow, not an error
    """Raised by a handler: drop the task; neither retry nor archive it."""


class RetryLater(Exception):  # noqa: N818 - control flow, not an error
    """Raised by a handler: run the task again after *delay*, without counting a failure.

    Attributes:
        delay: from now, at least zero.
        reason: why, for people. It becomes the `last_error` of the task, which without a reason
            stays as it was.

    Raises:
        ConfigError: the delay is no duration or negative, or the reason is no text.
    """

    __reduce__ = as_it_is
    reason: str = ""  # also for a subclass that does not set it

    def __init__(self, delay: timedelta | float, reason: str = "") -> None:
        if isinstance(delay, bool) or not isinstance(delay, timedelta | int | float):
            raise ConfigError(
                f"delay of RetryLater must be a timedelta or a number of seconds, not {delay!r}; "
                "a reason comes second, as in RetryLater(60, 'too many requests')"
            )
        try:
            self.delay: timedelta = (
                delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
            )
        except (ValueError, OverflowError):  # not a number, or too large a one
            raise ConfigError(f"delay of RetryLater is out of range: {delay!r}") from None
        if self.delay < timedelta(0):
            raise ConfigError(f"delay of RetryLater is negative: {delay!r}")
        if not isinstance(reason, str):
            raise ConfigError(f"the reason of RetryLater must be text, not {reason!r}")
        self.reason = reason
        super().__init__(reason or f"retry in {self.delay.total_seconds():g} s")
