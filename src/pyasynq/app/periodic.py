"""The periodic tasks of an App: functions, and when each of them is enqueued."""

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import timedelta
from types import CodeType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Literal,
    Protocol,
    TypeVar,
    Unpack,
    overload,
)
from zoneinfo import ZoneInfo

import msgspec
from typing_extensions import ParamSpec, override

from pyasynq.app.changed_settings import gathering
from pyasynq.app.definition import CallP, CallR, TaskDefinition
from pyasynq.app.definition_maker import DefinitionMaker
from pyasynq.app.keywords import TaskKeywords
from pyasynq.app.registry import Registry
from pyasynq.app.spec import TaskSpec
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.functions.redefinition import is_redefined
from pyasynq.options import Duration, EnqueueOptions, OptionKeywords
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext

if TYPE_CHECKING:
    from pyasynq.scheduler.entry import Entry

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")

_ZONES = ("CRON_TZ=", "TZ=")
NOTHING = Task("none")
_BELOW = "write @app.task(…) below @app.periodic(…), and give it there"


class _Function(Protocol[P, R_co]):
    """A function, which a task is not; so type checkers see which overload is meant."""

    @property
    def __code__(self) -> CodeType: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class PeriodicDecorator(Protocol):
    """What `App.periodic` returns: it makes a periodic task of a task or of a function."""

    @overload
    def __call__(
        self, function: TaskDefinition[P, R, CallR, CallP], /
    ) -> TaskDefinition[P, R, CallR, CallP]: ...

    @overload
    def __call__(
        self, function: _Function[Concatenate[TaskContext[S], P], Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], Concatenate[TaskContext[S], P]]: ...

    @overload
    def __call__(
        self, function: _Function[P, Coroutine[Any, Any, R]], /
    ) -> TaskDefinition[P, R, Coroutine[Any, Any, R], P]: ...

    @overload
    def __call__(
        self, function: _Function[Concatenate[TaskContext[S], P], R], /
    ) -> TaskDefinition[P, R, R, Concatenate[TaskContext[S], P]]: ...

    @overload
    def __call__(self, function: _Function[P, R], /) -> TaskDefinition[P, R, R, P]: ...


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the decorator was given; see `PeriodicTasks.__call__`."""

    spec: Any
    timezone: Any
    key: str | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    seconds: bool
    policy: Mapping[str, Any]
    options: EnqueueOptions


class PeriodicTasks:
    """The decorator ``@app.periodic(…)``, and all that it was used for; made by `App`."""

    def __init__(self, name: str, tasks: Registry, make: DefinitionMaker) -> None:
        self._name, self._tasks, self._make = name, tasks, make
        self._found: dict[str, tuple[TaskDefinition[..., Any], Entry]] = {}  # by ID of the entry
        self._newest: TaskSpec | None = None

    def __call__(
        self,
        spec: str | timedelta,
        *,
        timezone: str | ZoneInfo = "UTC",
        key: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        seconds: bool = False,
        missed: Literal["skip", "once", "all"] = "once",
        missed_within: Duration = timedelta(days=1),
        overlap: Literal["allow", "skip", "replace"] = "allow",
        jitter: Duration = 0,
        **options: Unpack[OptionKeywords],
    ) -> PeriodicDecorator:
        """Enqueue the decorated function at each tick of *spec*.

        A plain function becomes a task as with ``@app.task``, whose type is its name and whose
        options are *options*. Above ``@app.task(…)``, a task stays what it is, and *options* hold
        for the ticks only; then it may be decorated several times.

            @app.periodic("0 9 * * mon-fri", timezone="Europe/Berlin", args=("sales",))
            @app.periodic("@every 6h", args=("stock",), queue="low")
            @app.task("report:send", timeout=60)
            async def send_report(name: str) -> None: ...

        Args:
            spec: five fields of cron, "@daily" and the like, "@every 90s", or a timedelta.
            timezone: in which the fields are meant.
            key: names it among the periodic tasks of the App, so that its ticks are known although
                its spec or its arguments change.
            args: the arguments of each call, by position.
            kwargs: the arguments of each call, by name; those that are not given take their
                defaults.
            seconds: whether the spec begins with a field for seconds.
            missed: what happens for ticks that nobody made; see `Scheduler.register`.
            missed_within: how far back such ticks are made up for.
            overlap: what happens while the task of an earlier tick has not ended.
            jitter: by how much each tick is put off at most, at random.
            options: see `EnqueueOptions`.

        Raises:
            ConfigError: names every fault, and where the function is: the spec cannot be read or
                never fires, the arguments do not fit, an option is wrong, or the App has this key,
                or the same task at the same time, already.
        """
        if callable(spec):
            raise ConfigError(
                'a periodic task needs to know when; write `@app.periodic("@every 1h")`'
            )
        ConfigError.raise_if(
            f"{each} is an option of @app.task; {_BELOW}" for each in _own(options)
        )
        given = _Given(
            spec=spec,
            timezone=timezone,
            key=key,
            args=args,
            kwargs=kwargs or {},
            seconds=seconds,
            policy={
                "missed": missed,
                "missed_within": missed_within,
                "overlap": overlap,
                "jitter": jitter,
            },
            options=EnqueueOptions.from_keywords(options),
        )
        return lambda function: self._register(function, given)

    def __len__(self) -> int:
        return sum(1 for _entry in self)

    def __iter__(self) -> "Iterator[Entry]":
        """Yield what a scheduler of the App enqueues."""
        return iter([entry for task, entry in self._found.values() if self._has(task)])

    @override
    def __repr__(self) -> str:
        return f"<{len(self)} periodic tasks of app {self._name!r}>"

    def _register(self, function: Any, given: _Given) -> Any:
        is_task = isinstance(function, TaskDefinition)
        if is_task and not self._has(function):
            raise ConfigError(f"{function!r} is a task of another App; decorate it with that one")
        definition = function if is_task else self._make(function, options=given.options)
        entry = self._entry(definition, given)
        known = self._without_older(definition)
        if entry.id in known:
            raise ConfigError(_registered_twice(known[entry.id][0], definition, given))
        if not is_task:
            self._tasks.add(definition)
        known[entry.id] = definition, entry
        self._found, self._newest = known, definition.spec
        return definition

    def _without_older(
        self, definition: TaskDefinition[..., Any]
    ) -> "dict[str, tuple[TaskDefinition[..., Any], Entry]]":
        """Return what is known, without older versions of the function of *definition*."""
        if definition.spec is self._newest:
            return self._found
        return {
            entry_id: each
            for entry_id, each in self._found.items()
            if not _is_redefined(each[0], definition)
        }

    def _has(self, definition: TaskDefinition[..., Any]) -> bool:
        registered = self._tasks.get(definition.type)
        return registered is not None and registered.spec is definition.spec

    def _entry(self, definition: TaskDefinition[..., Any], given: _Given) -> "Entry":
        from pyasynq.scheduler.entry import Policy, make_entry, make_policy  # noqa: PLC0415 - few need it

        place = f"periodic task {definition.type!r} at {definition.spec.source_line}"
        faults: list[str | None] = []
        spec, task, policy = given.spec, NOTHING, Policy()
        with gathering(faults):
            policy = make_policy(**given.policy)
        with gathering(faults):
            task = _bound(definition, given)
        with gathering(faults):
            spec = _in_zone(given.spec, given.timezone)
        try:
            ConfigError.raise_if(faults)
            return make_entry(
                self._name,
                spec,
                task,
                given.options,
                key=given.key,
                seconds=given.seconds,
                policy=policy,
            )
        except ConfigError as error:
            raise ConfigError(*(f"{place}: {fault}" for fault in error.faults)) from error


def _own(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that only `App.task` takes."""
    known = EnqueueOptions.__dataclass_fields__
    return (each for each in options if each in TaskKeywords.__annotations__ and each not in known)


