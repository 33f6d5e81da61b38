"""What is answered in place of what was asked for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from typing_extensions import override

from pyasynq.errors import (
    ConfigError,
    EnqueueError,
    FilterError,
    IncompatibleRedisError,
    NotFoundError,
    PayloadError,
    PyasynqError,
    QueueNotEmptyError,
    RedisUnavailableError,
    StateError,
)

NO_HEADERS: Mapping[str, str] = {}
NO_VALUES: Mapping[str, Any] = {}


class Refusal(Exception):  # noqa: N818 - it is an answer to a request, and no error of ours
    """A request is refused.

    Attributes:
        status: of the answer.
        text: what is wrong, and what to do about it; no secret, no traceback.
        headers: further headers of the answer.
        key: what is wrong, for those who tell it in other languages; empty if they cannot.
        values: what the text is made of.
    """

    def __init__(
        self,
        status: int,
        text: str = "",
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        key: str = "",
        values: Mapping[str, Any] = NO_VALUES,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers
        self.key = key
        self.values = values

    @override
    def __str__(self) -> str:
        return f"{self.status} {self.text}"


# The first one that fits counts. A conflict is 409 where asynqmon answers 500, since it is no fault
# of the server, and must not alarm those who count its faults.
_STATUSES: tuple[tuple[type[PyasynqError], int], ...] = (
    (RedisUnavailableError, 503),
    (IncompatibleRedisError, 503),
    (NotFoundError, 404),
    (QueueNotEmptyError, 400),
    (StateError, 409),
    (EnqueueError, 409),
    (PayloadError, 409),
    (FilterError, 400),
    (ConfigError, 503),  # arguments were checked before: the settings of the connection are wrong
)


def refusal_of(error: PyasynqError) -> Refusal:
    """Return what is answered if an error stops a request."""
    status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)
    headers = {"Retry-After": "5"} if isinstance(error, RedisUnavailableError) else NO_HEADERS
    return Refusal(
        status, _text(error), headers=headers, key=type(error).__name__, values=vars(error)
    )


@contextmanager
def as_bad_request() -> Iterator[None]:
    """Answer what is wrong with an argument as the fault of the request."""
    try:
        yield
    except FilterError:
        raise
    except ConfigError as error:
        raise Refusal(400, str(error)) from error


def _text(error: PyasynqError) -> str:
    if isinstance(error, QueueNotEmptyError):  # its own text names an argument of Python
        return f"queue {error.queue!r} is not empty ({error.size} tasks); delete its tasks first"
    return str(error)
