"""Logs a trouble when it begins and when it is over, however often it is met in between."""

import logging
import threading
from collections.abc import Callable

import msgspec

from pyasynq.clock import SystemClock
from pyasynq.errors import RedisUnavailableError
from pyasynq.shown import LONGEST_ERROR, shown

logger = logging.getLogger("pyasynq.server")

FORGOTTEN_S = 10.0  # a component that has tried nothing for so long does not delay the all-clear


class _Wait(msgspec.Struct):
    """A wait for Redis, or for the node of one queue.

    Attributes:
        began_at: monotonic, as the other times.
        works_since: the first success after the last failure; None before it.
        kinds: of the errors that are logged already.
        failed_at: when each component failed that has had no success since.
    """

    began_at: float
    works_since: float | None = None
    kinds: set[type[BaseException]] = msgspec.field(default_factory=set)
    failed_at: dict[str, float] = msgspec.field(default_factory=dict)


class Outage:
    """Says once for all components of a server that Redis is away, and once that it is back.

    They report to it, in any thread. The first failure is a line, a WARNING if Redis cannot be
    reached and an ERROR if it refuses this server. The all-clear is one when the components that
    have failed have had a success, so that nothing is left to fail for the same reason.

    Args:
        monotonic: the time in seconds.
        is_by_queue: the queues are on nodes of a cluster, which can be away one by one: then each
            queue that a report names has lines of its own.
        who: waits, as the lines call it.

    Attributes:
        is_on: whether anything waits. As long as it is not, there is no success to report.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = SystemClock.monotonic,
        is_by_queue: bool = False,
        log: logging.Logger = logger,
        who: str = "server",
    ) -> None:
        self.is_on: bool = False
        self._is_by_queue = is_by_queue
        self._monotonic = monotonic
        self._log = log
        self._who = who
        self._failures: dict[str, int] = {}
        self._waits: dict[str, _Wait] = {}  # by queue; "" is Redis as a whole
        self._lock = threading.Lock()

    def failed(
        self, error: BaseException, *, component: str = "", queue: str = "", by: str = ""
    ) -> None:
        """Report a failure that `concerns_redis_as_a_whole`.

        Args:
            error: of the call.
            component: which one failed, if it soon tries again by itself.
            queue: whose keys the call was for; empty if it was for others, or those of all queues.
            by: which one failed, if it is not *component*.
        """
        where = queue if self._is_by_queue else ""
        self.count(by or component.split(" ", 1)[0])
        with self._lock:
            wait = self._waits.setdefault(where, _Wait(began_at=self._monotonic()))
            is_new = type(error) not in wait.kinds
            wait.kinds.add(type(error))
            wait.works_since = None
            if component:
                wait.failed_at[component] = self._monotonic()
            self.is_on = True
            if is_new and not (where and "" in self._waits):
                is_absence = isinstance(error, RedisUnavailableError)
                level = logging.WARNING if is_absence else logging.ERROR
                self._log.log(
                    level,
                    "the %s waits for redis%s: %s",
                    self._who,
                    _of(where),
                    shown(str(error), LONGEST_ERROR),
                )

    def count(self, component: str) -> None:
        """Count a call of a component that has failed, in any thread."""
        with self._lock:
            self._failures[component] = self._failures.get(component, 0) + 1

    @property
    def failures(self) -> dict[str, int]:
        """How many calls have failed since the start, by component; in any thread."""
        return self._failures.copy()

    def worked(self, *, component: str = "", queue: str = "") -> None:
        """Report a success; with the same arguments as the failures before it."""
        with self._lock:
            for where in {"", queue if self._is_by_queue else ""}:
                self._end(where, component)
            self.is_on = bool(self._waits)

    def failed_at_node(
        self, error: object, *, component: str = "", queue: str, by: str = ""
    ) -> bool:
        """Report *error* if a node of a cluster cannot be reached; return whether that is so.

        Calls for other queues than *queue* may work then.
        """
        if not (self._is_by_queue and isinstance(error, RedisUnavailableError)):
            return False
        self.failed(error, component=component, queue=queue, by=by)
        return True

    def _end(self, where: str, component: str) -> None:
        wait = self._waits.get(where)
        if wait is None:
            return
        now = self._monotonic()
        if wait.works_since is None:
            wait.works_since = now
        wait.failed_at.pop(component, None)
        if any(now - failed_at < FORGOTTEN_S for failed_at in wait.failed_at.values()):
            return
        del self._waits[where]
        lasted_s = wait.works_since - wait.began_at
        self._log.info("redis answers again%s, after %.1f s", _of(where), lasted_s)


class LoggedOnce:
    """Logs a trouble of one thing, such as a queue, until another one replaces it.

    Args:
        message: of the log line, with %s for each thing named and for the trouble:
            "cannot fetch tasks of queue %s: %s".
        over: logged when a trouble is over, with %s for each thing named; nothing if empty.
        outage: counts the failures too, as those of the component that *log* is named after.
    """

    def __init__(
        self,
        log: logging.Logger,
        message: str,
        *,
        over: str = "",
        outage: "Outage | None" = None,
    ) -> None:
        self._outage = outage
        self._log = log
        self._message = message
        self._over = over
        self._troubles: dict[tuple[str, ...], str] = {}

    def begins(self, trouble: object, *about: str) -> None:
        """Log *trouble* of what *about* names as an ERROR, unless it is logged already."""
        text = str(trouble)
        if self._outage is not None and isinstance(trouble, BaseException):
            self._outage.count(self._log.name.rpartition(".")[2])
        if self._troubles.get(about) != text:
            self._troubles[about] = text
            self._log.error(self._message, *map(shown, about), shown(text, LONGEST_ERROR))

    def ends(self, *about: str) -> None:
        """Forget the trouble of what *about* names: the next one is logged again."""
        if self._troubles and self._troubles.pop(about, None) is not None and self._over:
            self._log.info(self._over, *map(shown, about))


def _of(where: str) -> str:
    return f" (queue {shown(where)!r})" if where else ""
