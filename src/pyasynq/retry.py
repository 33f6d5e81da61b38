"""Which exceptions are failures, and how long a failed task waits before it is tried again.

A retry delay is a function of (times retried so far, error, task); the functions here return the
usual ones.
"""

import inspect
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

from pyasynq.errors import ConfigError
from pyasynq.options import LONGEST, Duration, duration_fault, to_timedelta
from pyasynq.task import Task

__all__ = [
    "IsFailure",
    "RetryDelay",
    "always_failure",
    "asynq_default",
    "exponential",
    "fixed",
    "schedule",
]

RetryDelay = Callable[[int, BaseException, Task], Duration]
IsFailure = Callable[[BaseException], bool]

_LONGEST_S = LONGEST.total_seconds()
_random = random.Random()  # noqa: S311 - spreads load, guards nothing


def always_failure(error: BaseException) -> bool:
    """Count every exception as a failure: the default of `is_failure`."""
    del error
    return True


def asynq_default(retried: int, error: BaseException, task: Task) -> timedelta:
    """Wait as Go Asynq does: n⁴ + 15 + r·(n+1) seconds, with r from 0 to 29.

    n is *retried*, how often the task was retried so far. About 15 to 44 s at first, 3.85 days at
    n = 24. asynq v0.26 server.go: DefaultRetryDelayFunc.
    """
    del error, task
    seconds = retried**4 + 15 + _random.randrange(30) * (retried + 1)
    return timedelta(seconds=min(seconds, _LONGEST_S))


def fixed(delay: Duration) -> RetryDelay:
    """Always wait *delay*.

    Raises:
        ConfigError: the delay is negative or longer than 100 years.
    """
    ConfigError.raise_if(_faults(delay=delay))
    span = to_timedelta(delay)

    def wait(retried: int, error: BaseException, task: Task) -> timedelta:
        del retried, error, task
        return span

    return wait


def exponential(
    base: Duration,
    factor: float = 2.0,
    maximum: Duration = timedelta(days=1),
    jitter: float = 0.1,
) -> RetryDelay:
    """Wait base · factorⁿ, at most *maximum*, varied at random.

    Args:
        base: the first wait.
        factor: by how much each wait is longer than the one before; from 1 to 1000.
        maximum: the longest wait, before the jitter.
        jitter: the share, from 0 to 1, by which each wait is made shorter or longer at random.

    Raises:
        ConfigError: names every wrong argument.
    """
    faults = _faults(base=base, maximum=maximum)
    if not _is_from(1, 1000, factor):
        faults.append(f"factor must be from 1 to 1000, not {factor!r}")
    if not _is_from(0, 1, jitter):
        faults.append(f"jitter must be from 0 to 1, not {jitter!r}")
    ConfigError.raise_if(faults)
    first_s = to_timedelta(base).total_seconds()
    longest_s = to_timedelta(maximum).total_seconds()

    def wait(retried: int, error: BaseException, task: Task) -> timedelta:
        del error, task
        try:
            seconds = min(longest_s, first_s * factor**retried)
        except OverflowError:
            seconds = longest_s
        return timedelta(seconds=seconds * (1 + jitter * _random.uniform(-1, 1)))

    return wait


def schedule(delays: Sequence[Duration]) -> RetryDelay:
    """Wait *delays* in turn; the last one is repeated.

    Raises:
        ConfigError: no delay is given, or one is wrong.
    """
    if isinstance(delays, str | bytes) or not isinstance(delays, Sequence):
        raise ConfigError(f"schedule takes a list of delays, not {type(delays).__name__}")
    if not delays:
        raise ConfigError("schedule needs at least one delay")
    ConfigError.raise_if(_faults(**{f"delay {n}": each for n, each in enumerate(delays)}))
    spans = [to_timedelta(each) for each in delays]

    def wait(retried: int, error: BaseException, task: Task) -> timedelta:
        del error, task
        return spans[min(retried, len(spans) - 1)]

    return wait


def retry_delay_fault(value: object) -> str | None:
    """Return what is wrong with a retry delay of a task or a server; None if it is good."""
    if any(value is each for each in (fixed, exponential, schedule)):
        name = getattr(value, "__name__", "")
        return f"retry_delay must be what retry.{name}(…) returns, not retry.{name} itself"
    if callable(value):
        wanted = "(times retried, error, task)"
        return None if _takes(value, 3) else f"retry_delay must take 3 arguments {wanted}"
    advice = "retry.fixed(…) or retry.exponential(…)"
    if isinstance(value, int | float):
        advice = f"retry.fixed({value!r})"
    elif isinstance(value, timedelta):
        advice = "retry.fixed(…)"
    elif isinstance(value, list | tuple):
        advice = "retry.schedule([…])"
    return f"retry_delay must be callable, not {type(value).__name__}; write {advice}"


def is_failure_fault(value: object) -> str | None:
    """Return what is wrong with an is_failure of a task or a server; None if it is good."""
    if isinstance(value, type) and issubclass(value, BaseException):
        name = value.__name__
        return f"is_failure must be a function; write `lambda error: isinstance(error, {name})`"
    if callable(value):
        return None if _takes(value, 1) else "is_failure must take one argument, the exception"
    return (
        f"is_failure must be callable, not {type(value).__name__}; "
        "write `lambda error: isinstance(error, …)`"
    )


def _is_from(low: float, high: float, value: object) -> bool:
    return isinstance(value, int | float) and low <= value <= high


def _takes(function: Callable[..., object], count: int) -> bool:
    """Return whether *function* can be called with *count* arguments, as far as it tells."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a function of an extension
        return True
    return True


def _faults(**durations: Duration) -> list[str]:
    found = (duration_fault(what, value) for what, value in durations.items())
    return [fault for fault in found if fault]
