# Generated from bulk_async.py by tools/unasync.py: change that file.
"""Changes many tasks: those that match a filter, or those that are named; the twin is generated."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pyasynq.admin import audit
from pyasynq.admin.filters import Filter, Matcher, Scope, matcher, parse
from pyasynq.admin.filters.scope import Place, content_of, needs_lists
from pyasynq.admin.jobs import (
    AT_ONCE,
    MOST_PER_SECOND,
    Bounds,
    JobResult,
    OnJobProgress,
    PlaceCount,
    Preview,
    check_allowed,
    estimated,
    is_done,
    states_of,
)
from pyasynq.admin.redaction import Redactor, redacted
from pyasynq.admin.search import chunks, scope_of
from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.broker.operations.task_lists import Content
from pyasynq.clock import to_ns
from pyasynq.errors import ConfigError, PayloadError, PyasynqError
from pyasynq.inspector.bulk import STATES as WHOLE_STATES
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.inspector.found_task import FoundTask, TaskChunk
from pyasynq.inspector.inspector import Inspector
from pyasynq.inspector.pages import whole_number_fault
from pyasynq.task import TaskInfo, TaskState

MOST_TASKS = 2**53
MOST_SCANNED = 100_000  # tasks that a preview looks at, unless it is told otherwise


class _Stopped(Exception):  # noqa: N818 - no error: somebody wants no more
    """Raised by a callback to stop what `run_all` and its like do."""


class BulkJob:
    """Runs, archives, deletes, cancels or reschedules many tasks.

    A job changes at most 500 tasks in a round trip. Each task is checked at the moment it is
    changed: one that is not in the state any more in which it was found stays as it is, and is
    counted. Safe to repeat: a second job finds what the first one has left.

    Args:
        inspector: where the tasks are.
        change: what to do.
        limit: how many tasks to change; all if not given.
        per_second: how many tasks a second; as many as possible if not given.
        bounds: what somebody has agreed to, see `Preview.bounds`; everything if not given.
        on_progress: called after each chunk.
        is_cancelled: asked before each chunk whether to stop, such as ``event.is_set``.
        who: for the audit log, at most 200 characters.
        name: of the job, for the audit log.

    Raises:
        ConfigError: an argument is wrong.

    Attributes:
        result: how far it is, or was when an error ended it.
    """

    def __init__(
        self,
        inspector: Inspector,
        change: Change,
        *,
        limit: int | None = None,
        per_second: int | None = None,
        bounds: Bounds | None = None,
        on_progress: OnJobProgress | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        who: str = "",
        name: str = "",
    ) -> None:
        most = MOST_PER_SECOND
        ConfigError.raise_if(
            [
                whole_number_fault("limit", limit, most=MOST_TASKS) if limit is not None else None,
                whole_number_fault("per_second", per_second, most=most) if per_second else None,
                "per_second must be at least 1" if per_second == 0 else None,
            ]
        )
        self._inspector = inspector
        self._change = change
        self._limit = limit
        self._per_second = per_second
        self._bounds = bounds
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled or (lambda: False)
        self._who = who
        self._name = name
        self._clock = inspector.clock
        self.result = JobResult()
        self._started_ns = 0
        self._uncounted: set[str] = set()  # queues of which nobody knows how many tasks they have
        self._turn_s = 0.0  # when the next chunk may be changed, by the monotonic clock

    def preview(
        self,
        query: str | Filter,
        *,
        sample: int = 5,
        scan: int = MOST_SCANNED,
        redact: Redactor | None = None,
    ) -> Preview:
        """Count the tasks that the job would change, and change nothing.

        States of which every task matches are counted by Redis. Of the others, tasks are looked at;
        if there are more than *scan* of them, the count of a state is reckoned from its share. A
        state of which not all were looked at is told even if none of them matches: others may.

        Args:
            query: the filter, also as text.
            sample: how many tasks to show, at most 100.
            scan: how many tasks to look at, about.
            redact: hides what must not be shown, from the filter, too.

        Raises:
            FilterError: there is a mistake in the filter.
            ConfigError: only tasks match that do not allow the change.
            QueueNotFoundError: the filter names queues, none of which exists.
        """
        wanted = parse(query) if isinstance(query, str) else query
        where = self._scope(wanted)
        matches = matcher(wanted, self._clock.redis_now_ns(), redact)
        sizes = self._sizes(where)
        counts: Counter[Place] = Counter()
        looked: Counter[Place] = Counter()
        unfinished: set[Place] = set()
        broken: list[str] = []
        shown: list[TaskInfo] = []
        share = self._share(scan, sizes)
        for place in where.places:
            for found, chunk in self._chunks(_only(where, place), wanted, broken, "all"):
                matching = [each for each in chunk.tasks if _is_match(matches, each)]
                counts[found] += len(matching)
                looked[found] += len(chunk.tasks)
                infos = [each.shown() for each in matching[: max(0, sample - len(shown))]]
                shown += [each for each in infos if isinstance(each, TaskInfo)]
                if chunk.cursor is not None and (place.is_whole or looked[found] >= share):
                    unfinished.add(place)
                    break
        places = [
            _counted(
                place,
                size=sizes[place],
                matching=counts[place],
                looked=looked[place],
                is_open=self._is_open(place, sizes[place], looked[place], unfinished),
            )
            for place in where.places
        ]
        return Preview(
            places=tuple(each for each in places if each.count or each.is_estimated),
            sample=tuple(redacted(each, redact) for each in shown),
            scanned=sum(looked.values()),
            broken=tuple(broken),
        )

    def run(self, query: str | Filter, *, redact: Redactor | None = None) -> JobResult:
        """Change all tasks that match a filter.

        A task counts as matching as it is found; of the tasks of one queue in one state, no more
        are changed than there were at the beginning. If the filter says no more than queue and
        state, Redis changes all of them without anybody looking at each.

        Args:
            query: the filter, also as text.
            redact: hides what the filter must not see either.

        Returns:
            What became of it. Stopped half-way, by *is_cancelled* or by an error, what is changed
            stays changed.

        Raises:
            FilterError: there is a mistake in the filter.
            ConfigError: only tasks match that do not allow the change.
            QueueNotFoundError: the filter names queues, none of which exists.
            RedisUnavailableError: Redis did not answer.
        """
        wanted = parse(query) if isinstance(query, str) else query
        self._begin()
        with audit.action(self._who, self._change, wanted, self.result, self._name):
            where = self._bounded(self._scope(wanted))
            matches = matcher(wanted, self._started_ns, redact)
            sizes = self._sizes(where)
            self.result.total = sum(sizes.values())
            for place in where.places:
                if self._is_over():
                    break
                if self._is_fast(place):
                    self._whole(place)
                else:
                    left = MOST_TASKS if place.queue in self._uncounted else sizes[place]
                    self._some(_only(where, place), left, wanted, matches)
        return self.result

    def run_on(self, tasks: Sequence[TaskRef]) -> JobResult:
        """Change tasks that are named.

        A reference with a state is a task as somebody has seen it: in another state it is not
        changed, and is counted under *changed_meanwhile*. Without one, any state that allows the
        change will do, and any other is a failure.

        Returns:
            What became of it; see `run`.

        Raises:
            ConfigError: a name is blank.
            RedisUnavailableError: Redis did not answer.
        """
        self._begin()
        self.result.total = len(tasks)
        with audit.action(self._who, self._change, None, self.result, self._name):
            self._apply(list(tasks))
        return self.result

    def _begin(self) -> None:
        self.result = JobResult()
        self._started_ns = self._clock.redis_now_ns()

    def _scope(self, query: Filter) -> Scope:
        where = scope_of(self._inspector, query, states_of(self._change, query))
        if not where.places:
            check_allowed(self._change, (), (scope_of(self._inspector, query)).places)
        return where

    def _bounded(self, where: Scope) -> Scope:
        """Leave out the places to which nobody has agreed."""
        if self._bounds is None:
            return where
        agreed = self._bounds.places
        return replace(where, places=tuple(each for each in where.places if each.address in agreed))

    def _share(self, scan: int, sizes: dict[Place, int]) -> int:
        """Return how many tasks of each place are looked at, about."""
        sharing = [
            place
            for place, size in sizes.items()
            if not place.is_whole and (size or place.queue in self._uncounted)
        ]
        return max(AT_ONCE, scan // max(1, len(sharing)))

    def _is_open(self, place: Place, size: int, looked: int, unfinished: set[Place]) -> bool:
        """Return whether nobody knows how many tasks of a place match."""
        if place.queue in self._uncounted:
            return place.is_whole or place in unfinished
        return not place.is_whole and place in unfinished and looked < size

    def _chunks(
        self, where: Scope, query: Filter, broken: list[str], content: Content
    ) -> Iterator[tuple[Place, TaskChunk]]:
        return chunks(
            self._inspector,
            where,
            content=content,
            most_ids=0 if needs_lists(query) else AT_ONCE,
            on_broken=lambda place, error: broken.append(f"{place}: {error}"),
        )

    def _sizes(self, where: Scope) -> dict[Place, int]:
        """Return how many tasks there are in each place."""
        infos = {each.queue: each for each in self._inspector.queues.infos(memory=False)}
        sizes: dict[Place, int] = {}
        for place in where.places:
            info = infos.get(place.queue)
            sizes[place] = 0 if info is None else int(getattr(info, place.state.value))
        self._uncounted = {name for name, info in infos.items() if info.error or info.is_estimated}
        return sizes

    def _is_fast(self, place: Place) -> bool:
        """Return whether all tasks of a place can be changed at once."""
        allowed = WHOLE_STATES.get(f"{self._change.verb}_all", ())
        is_free = self._limit is None and self._per_second is None
        is_grouped = place.state is TaskState.AGGREGATING
        return place.is_whole and is_free and place.state in allowed and not is_grouped

    def _whole(self, place: Place) -> None:
        """Change all tasks of a place; see `inspector.tasks.run_all`."""
        tasks = self._inspector.tasks
        calls = {"run": tasks.run_all, "archive": tasks.archive_all, "delete": tasks.delete_all}
        before = self.result.done

        def show(done: int, _total: int) -> None:
            self.result.done = before + done
            self.result.scanned = self.result.tried
            self._tell()
            if self._is_over():
                raise _Stopped

        try:
            count = calls[self._change.verb](place.queue, place.state, on_progress=show)
        except _Stopped:
            pass  # the result tells why
        except PyasynqError as error:
            if concerns_redis_as_a_whole(error):
                raise
            self.result.broken.append(f"{place}: {error}")
        else:
            self.result.done = before + count

    def _some(self, where: Scope, left: int, query: Filter, matches: Matcher) -> None:
        """Change those tasks of a place that match, at most *left* of them."""
        needs_all = content_of(query) == "all" or self._change.at is not None
        content: Content = "all" if needs_all else "message"
        at_ns = to_ns(self._change.at) if self._change.at is not None else None
        for place, chunk in self._chunks(where, query, self.result.broken, content):
            found = [
                TaskRef(place.queue, each.id, place.state)
                for each in chunk.tasks
                if _is_match(matches, each)
                and not is_done(each, self._change, self._started_ns, at_ns)
            ]
            wanted = found[:left]
            self.result.scanned += len(chunk.tasks) - len(wanted)
            left -= self._apply(wanted)
            if chunk.tasks and not wanted:  # else each part of them was told
                self._tell()
            if self._is_over() or left <= 0:
                return

    def _apply(self, tasks: list[TaskRef]) -> int:
        """Change tasks in chunks until somebody wants no more; return how many were tried."""
        at = 0
        while at < len(tasks) and not self._is_over():
            self._wait_for_turn()
            some = tasks[at : at + self._chunk_size()]
            self.result.count(some, self._inspector.tasks.change(self._change, some))
            at += len(some)
            self.result.scanned += len(some)
            if self._per_second is not None:
                self._turn_s += len(some) / self._per_second
            self._tell()
        return at

    def _wait_for_turn(self) -> None:
        """Wait until so many tasks a second are not too many."""
        now_s = self._clock.monotonic()
        if self._turn_s > now_s:
            time.sleep(self._turn_s - now_s)
        self._turn_s = max(self._turn_s, now_s)

    def _chunk_size(self) -> int:
        most = MOST_TASKS if self._bounds is None else self._bounds.most
        if self._limit is not None:
            most = min(most, self._limit)
        at_once = min(AT_ONCE, most - self.result.done)
        # A second's worth, so that nobody waits longer for a job to stop.
        return at_once if self._per_second is None else min(at_once, self._per_second)

    def _is_over(self) -> bool:
        if self._bounds is not None and self.result.done >= self._bounds.most:
            self.result.is_capped = True
            return True
        if self._limit is not None and self.result.done >= self._limit:
            return True
        self.result.is_cancelled = self.result.is_cancelled or self._is_cancelled()
        return self.result.is_cancelled

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.result)


def _only(where: Scope, place: Place) -> Scope:
    return replace(where, places=(place,))


def _is_match(matches: Matcher, task: FoundTask) -> bool:
    """Return whether a task matches; one that cannot be read does not if its message counts."""
    try:
        return matches(task)
    except PayloadError:
        return False


def _counted(place: Place, *, size: int, matching: int, looked: int, is_open: bool) -> PlaceCount:
    """Return how many tasks of a place match, of which some were looked at."""
    count = estimated(matching, looked, size) if is_open else matching
    return PlaceCount(
        queue=place.queue,
        state=place.state,
        count=size if place.is_whole else count,
        is_estimated=is_open,
        scanned=looked,
        size=size,
    )
