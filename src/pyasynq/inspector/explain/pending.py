"""Findings about a pending task: what keeps a server from taking it."""

from collections.abc import Iterator

from pyasynq.clock import NANOSECONDS
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.limits import too_late
from pyasynq.inspector.explain.queues import paused, unread
from pyasynq.inspector.explain.servers import (
    fetching,
    no_handler,
    no_server,
    slots_taken,
    stopping,
    strict_priority,
)
from pyasynq.inspector.explain.words import counted, length, moment_of
from pyasynq.inspector.finding import Finding

LATE_NS = 20 * NANOSECONDS  # a server with a free slot takes a task at once, or asks every second


def pending(facts: Facts) -> Iterator[Finding]:
    """Tell why a pending task does not run yet."""
    found = [
        *paused(facts),
        *no_server(facts, "nobody takes its tasks"),
        *stopping(facts),
        *too_late(facts),
        *no_handler(facts),
        *slots_taken(facts),
        *strict_priority(facts),
        *unread(facts),
    ]
    yield from found
    yield from _position(facts)
    if not any(each.severity != "info" for each in found):
        yield _should_run(facts)


def _position(facts: Facts) -> Iterator[Finding]:
    """Tell how many tasks are ahead in the queue, if there are any."""
    place, before = facts.task.place, facts.task.place.rank
    if before == 0 or not place.is_searched:
        return
    told = f"More than {facts.most_ids:,} tasks are" if before is None else f"{_tasks_are(before)}"
    yield Finding(
        code="behind_others",
        severity="info",
        sentence=f"{told} ahead of it in the queue, of {place.size:,} pending in all.",
        evidence={
            "ahead": before,
            "pending": place.size,
            "pending_since": moment_of(facts.task.pending_since_ns),
        },
    )


def _tasks_are(number: int) -> str:
    return f"{counted(number, 'task')} {'is' if number == 1 else 'are'}"


def _should_run(facts: Facts) -> Finding:
    """Tell that nothing is wrong; or that the task should have been taken long ago."""
    servers, before = fetching(facts), facts.task.place.rank
    since_ns, slots = facts.task.pending_since_ns, sum(each.free_slots for each in servers)
    is_late = before == 0 and since_ns is not None and facts.now_ns - since_ns > LATE_NS
    waited = "" if since_ns is None else f"; it has waited for {length(since_ns, facts.now_ns)}"
    when = "at once" if before == 0 else "as soon as those before it have been taken"
    return Finding(
        code="should_have_run" if is_late else "should_run",
        severity="warning" if is_late else "info",
        sentence=(
            f"It should {'have run' if is_late else 'run'} {when}: "
            f"{counted(len(servers), 'live server')} of the queue "
            f"{'has' if len(servers) == 1 else 'have'} {counted(slots, 'free slot')}{waited}."
        ),
        evidence={
            "servers": [each.name for each in servers],
            "free_slots": slots,
            "ahead": before,
            "pending_since": moment_of(since_ns),
        },
        advice=(
            "look into the log of these servers, which tells what keeps them from taking tasks"
            if is_late
            else "ask again in some seconds"
        ),
    )
