"""What answers of Redis say: which of them are errors, and whether these concern other calls."""

from collections.abc import Callable, Iterable

from pyasynq.errors import ConfigError, RedisUnavailableError


def concerns_redis_as_a_whole(error: object) -> bool:
    """Whether other calls would fail like this one: Redis cannot be reached, or refuses us."""
    return isinstance(error, RedisUnavailableError | ConfigError)


def raise_first(
    answers: Iterable[object], *, which: Callable[[BaseException], bool] | None = None
) -> None:
    """Raise the first exception among *answers*, if there is one.

    Args:
        which: returns whether to raise an exception; any exception is raised if not given.
    """
    for answer in answers:
        if isinstance(answer, BaseException) and (which is None or which(answer)):
            raise answer
