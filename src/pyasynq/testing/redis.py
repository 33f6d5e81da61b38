"""The Redis that tests use: a private one, or a part of one that the user names."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyasynq.app.harness.places import private_place, use_redis

__all__ = ["private_redis", "use_redis"]


@contextmanager
def private_redis() -> Iterator[str]:
    """Give a block a Redis that is empty and that nobody else uses; yield its URL.

    For code that uses no App: a Client, a Server with a ServeMux, an Inspector. It is a database
    of a server that starts on first use and is private to this process; or a namespace in the
    Redis that `use_redis` or ``PYASYNQ_TEST_REDIS_URL`` names.

    Raises:
        ConfigError: there is no server program; or the Redis that was named holds other data.
        RedisUnavailableError: no server answers.
    """
    with private_place() as place:
        yield place.url
