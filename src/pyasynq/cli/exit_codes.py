"""What the exit codes mean.

0 ok · 1 failure · 2 usage, or a Redis that lacks something · 3 not found
4 conflict or precondition · 5 some of several things failed
69 Redis unavailable · 130 interrupted
"""

from pyasynq.errors import (
    ConfigError,
    EnqueueError,
    IncompatibleRedisError,
    NotFoundError,
    RedisUnavailableError,
    StateError,
)

FAILURE = 1
USAGE = 2
NOT_FOUND = 3
CONFLICT = 4
PARTLY = 5
INTERRUPTED = 130  # 128 and SIGINT, like a shell

EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (RedisUnavailableError, 69),  # EX_UNAVAILABLE of sysexits.h
    (NotFoundError, NOT_FOUND),
    (EnqueueError, CONFLICT),
    (StateError, CONFLICT),
    (ConfigError, USAGE),
    (IncompatibleRedisError, USAGE),
)


def exit_code(error: Exception) -> int:
    """Return the exit code that stands for *error*."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), FAILURE)
