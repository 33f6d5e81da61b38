"""The options of a task: how it is enqueued and how it is run.

`EnqueueOptions` holds what a caller gave, and None for what was not given, so that the options of
a call, of a task and of an application can be merged: a field that is given wins over one that is
not. Everything is checked when the object is created, so a wrong value never reaches Redis.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Self, TypedDict, cast, get_args

from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.spelling import hint

Duration = timedelta | float
"""A length of time: a timedelta, or a number of seconds."""

UniqueUntil = Literal["done", "started", "archived"]

CancelThen = Literal["retry", "archive", "drop"]
"""What becomes of a cancelled task: it counts as failed, is archived, or is deleted."""

DEFAULT_QUEUE = "default"
DEFAULT_MAX_RETRY = 25  # asynq v0.26 client.go: defaultMaxRetry
DEFAULT_TIMEOUT = timedelta(minutes=30)  # asynq v0.26 client.go: when neither limit is given

MAX_NAME_BYTES = 10_240
MAX_INT32 = 2**31 - 1
LONGEST = timedelta(days=36_500)
EARLIEST_YEAR, LATEST_YEAR = 1971, 9000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueOptions:
    """Options of one enqueue; None means not given.

    Attributes:
        queue: name of the queue; "default" if not given.
        task_id: ID of the task, unique in its queue; a random UUID if not given.
        max_retry: how often a failed task is tried again, from 0; 25 if not given.
        timeout: longest run time of one attempt; stored in whole seconds, rounded up. 0 means
            no limit of its own: 30 minutes are used if there is no deadline either.
        deadline: the time at which every attempt ends; stored in whole seconds.
        expires: a task that was not started by then is dropped: a datetime, or a duration from
            now, which must be longer than *process_in*.
        unique: for how long no other task with the same unique key can be enqueued, at
            least 1 s; the lock is freed when the task is done.
        unique_key: what is locked; the payload if not given. The enqueue is refused unless
            *unique* is given too, here or in the options that these are merged with.
        unique_until: what frees the lock before its time is over: "done", "started", or
            "archived", which includes "done". Only with *unique*, like *unique_key*.
        process_at: the task does not run before this time.
        process_in: the task does not run before this duration from now is over. Not together
            with *process_at*.
        retention: for how long a completed task and its result are kept; 0 or not given: not at
            all.
        group: name of the group that the task is aggregated in.
        headers: text to text, merged over the headers of the task.

    Raises:
        ConfigError: names every wrong option.
    """

    queue: str | None = None
    task_id: str | None = None
    max_retry: int | None = None
    timeout: Duration | None = None
    deadline: datetime | None = None
    expires: datetime | Duration | None = None
    unique: Duration | None = None
    unique_key: str | None = None
    unique_until: UniqueUntil | None = None
    process_at: datetime | None = None
    process_in: Duration | None = None
    retention: Duration | None = None
    group: str | None = None
    headers: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        ConfigError.raise_if(_faults(self))

    @override
    def __hash__(self) -> int:  # without the headers, which may have no hash
        return hash(tuple(value for name, value in _items(self) if name != "headers"))

    def merged_over(self, weaker: Self) -> Self:
        """Return options in which what is given here wins over what *weaker* gives.

        Headers are merged name by name. `process_at` here replaces a weaker `process_in`, and
        the other way round.

        Raises:
            ConfigError: *weaker* is something else.
        """
        if weaker is EMPTY or weaker == EMPTY:
            return self
        if not isinstance(weaker, EnqueueOptions):
            raise ConfigError(f"options must be EnqueueOptions, not {type(weaker).__name__}")
        given = {name: value for name, value in _items(self) if value is not None}
        base = {name: value for name, value in _items(weaker) if value is not None}
        if "process_at" in given or "process_in" in given:
            base.pop("process_at", None)
            base.pop("process_in", None)
        merged = base | given
        if self.headers and weaker.headers:
            merged["headers"] = {**weaker.headers, **self.headers}
        return type(self)(**merged)  # type: ignore[arg-type]  # names and values are our own

    @classmethod
    def from_keywords(cls, given: Mapping[str, object]) -> Self:
        """Return options from keyword arguments: *given* maps names of options to their values.

        Raises:
            ConfigError: names every unknown option, or every wrong value.
        """
        known = cls.__dataclass_fields__
        ConfigError.raise_if(
            f"unknown option {name!r}; {hint(name, known)}" for name in given if name not in known
        )
        return cls(**given)  # type: ignore[arg-type]  # the constructor checks every value


def name_fault(what: str, name: object) -> str | None:
    """Return what is wrong with the name of a queue, group, task or type; None if it is good.

    Any text that is not blank is a name for Go Asynq; it must also be encodable as UTF-8.
    """
    if not isinstance(name, str):
        return f"{what} must be text, not {type(name).__name__}"
    if not name.strip():
        return f"{what} must not be blank"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return f"{what} {name!r} is not valid Unicode text"
    if size > MAX_NAME_BYTES:
        return f"{what} is {size} bytes long; at most {MAX_NAME_BYTES} are allowed"
    return None


def cancel_fault(then: object) -> str | None:
    """Return what is wrong with a value of *then* for a cancelled task; None if it is good."""
    if then in get_args(CancelThen):
        return None
    return f"then must be 'retry', 'archive' or 'drop', not {then!r}"


def to_timedelta(duration: Duration) -> timedelta:
    """Return *duration* as a timedelta; it must have passed `duration_fault`."""
    return duration if isinstance(duration, timedelta) else timedelta(seconds=duration)


def to_seconds(duration: Duration) -> float:
    """Return *duration* in seconds; it must have passed `duration_fault`."""
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)


def duration_fault(what: str, value: object, *, minimum: timedelta = timedelta(0)) -> str | None:
    """Return what is wrong with a duration; None if it is good."""
    if isinstance(value, bool) or not isinstance(value, timedelta | int | float):
        return f"{what} must be a timedelta or a number of seconds, not {type(value).__name__}"
    try:
        span = to_timedelta(value)
    except (OverflowError, ValueError):
        return f"{what} is out of range: {value!r}"
    if span < minimum:
        return f"{what} must be at least {minimum.total_seconds():g} s, not {value!r}"
    if span > LONGEST:
        return f"{what} must be at most 100 years, not {value!r}"
    return None


def moment_fault(what: str, value: object) -> str | None:
    """Return what is wrong with a moment; None if it is an aware datetime in range.

    The Unix epoch stands for no time in Redis, and what lies near it was read in a wrong unit or
    never set.
    """
    if not isinstance(value, datetime):
        return f"{what} must be an aware datetime, not {type(value).__name__}"
    if value.utcoffset() is None:
        return (
            f"{what} has no time zone: {value.isoformat()}; use an aware datetime, such as in UTC"
        )
    # Years first: in UTC a datetime may lie outside of what a datetime can hold.
    is_near = EARLIEST_YEAR - 1 <= value.year <= LATEST_YEAR + 1
    if is_near and EARLIEST_YEAR <= value.astimezone(UTC).year <= LATEST_YEAR:
        return None
    years = f"the years {EARLIEST_YEAR} to {LATEST_YEAR}"
    return f"{what} is out of range: {value.isoformat()}; it must be in {years}, in UTC"


def _items(options: EnqueueOptions) -> Iterator[tuple[str, object]]:
    for name in EnqueueOptions.__dataclass_fields__:
        yield name, getattr(options, name)


def _faults(options: EnqueueOptions) -> Iterator[str]:
    """Yield what is wrong with the given fields, in their order."""
    for what, value in _items(options):
        fault = None if value is None else _field_fault(what, value)
        if fault:
            yield fault
    if options.process_at is not None and options.process_in is not None:
        yield "process_at and process_in exclude each other"
    if _expires_first(options.expires, options.process_in):
        yield (
            f"expires={options.expires!r} is over before process_in={options.process_in!r}, so the "
            "task would never run; both count from the enqueue"
        )


def _expires_first(expires: object, process_in: object) -> bool:
    """Whether both are durations, and a task would have expired before it is due."""
    if process_in is None or expires is None or isinstance(expires, datetime):
        return False
    if duration_fault("", expires) or duration_fault("", process_in):
        return False  # which is told already
    return to_seconds(cast("Duration", expires)) <= to_seconds(cast("Duration", process_in))


def _field_fault(what: str, value: object) -> str | None:  # noqa: PLR0911 - a table
    if fault := _of_another_option(what, value):
        return fault
    match what:
        case "queue" | "task_id" | "unique_key" | "group":
            return name_fault(what, value)
        case "timeout" | "process_in" | "retention":
            return duration_fault(what, value)
        case "unique":
            return duration_fault(what, value, minimum=timedelta(seconds=1))
        case "deadline" | "process_at":
            return moment_fault(what, value)
        case "expires":
            check = moment_fault if isinstance(value, datetime) else duration_fault
            return check(what, value)
        case "max_retry":
            return _max_retry_fault(value)
        case "unique_until":
            if value in get_args(UniqueUntil):
                return None
            return f"unique_until must be one of {get_args(UniqueUntil)}, not {value!r}"
        case _:
            return headers_fault(value)


def _of_another_option(what: str, value: object) -> str | None:
    """Return what to write if *value* is one for another option than *what*."""
    if what == "process_in" and isinstance(value, date):
        return "process_in is a duration; for a time write process_at=…"
    if what in ("process_at", "deadline") and isinstance(value, timedelta | int | float):
        other = "process_in" if what == "process_at" else "timeout"
        return f"{what} is a time; for a duration write {other}=…"
    if what in ("unique", "retention") and value is True:
        return f"{what} is a duration, not True; for an hour write {what}=3600"
    return None


def _max_retry_fault(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"max_retry must be a whole number, not {type(value).__name__}"
    if not 0 <= value <= MAX_INT32:
        return f"max_retry must be from 0 to {MAX_INT32}, not {value}"
    return None


def headers_fault(value: object) -> str | None:
    """Return what is wrong with headers; None if they map text to text."""
    if not isinstance(value, Mapping):
        return f"headers must map text to text, not {type(value).__name__}"
    for name, content in value.items():
        for what, text in ((f"the name {name!r}", name), (f"that of {name!r}", content)):
            if not isinstance(text, str):  # without the value, which may be a secret
                return f"headers must map text to text; {what} is {type(text).__name__}"
            try:
                text.encode()
            except UnicodeEncodeError:
                return f"headers must be valid Unicode text; {what} is not"
    return None


class OptionKeywords(TypedDict, total=False):
    """The fields of `EnqueueOptions` as keyword arguments."""

    queue: str | None
    task_id: str | None
    max_retry: int | None
    timeout: Duration | None
    deadline: datetime | None
    expires: datetime | Duration | None
    unique: Duration | None
    unique_key: str | None
    unique_until: UniqueUntil | None
    process_at: datetime | None
    process_in: Duration | None
    retention: Duration | None
    group: str | None
    headers: Mapping[str, str] | None


EMPTY = EnqueueOptions()
"""Options in which nothing is given."""
