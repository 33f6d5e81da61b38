# Generated from inspector_async.py by tools/unasync.py: change that file.
"""The inspector: one connection for everything that looks at or controls queues and tasks."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from pyasynq.broker.runners.runner import PATIENCE_S, Runner
from pyasynq.clock import Clock, SystemClock, clock_fault
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.connection.options import Kind
from pyasynq.errors import ConfigError
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.groups import Groups
from pyasynq.inspector.queues import Queues
from pyasynq.inspector.redis_details import RedisDetails
from pyasynq.inspector.schedulers import Schedulers
from pyasynq.inspector.servers import Servers
from pyasynq.inspector.tasks import Tasks
from pyasynq.options import Duration, duration_fault, to_seconds

if TYPE_CHECKING:
    from pyasynq.inspector.snapshots import Snapshots
    from pyasynq.inspector.types import Types


class Inspector:
    """Looks at queues and tasks, and controls them.

    Every method, also of its parts, raises RedisUnavailableError if Redis does not answer; the
    `may_have_happened` of the error says whether a change may have been made nevertheless.

    Args:
        source: where Redis is, as for a client.
        clock: where to get the time; the machine's clock if not given.
        patience: for how long a Redis that cannot be reached is tried, 5 seconds if not given.

    Raises:
        ConfigError: the URL or another argument is wrong.

    Attributes:
        queues: queues: their counts and history; pause and delete them.
        tasks: tasks: list, search, run, archive, delete, cancel and change them.
        groups: groups of tasks that wait to be aggregated.
        servers: servers that are alive, and what they run.
        schedulers: periodic tasks, and what they have enqueued.
        redis: what Redis reports about itself.
        clock: knows the time, also that of Redis, as far as answers have told it.
    """

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        clock: Clock | None = None,
        patience: Duration = PATIENCE_S,
    ) -> None:
        ConfigError.raise_if([clock_fault(clock), duration_fault("patience", patience)])
        used = clock or SystemClock()
        self._connector = Connector.of(source)
        self._runner = Runner(self._connector.open_sync(), clock=used)
        self.clock = used
        self._calls = calls = Calls(
            self._runner, used, self._connector.namespace, to_seconds(patience)
        )
        self.queues: Queues = Queues(calls)
        self.tasks: Tasks = Tasks(calls)
        self.groups: Groups = Groups(calls)
        self.servers: Servers = Servers(calls)
        self.schedulers: Schedulers = Schedulers(calls)
        self.redis: RedisDetails = RedisDetails(calls)

    @property
    def snapshots(self) -> "Snapshots":
        """All queues, servers and schedulers at once, for those who look again and again."""
        from pyasynq.inspector.snapshots import (  # noqa: PLC0415 - a command does without
            Snapshots,
        )

        return Snapshots(self._calls)

    @property
    def types(self) -> "Types":
        """Task types: who handles them, and what was done of them in the last hour."""
        # Most inspectors never ask for them.
        from pyasynq.inspector.types import Types  # noqa: PLC0415

        return Types(self._calls)

    @property
    def description(self) -> str:
        """Where Redis is, without secrets."""
        return self._connector.description

    @property
    def address(self) -> str:
        """Host and port of Redis, or of the nodes or sentinels that were named; or its socket."""
        return self._connector.address

    @property
    def kind(self) -> Kind:
        """What it is connected as: "standalone", "unix", "sentinel", "cluster" or "embedded"."""
        return self._connector.kind

    @property
    def is_cluster(self) -> bool:
        """Whether Redis is connected as a cluster."""
        return self._connector.is_cluster

    def close(self) -> None:
        """Close the connections; safe to repeat."""
        self._runner.close()
        self._connector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
