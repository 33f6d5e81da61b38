"""What a provider of periodic tasks returns: a task, when it is enqueued, and under which policy.

Nothing is checked before the entry is made of it, so that one that is wrong can be skipped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo

import msgspec

from pyasynq.broker.operations.schedulers import Overlap
from pyasynq.errors import ConfigError
from pyasynq.options import EMPTY, Duration, EnqueueOptions
from pyasynq.scheduler.entry import (
    DEFAULT_MISSED,
    DEFAULT_OVERLAP,
    DEFAULT_WITHIN,
    Entry,
    id_of_key,
    make_entry,
    make_policy,
)
from pyasynq.scheduler.ticks import Missed
from pyasynq.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicTaskConfig:
    """A periodic task for a `PeriodicTaskManager`, which checks it.

    Attributes:
        spec: see `Scheduler.register`, as for all that follow but the options.
        task: what is enqueued.
        options: how; they win over those of the task.
        key: names the entry, which then keeps its ticks although its spec or payload changes.
        seconds: whether the spec begins with a field for seconds.
        missed: "skip", "once" or "all".
        missed_within: a duration.
        overlap: "allow", "skip" or "replace".
        jitter: a duration.
    """

    spec: str | timedelta
    task: Task
    options: EnqueueOptions = EMPTY
    key: str | None = None
    seconds: bool = False
    missed: Missed = DEFAULT_MISSED
    missed_within: Duration = DEFAULT_WITHIN
    overlap: Overlap = DEFAULT_OVERLAP
    jitter: Duration = 0

    def to_entry(self, scheduler: str, location: tzinfo) -> Entry:
        """Return the entry of the scheduler named *scheduler*, whose time zone is *location*.

        Raises:
            ConfigError: something is wrong.
        """
        return make_entry(
            scheduler,
            self.spec,
            self.task,
            self.options,
            location=location,
            key=self.key,
            seconds=self.seconds,
            policy=make_policy(
                missed=self.missed,
                missed_within=self.missed_within,
                overlap=self.overlap,
                jitter=self.jitter,
            ),
        )


class Wanted(msgspec.Struct, frozen=True):
    """What a provider wants to be enqueued.

    Attributes:
        entries: by ID.
        faults: what is wrong, one sentence each.
        untouched: IDs of entries that are named by their keys and wrong now: they stay as they
            are.
    """

    entries: dict[str, Entry]
    faults: tuple[str, ...]
    untouched: frozenset[str]


def wanted(given: Sequence[object], scheduler: str, location: tzinfo) -> Wanted:
    """Make entries of what a provider has returned, and say what is wrong with the others."""
    entries: dict[str, Entry] = {}
    positions: dict[str, int] = {}
    faults: list[str] = []
    untouched: set[str] = set()
    for position, config in enumerate(given, 1):
        try:
            entry = _entry(config, scheduler, location)
        except ConfigError as error:
            faults.append(f"entry {position}{_named(config)}: {error}")
            untouched.update(_ids(config, scheduler))
            continue
        if entry.id in entries:
            advice = "" if _key(config) else "; give each a key if both are meant"
            earlier = positions[entry.id]
            faults.append(
                f"entry {position}{_named(config)} is the same as entry {earlier}{advice}"
            )
            continue
        entries[entry.id], positions[entry.id] = entry, position
    return Wanted(entries, tuple(faults), frozenset(untouched - set(entries)))


def _entry(config: object, scheduler: str, location: tzinfo) -> Entry:
    if isinstance(config, ConfigError):  # what a file says cannot be read
        raise config
    if not isinstance(config, PeriodicTaskConfig):
        raise ConfigError(f"it must be a PeriodicTaskConfig, not {type(config).__name__}")
    return config.to_entry(scheduler, location)


def _ids(config: object, scheduler: str) -> Iterator[str]:
    key = _key(config)
    if key is not None:
        yield id_of_key(scheduler, key)


def _named(config: object) -> str:
    if (key := _key(config)) is not None:
        return f" (key {key!r})"
    if isinstance(config, PeriodicTaskConfig) and isinstance(config.task, Task):
        return f" (task {config.task.type!r})"
    return ""


def _key(config: object) -> str | None:
    key = getattr(config, "key", None)
    return key if isinstance(key, str) else None