def _in_zone(spec: str | timedelta, zone: str | ZoneInfo) -> str | timedelta:
    """Return *spec* with the name of its time zone, so that whoever reads it knows that."""
    from pyasynq.scheduler.cron import find_zone  # noqa: PLC0415 - as above

    name = zone.key if isinstance(zone, ZoneInfo) else zone
    if not isinstance(name, str):
        raise ConfigError(
            f"timezone must be the name of a time zone, such as 'Europe/Berlin', not {zone!r}"
        )
    find_zone(name)
    if not isinstance(spec, str | timedelta):
        raise ConfigError(
            f"a spec must be text or a timedelta, not {type(spec).__name__}; "
            "for an interval write timedelta(seconds=…)"
        )
    if isinstance(spec, timedelta) or name in ("", "UTC"):
        return spec
    if spec.startswith(_ZONES):
        raise ConfigError(
            f"the spec {spec!r} names a time zone itself; leave out timezone={name!r}"
        )
    return spec if spec.startswith("@every ") else f"CRON_TZ={name} {spec}"


def _bound(definition: TaskDefinition[..., Any], given: _Given) -> Task:
    args: object = given.args
    if isinstance(args, str | bytes) or not isinstance(args, Sequence):
        raise ConfigError(f"args must be a tuple of arguments, not {args!r}; write args=(…,)")
    if not isinstance(given.kwargs, Mapping):
        raise ConfigError(f"kwargs must map names to arguments, not {given.kwargs!r}")
    try:
        return definition.bind(*given.args, **given.kwargs)
    except (TypeError, PayloadError) as error:
        raise ConfigError(f"{error}; its arguments are args=(…) and kwargs={{…}}") from error


def _is_redefined(old: TaskDefinition[..., Any], new: TaskDefinition[..., Any]) -> bool:
    """Whether *old* is gone because the text that defines it has run again."""
    return old.spec is not new.spec and is_redefined(old.spec.function, new.spec.function)


def _registered_twice(
    old: TaskDefinition[..., Any], new: TaskDefinition[..., Any], given: _Given
) -> str:
    where = f"at {old.spec.source_line} and at {new.spec.source_line}"
    if given.key is not None:
        return f"key {given.key!r} of periodic tasks is used twice: {where}"
    return (
        f"periodic task {new.type!r} is enqueued twice at each tick of {given.spec!r}: {where}; "
        "if that is meant, give one of them a key"
    )
