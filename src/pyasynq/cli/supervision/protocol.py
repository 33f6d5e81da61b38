"""The messages between a worker process and the one that started it: lines of JSON on a socket.

    to the worker     Order once, at the start; then Command
    from the worker   Started once, before it connects; Report for each command "report"; Measured
                      for each command "measure", and before it ends if its output is relayed;
                      Failed before it ends because of an error

When the starter is gone, for whatever reason, the worker reads the end of the stream. The order is
sent over the socket because everybody can see command lines.
"""

from typing import Any, Literal

import msgspec

from pyasynq.cli.logs import LogSettings
from pyasynq.connection.options import ConnectionOptions
from pyasynq.lifecycle.health import Health
from pyasynq.measurements.reading import Reading

CommandName = Literal["pause", "stop", "hurry", "report", "measure"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process shall do.

    Attributes:
        target: ``module:app``.
        app_dir: folder of that module; None for the current directory.
        redis_url: where Redis is; None leaves it to the App and the environment.
        is_redis_forced: use *redis_url* even if the App names another Redis.
        settings: fields of `ServerConfig` to change.
        is_scheduling: whether it enqueues the periodic tasks of the App besides.
        log: how the process logs.
        arguments: ``sys.argv`` of the starter.
        is_relayed: whether the output goes through the starter.
    """

    target: str
    app_dir: str | None = None
    redis_url: str | None = None
    is_redis_forced: bool = True
    settings: dict[str, Any] = {}
    is_scheduling: bool = True
    log: LogSettings = LogSettings()
    arguments: list[str] = []
    is_relayed: bool = False


class Command(msgspec.Struct, frozen=True, tag=True):
    """What the worker has to do.

    That is to fetch nothing more, to stop, to stop without waiting for handlers, to report, or to
    tell what was measured.
    """

    name: CommandName


class Started(msgspec.Struct, frozen=True, tag=True):
    """The code is loaded, and the worker is about to connect.

    Attributes:
        stops_within_s: `shutdown_timeout` and `cancel_grace` together.
        redis: where Redis is; None if the environment says that, or nobody can.
        has_own_client: whether the App was given a redis-py client, which knows where that is.
    """

    stops_within_s: float
    redis: ConnectionOptions | None = None
    has_own_client: bool = False


class Report(msgspec.Struct, frozen=True, tag=True):
    """The event loop turns.

    Attributes:
        health: of the server and the scheduler.
    """

    health: Health


class Measured(msgspec.Struct, frozen=True, tag=True):
    """What the worker has measured since its start.

    Attributes:
        readings: as `presentable` returns them.
    """

    readings: list[Reading]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker ends because of an error that its user can mend.

    Attributes:
        text: of the error.
    """

    text: str


FromWorker = Started | Report | Measured | Failed

_order = msgspec.json.Decoder(Order)
_command = msgspec.json.Decoder(Command)
_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)


def encoded(message: Order | Command | FromWorker) -> bytes:
    """Return *message* as a line."""
    return msgspec.json.encode(message) + b"\n"


def read_order(line: bytes) -> Order:
    """Read the first line that a worker gets."""
    return _order.decode(line)


def read_command(line: bytes) -> Command:
    """Read any later line that a worker gets."""
    return _command.decode(line)


def read_from_worker(line: bytes) -> FromWorker:
    """Read a line of a worker."""
    return _from_worker.decode(line)
