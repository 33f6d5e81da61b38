"""What a worker process and the one that started it say to each other: lines of JSON on a socket.

    down   Order once, at the start; then Told
    up     Started once, before the worker connects; Failed before it ends because of an error

The socket tells more than its lines: when the starter is gone, however it went, the worker reads
the end of the stream. The order travels here, since everybody can see command lines.
"""

from typing import Any, Literal

import msgspec

Word = Literal["pause", "stop", "hurry"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process shall do.

    Attributes:
        target: ``module:app``.
        redis_url: where Redis is; None leaves it to the App and the environment.
        is_redis_forced: use *redis_url* even if the App names another place.
        settings: fields of `ServerConfig` to change.
        arguments: ``sys.argv`` of the starter.
        is_relayed: whether the output goes through the starter.
        is_debug: show the traceback of every error.
    """

    target: str
    redis_url: str | None = None
    is_redis_forced: bool = True
    settings: dict[str, Any] = {}
    log_level: str = "info"
    arguments: list[str] = []
    is_relayed: bool = False
    is_debug: bool = False


class Told(msgspec.Struct, frozen=True, tag=True):
    """A word to the worker: fetch nothing more, stop, or stop without waiting for handlers."""

    word: Word


class Started(msgspec.Struct, frozen=True, tag=True):
    """The code is loaded and the worker connects.

    Attributes:
        stops_within_s: `shutdown_timeout` and `cancel_grace` together.
    """

    stops_within_s: float


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker ends because of an error that its user can mend.

    Attributes:
        text: the error.
    """

    text: str


FromWorker = Started | Failed

_order = msgspec.json.Decoder(Order)
_told = msgspec.json.Decoder(Told)
_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)


def line_of(frame: Order | Told | FromWorker) -> bytes:
    """Return *frame* as a line."""
    return msgspec.json.encode(frame) + b"\n"


def read_order(line: bytes) -> Order:
    """Read the first line that a worker gets."""
    return _order.decode(line)


def read_told(line: bytes) -> Told:
    """Read any later line that a worker gets."""
    return _told.decode(line)


def read_from_worker(line: bytes) -> FromWorker:
    """Read a line of a worker."""
    return _from_worker.decode(line)
