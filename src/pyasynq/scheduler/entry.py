"""A periodic task: what is enqueued when, and its name in Redis. Pure."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import get_args
from uuid import UUID, uuid5

import msgspec

from pyasynq.broker.operations.schedulers import Overlap
from pyasynq.clock import NANOSECONDS, to_ns
from pyasynq.errors import ConfigError
from pyasynq.options import (
    DEFAULT_QUEUE,
    Duration,
    EnqueueOptions,
    duration_fault,
    name_fault,
    to_seconds,
    to_timedelta,
)
from pyasynq.scheduler.cron import EverySchedule, Schedule, parse
from pyasynq.scheduler.ticks import Missed
from pyasynq.task import Task
from pyasynq.wire.option_text import Moment, Option, format_option

DEFAULT_WITHIN = timedelta(days=1)
DEFAULT_MISSED: Missed = "once"
DEFAULT_OVERLAP: Overlap = "allow"
_NAMES = UUID("6f1c52a0-5d0e-5b64-8f0e-9a4f0d2b7c11")  # of entries; it must never change


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about ticks that are over, and about tasks of earlier ticks.

    Attributes:
        missed: see `next_tick`.
        within_s: see `next_tick`.
        overlap: see `enqueue_tick`.
        jitter_s: up to how much later than its tick a task is enqueued.
    """

    missed: Missed = DEFAULT_MISSED
    within_s: int = int(DEFAULT_WITHIN.total_seconds())
    overlap: Overlap = DEFAULT_OVERLAP
    jitter_s: float = 0.0


class Entry(msgspec.Struct, frozen=True):
    """A task that is enqueued at each tick of a schedule.

    Attributes:
        id: stays the same from process to process.
        schedule: when it ticks.
        task: what is enqueued.
        options: how, those of the task included.
        policy: about ticks that are over and tasks that are not done.
        key: what it was named by its user; None if by nothing.
    """

    id: str
    schedule: Schedule
    task: Task
    options: EnqueueOptions
    policy: Policy = Policy()
    key: str | None = None

    @property
    def queue(self) -> str:
        """Where its tasks go."""
        return self.options.queue or DEFAULT_QUEUE

    @property
    def option_texts(self) -> tuple[str, ...]:
        """Its options as Go writes them; those that only pyasynq has are left out."""
        return tuple(map(format_option, _go_options(self.task, self.options)))


def make_entry(
    scheduler: str,
    spec: str | timedelta,
    task: Task,
    options: EnqueueOptions,
    *,
    location: tzinfo | str = UTC,
    key: str | None = None,
    seconds: bool = False,
    policy: Policy | None = None,
) -> Entry:
    """Return an entry of the scheduler of this name.

    Args:
        key: names the entry among those of the scheduler; without one, what it enqueues and when
            does, so two that are alike are one.

    Raises:
        ConfigError: the spec cannot be read or never fires, or an argument is wrong.
    """
    if not isinstance(task, Task):
        raise ConfigError(f"a periodic task must be a Task, not {type(task).__name__}")
    ConfigError.raise_if([None if key is None else name_fault("key", key)])
    schedule = _schedule(spec, location, seconds=seconds)
    if not schedule.can_fire:
        raise ConfigError(f"the cron spec {schedule.spec!r} never fires: there is no such day")
    merged = options.merged_over(task.options)
    entry_id = (
        id_of_key(scheduler, key)
        if key is not None
        else _id(_name(scheduler, schedule, task, merged))
    )
    return Entry(entry_id, schedule, task, merged, policy or Policy(), key)


def id_of_key(scheduler: str, key: str) -> str:
    """Return the ID of the entry that *key* names among those of a scheduler."""
    return _id(json.dumps([scheduler, key]))


def make_policy(
    *, missed: Missed, missed_within: Duration, overlap: Overlap, jitter: Duration
) -> Policy:
    """Return a policy.

    Raises:
        ConfigError: names every argument that is wrong.
    """
    ConfigError.raise_if(
        [
            _choice_fault("missed", missed, get_args(Missed)),
            duration_fault("missed_within", missed_within),
            _choice_fault("overlap", overlap, get_args(Overlap)),
            duration_fault("jitter", jitter),
        ]
    )
    return Policy(
        missed=missed,
        within_s=int(to_seconds(missed_within)),
        overlap=overlap,
        jitter_s=to_seconds(jitter),
    )


def _schedule(spec: str | timedelta, location: tzinfo | str, *, seconds: bool) -> Schedule:
    if not isinstance(spec, timedelta):
        return parse(spec, location, seconds=seconds)
    whole = timedelta(seconds=int(spec.total_seconds()))
    if whole < timedelta(seconds=1) or whole != spec:
        raise ConfigError(f"a periodic task comes every whole number of seconds, not every {spec}")
    every = f"@every {int(whole.total_seconds())}s"
    return EverySchedule(every, whole, parse(every, location).location)


def _id(name: str) -> str:
    return str(uuid5(_NAMES, name))


def _name(scheduler: str, schedule: Schedule, task: Task, options: EnqueueOptions) -> str:
    """Return what the ID of an entry without a key is made of."""
    payload = None if task.payload is None else task.payload.hex()
    texts = sorted(map(format_option, _go_options(task, options)))
    expires = options.expires
    expiry = expires.isoformat() if isinstance(expires, datetime) else _nanoseconds(expires)
    extra = [expiry, options.unique_key, options.unique_until]
    zone = str(schedule.location)
    return json.dumps([scheduler, schedule.spec, zone, task.type, payload, *texts, *extra])


def _go_options(task: Task, options: EnqueueOptions) -> Iterator[Option]:
    plain = {
        "MaxRetry": options.max_retry,
        "Queue": options.queue,
        "TaskID": options.task_id,
        "Timeout": _nanoseconds(options.timeout),
        "Deadline": _moment(options.deadline),
        "Unique": _nanoseconds(options.unique),
        "ProcessAt": _moment(options.process_at),
        "ProcessIn": _nanoseconds(options.process_in),
        "Retention": _nanoseconds(options.retention),
        "Group": options.group,
    }
    yield from (Option(name, value) for name, value in plain.items() if value is not None)
    headers = {**task.headers, **(options.headers or {})}
    yield from (Option("Header", header) for header in sorted(headers.items()))


def _nanoseconds(duration: Duration | None) -> int | None:
    if duration is None:
        return None
    return to_timedelta(duration) // timedelta(microseconds=1) * 1000


def _moment(moment: datetime | None) -> Moment | None:
    return None if moment is None else Moment(to_ns(moment) // NANOSECONDS)


def _choice_fault(what: str, value: object, known: tuple[str, ...]) -> str | None:
    if value in known:
        return None
    return f"{what} must be one of {', '.join(map(repr, known))}, not {value!r}"
