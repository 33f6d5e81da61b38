# Generated from failures_async.py by tools/unasync.py: change that file.
"""Tasks that failed, grouped by what went wrong; the blocking twin of this file is generated."""

from collections.abc import Callable
from functools import lru_cache

from pyasynq.admin.filters import Filter, Matcher, matcher, parse
from pyasynq.admin.filters.scope import content_of
from pyasynq.admin.redaction import Redactor, redacted_error
from pyasynq.admin.search import chunks, scope_of
from pyasynq.admin.signatures import MOST_GROUPS, FailureGroups, FailureReport
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.inspector.found_task import FoundTask
from pyasynq.inspector.inspector import Inspector
from pyasynq.inspector.pages import whole_number_fault
from pyasynq.task import TaskState

STATES = (TaskState.RETRY, TaskState.ARCHIVED)  # a task that failed is in one of these
MOST_SCANNED = 100_000  # tasks that one call looks at, unless it is told otherwise


def failures(
    inspector: Inspector,
    query: str | Filter = "",
    *,
    scan: int = MOST_SCANNED,
    most: int = MOST_GROUPS,
    redact: Redactor | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> FailureReport:
    """Group the tasks that are retried or archived by what went wrong.

    Tasks without an error, as those that somebody has archived, do not count. What is kept in
    memory does not depend on how many tasks there are.

    Args:
        inspector: where to look.
        query: a filter for the tasks, also as text; all if not given.
        scan: how many tasks to look at; about that many, since a step is not broken off.
        most: how many groups there may be, from 1 to 1,000; the rest is counted in one more.
        redact: hides what must not be shown, from the filter, too. Errors are grouped as they may
            be shown, and have the fingerprints of what is left of them.
        on_progress: called after each step, with how many tasks were looked at so far.

    Raises:
        FilterError: there is a mistake in the filter.
        ConfigError: another argument is wrong.
        QueueNotFoundError: the filter names queues, none of which exists.
    """
    ConfigError.raise_if(
        [
            whole_number_fault("scan", scan, most=2**53),
            whole_number_fault("most", most, most=MOST_GROUPS),
        ]
    )
    wanted = parse(query) if isinstance(query, str) else query
    matches = matcher(wanted, inspector.clock.redis_now_ns(), redact)
    shown = lru_cache(maxsize=1024)(lambda error: redacted_error(error, redact))
    where = scope_of(inspector, wanted, STATES)
    groups = FailureGroups(most)
    broken: list[str] = []
    count = scanned = 0
    is_complete = True
    for _place, chunk in chunks(
        inspector,
        where,
        newest_first=True,
        content="all" if content_of(wanted) == "all" else "message",
        on_broken=lambda place, error: broken.append(f"{place}: {error}"),
    ):
        count += sum(_added(groups, each, matches, shown) for each in chunk.tasks)
        scanned += len(chunk.tasks)
        if on_progress is not None and chunk.tasks:
            on_progress(scanned)
        if scanned >= scan and chunk.cursor is not None:
            is_complete = False
            break
    return FailureReport(
        groups=groups.result(),
        failures=count,
        scanned=scanned,
        is_complete=is_complete,
        broken=tuple(broken),
    )


def _added(
    groups: FailureGroups, task: FoundTask, matches: Matcher, shown: Callable[[str], str]
) -> bool:
    """Count a task if it matches and has failed; return whether it does."""
    try:
        if not matches(task) or not task.last_error:
            return False
    except PayloadError:
        return False
    groups.add(
        error=shown(task.last_error),
        task_type=task.type,
        queue=task.queue,
        task_id=task.id,
        state=task.state.value,
        at_ns=task.failed_ns,
    )
    return True
