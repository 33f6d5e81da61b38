"""How a server or a scheduler is: checks that pass or fail, and since when.

A component notes what it finds in a `Condition`; whoever asks reads it, in any thread, and nobody
is asked meanwhile.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from pyasynq.clock import Clock, to_datetime


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about one thing.

    Attributes:
        name: of the check, such as "redis"; the names of all are documented with `Server.health`.
        ok: whether it passes.
        since: when it began to, or to fail: an aware datetime in UTC.
        detail: a few words without secrets, why it fails, or what is noteworthy although it
            passes; empty if there is nothing to say.
    """

    name: str
    ok: bool
    since: datetime
    detail: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about a server or a scheduler, or both.

    Attributes:
        checks: what is most to the point first.
    """

    checks: tuple[HealthCheck, ...]

    @property
    def is_ready(self) -> bool:
        """Whether every check passes."""
        return all(each.ok for each in self.checks)

    @property
    def why_not_ready(self) -> str:
        """What the first check says that fails; empty if all pass."""
        return next((each.detail for each in self.checks if not each.ok), "")

    def __add__(self, other: "Health") -> "Health":
        """Return the checks of both."""
        return Health(checks=(*self.checks, *other.checks))

    def having(self, checks: Iterable[HealthCheck]) -> "Health":
        """Return the same with *checks* in place of those of the same names."""
        named = {each.name: each for each in checks}
        return Health(checks=tuple(named.get(each.name, each) for each in self.checks))


def loading(clock: Clock) -> "Condition":
    """Return the check of a process whose App is not loaded yet, so that nothing has started."""
    return Condition("started", clock, fault="it has not started: its App is loading")


class Condition:
    """One check as it is at the moment; noted and read in any thread.

    Args:
        name: of the check.
        fault: why it fails at first; empty if it passes.
    """

    def __init__(self, name: str, clock: Clock, *, fault: str = "") -> None:
        self._clock = clock
        now = to_datetime(clock.now_ns())
        self._check = HealthCheck(name=name, ok=not fault, since=now, detail=fault)

    @property
    def check(self) -> HealthCheck:
        """What was noted last."""
        return self._check

    def passes(self, detail: str = "") -> None:
        """Note that it passes."""
        self._note(detail, ok=True)

    def fails(self, detail: str) -> None:
        """Note that it fails, and why."""
        self._note(detail, ok=False)

    def _note(self, detail: str, *, ok: bool) -> None:
        before = self._check
        if (before.ok, before.detail) == (ok, detail):
            return
        since = before.since if before.ok == ok else to_datetime(self._clock.now_ns())
        self._check = HealthCheck(name=before.name, ok=ok, since=since, detail=detail)
