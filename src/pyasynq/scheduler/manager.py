"""A scheduler whose periodic tasks come from a function or a file, and change while it runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, timedelta, tzinfo
from typing import Self

import msgspec

from pyasynq.clock import Clock, SystemClock
from pyasynq.connection.connector import ConnectionSource
from pyasynq.errors import ConfigError, EntryNotFoundError
from pyasynq.events.event import PeriodicEventName
from pyasynq.events.listeners import P
from pyasynq.measurements.reading import Reading
from pyasynq.options import Duration, duration_fault, to_seconds
from pyasynq.scheduler.config import PeriodicTaskConfig, Wanted, wanted
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.hooks import AfterEnqueue, BeforeEnqueue, OnEnqueueError
from pyasynq.scheduler.provider import Provider, source_of
from pyasynq.scheduler.scheduler import DEFAULT_HEARTBEAT, DEFAULT_NAME, Scheduler
from pyasynq.scheduler.syncer import Syncer
from pyasynq.shown import LONGEST_ERROR, shown

logger = logging.getLogger("pyasynq.scheduler")

DEFAULT_SYNC = timedelta(minutes=3)  # asynq v0.26 periodic_task_manager.go


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync has changed.

    Attributes:
        added: IDs of entries that are new, or were replaced since they have changed.
        removed: IDs of entries that are gone.
        faults: what is wrong with entries that were skipped, one sentence each.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    faults: tuple[str, ...]


class PeriodicTaskManager:
    """Enqueues the periodic tasks that a provider returns, and follows its changes.

    Everything else is as with `Scheduler`: any number of processes may run a manager of the same
    name, and each tick makes one task. An entry that has not changed keeps ticking through a sync.
    One that is wrong is skipped and reported in the log; if it has a key, it stays as it was.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours.
        provider: a function, plain or async, that returns `PeriodicTaskConfig` entries; or the
            path of a YAML, TOML or JSON file, which is also read within about a second of a
            change. A plain function is called in a thread.
        sync_interval: how often the provider is asked, at least 1 s.
        name: as for `Scheduler`.
        location: as for `Scheduler`.
        pre_enqueue: as for `Scheduler`.
        post_enqueue: as for `Scheduler`.
        on_error: as for `Scheduler`.
        heartbeat_interval: as for `Scheduler`.
        clock: as for `Scheduler`.

    Raises:
        ConfigError: names every argument that is wrong.
    """

    def __init__(
        self,
        source: ConnectionSource,
        provider: Provider,
        sync_interval: Duration = DEFAULT_SYNC,
        *,
        name: str = DEFAULT_NAME,
        location: tzinfo | str = UTC,
        pre_enqueue: BeforeEnqueue | None = None,
        post_enqueue: AfterEnqueue | None = None,
        on_error: OnEnqueueError | None = None,
        heartbeat_interval: Duration = DEFAULT_HEARTBEAT,
        clock: Clock | None = None,
    ) -> None:
        ConfigError.raise_if(
            [duration_fault("sync_interval", sync_interval, minimum=timedelta(seconds=1))]
        )
        self._wanted_from = source_of(provider)
        self._syncing = asyncio.Lock()
        self._by_hand: dict[str, Entry] = {}
        self._faults: frozenset[str] = frozenset()  # that are logged already
        self._scheduler = Scheduler(
            source,
            name=name,
            location=location,
            pre_enqueue=pre_enqueue,
            post_enqueue=post_enqueue,
            on_error=on_error,
            heartbeat_interval=heartbeat_interval,
            clock=clock,
        )
        syncer = Syncer(
            self.sync,
            self._wanted_from.has_changed,
            interval_s=to_seconds(sync_interval),
            clock=clock or SystemClock(),
        )
        self._scheduler.run_first(syncer)

    @property
    def name(self) -> str:
        """Of the scheduler."""
        return self._scheduler.name

    @property
    def status(self) -> str:
        """One of "new", "active" and "closed"."""
        return self._scheduler.status

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is registered."""
        return self._scheduler.entries

    def on(self, *names: PeriodicEventName) -> Callable[[P], P]:
        """Call the decorated function with what became of ticks; see `Scheduler.on`."""
        return self._scheduler.on(*names)

    def readings(self) -> list[Reading]:
        """Return what its scheduler has measured; see `Scheduler.readings`."""
        return self._scheduler.readings()

    async def sync(self) -> SyncReport:
        """Ask the provider now, and register and unregister what has changed; safe to repeat.

        Raises:
            ConfigError: the provider returned no entries, or its file cannot be read; the old
                entries stay, as after any other exception of the provider.
        """
        async with self._syncing:
            given = await self._wanted_from.read()
            found = wanted(given, self.name, self._scheduler.location)
            report = self._apply(found)
        self._log(report)
        return report

    def add(self, config: PeriodicTaskConfig) -> str:
        """Enqueue one periodic task beside those of the provider, until it is removed.

        Args:
            config: the task, its spec and its policy.

        Returns:
            The ID of the entry. One that is registered already is replaced.

        Raises:
            ConfigError: something is wrong with it.
        """
        if not isinstance(config, PeriodicTaskConfig):
            kind = type(config).__name__
            raise ConfigError(f"a periodic task must be a PeriodicTaskConfig, not {kind}")
        entry = config.to_entry(self.name, self._scheduler.location)
        self._by_hand[entry.id] = entry
        return self._scheduler.add(entry)

    def remove(self, entry_id: str) -> None:
        """Enqueue nothing more for an entry; one that the provider returns is back after a sync.

        Raises:
            EntryNotFoundError: there is no such entry.
        """
        self._by_hand.pop(entry_id, None)
        self._scheduler.unregister(entry_id)

    def run(self, *, on_loop: Callable[[], object] | None = None) -> None:
        """Schedule until SIGTERM or SIGINT; blocks.

        Args:
            on_loop: called once on the loop of the scheduler, before anything starts.

        Raises:
            Exception: what the provider raised at the start.
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: called in a running event loop, or not in the main thread.
        """
        self._scheduler.run(on_loop=on_loop)

    async def serve(self) -> None:
        """Schedule until `shutdown` is called or the caller is cancelled.

        Raises:
            ComponentCrashedError: a part of the scheduler failed; the rest was shut down.
            Exception: what the provider raised at the start.
            RedisUnavailableError: Redis did not answer at the start.
        """
        await self._scheduler.serve()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Schedule around a block, for tests and for embedding; shuts down at its end.

        Raises:
            ComponentCrashedError: at the end of the block: a part failed meanwhile.
            Exception: what the provider raised at the start.
            RedisUnavailableError: Redis did not answer at the start.
        """
        async with self._scheduler.running():
            yield self

    def shutdown(self) -> None:
        """Make `serve` end; another scheduler of this name leads at once. Call it on its loop."""
        self._scheduler.shutdown()

    def _apply(self, found: Wanted) -> SyncReport:
        """Register and unregister what differs."""
        before = {entry.id: entry for entry in self._scheduler.entries}
        after = {**self._by_hand, **found.entries}
        added = [entry for entry in after.values() if before.get(entry.id) != entry]
        kept = found.untouched | set(after)
        removed = [entry_id for entry_id in before if entry_id not in kept]
        for entry in added:
            self._scheduler.add(entry)
        for entry_id in removed:
            with contextlib.suppress(EntryNotFoundError):  # removed in another thread meanwhile
                self._scheduler.unregister(entry_id)
        return SyncReport(
            added=tuple(entry.id for entry in added), removed=tuple(removed), faults=found.faults
        )

    def _log(self, report: SyncReport) -> None:
        for fault in report.faults:
            if fault not in self._faults:
                logger.error("a periodic task is skipped: %s", shown(fault, LONGEST_ERROR))
        self._faults = frozenset(report.faults)
        if report.added or report.removed:
            logger.info(
                "periodic tasks were synced: %d added or changed, %d removed",
                len(report.added),
                len(report.removed),
            )
