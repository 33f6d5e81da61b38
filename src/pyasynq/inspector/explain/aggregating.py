"""Findings about a task that waits in a group: which limit it waits for, and who aggregates it."""

from collections.abc import Iterator

from pyasynq.broker.decoding import whole
from pyasynq.clock import NANOSECONDS, to_datetime, to_span
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.limits import expired
from pyasynq.inspector.explain.queues import paused, unread
from pyasynq.inspector.explain.servers import named, no_server, serving
from pyasynq.inspector.explain.words import command, counted, length, moment, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.shown import span
from pyasynq.wire.handled import HandledGroups

LATE_NS = 30 * NANOSECONDS  # servers look at their groups every few seconds, and are busy at times


def aggregating(facts: Facts) -> Iterator[Finding]:
    """Tell why a task still waits in its group."""
    place = facts.task.place
    if place.set_deadline_s is not None:
        yield _under_way(facts, whole(place.set_deadline_s) * NANOSECONDS)
        yield from unread(facts)
        return
    yield from no_server(facts, "nobody aggregates its groups")
    yield from expired(facts)
    if not place.is_group_listed:
        yield _forgotten(facts)
    yield from paused(facts, is_waiting=False)
    yield from _aggregators(facts)
    yield from unread(facts)


def _under_way(facts: Facts, deadline_ns: int) -> Finding:
    group = quoted(facts.task.group)
    if deadline_ns > facts.now_ns:
        left = length(facts.now_ns, deadline_ns)
        sentence = f"Group {group} is being aggregated now; whoever does it has {left} left."
    else:
        over = length(deadline_ns, facts.now_ns)
        sentence = (
            f"The aggregation of group {group} should have ended {over} ago, so its server is "
            "gone; another one gives the tasks back to their group within a minute or two."
        )
    return Finding(
        code="being_aggregated" if deadline_ns > facts.now_ns else "aggregation_abandoned",
        severity="info" if deadline_ns > facts.now_ns else "warning",
        sentence=sentence,
        evidence={"group": facts.task.group, "deadline": to_datetime(deadline_ns)},
    )


def _forgotten(facts: Facts) -> Finding:
    return Finding(
        code="group_not_listed",
        severity="warning",
        sentence=(
            f"Group {quoted(facts.task.group)} is not among the groups that servers look at, as "
            "programs in Go leave it at times; a Python server that aggregates groups lists it "
            "again."
        ),
        evidence={"group": facts.task.group, "queue": facts.queue},
        advice="enqueue another task for this group, which lists it at once",
    )


def _aggregators(facts: Facts) -> Iterator[Finding]:
    """Tell when the group is due, or that nobody looks at it, as far as is known."""
    servers, group = serving(facts), facts.task.group
    limits = [found for each in servers if (found := each.handled.aggregates(group)) is not None]
    unknown = [each for each in servers if each.handled.types is None]
    if limits:
        # The first server that finds the group due takes it.
        yield min((_due(facts, each) for each in limits), key=lambda each: each.evidence["due_at"])
    elif unknown:
        yield Finding(
            code="aggregators_not_known",
            severity="info",
            sentence=(
                f"It is not known whether and when {named(unknown)} aggregates group "
                f"{quoted(group)}, which has {counted(facts.task.place.size, 'task')}: servers in "
                "Go do not publish that."
            ),
            evidence={"group": group, "servers": [each.name for each in unknown]},
            advice=f"{command('run', facts.queue, facts.task_id)} lets the task run alone",
        )
    elif servers:
        yield Finding(
            code="nobody_aggregates",
            severity="error",
            sentence=f"No live server of the queue aggregates group {quoted(group)}.",
            evidence={
                "group": group,
                "patterns": sorted({p.pattern for s in servers for p in s.handled.groups}),
                "servers": [each.name for each in servers],
            },
            advice=(
                "start a server with an aggregator for this group, or let the tasks run alone: "
                f"`pyasynq task runall -q {facts.queue} -s aggregating -g {group}`"
            ),
        )


def _due(facts: Facts, limits: HandledGroups) -> Finding:
    place, group = facts.task.place, facts.task.group
    at_ns = whole(place.highest) * NANOSECONDS + limits.grace_s * NANOSECONDS
    ways = [(at_ns, f"nothing new joins it for {_span(limits.grace_s)}")]
    if limits.max_delay_s:
        at_ns = whole(place.lowest) * NANOSECONDS + limits.max_delay_s * NANOSECONDS
        ways.append((at_ns, f"its oldest task has waited for {_span(limits.max_delay_s)}"))
    due_ns, why = min(ways)
    if limits.max_size and place.size >= limits.max_size:
        due_ns = min(due_ns, facts.now_ns)
    size = counted(place.size, "task")
    if limits.max_size:
        size = f"{place.size:,} of {limits.max_size:,} tasks"
    evidence = {
        "group": group,
        "size": place.size,
        "due_at": to_datetime(due_ns),
        "oldest_at": moment(place.lowest),
        "newest_at": moment(place.highest),
        "grace_period": to_span(limits.grace_s),
        "max_delay": to_span(limits.max_delay_s) if limits.max_delay_s else None,
        "max_size": limits.max_size or None,
    }
    if due_ns > facts.now_ns:
        sooner = f", or it has {limits.max_size:,}" if limits.max_size else ""
        return Finding(
            code="group_waits",
            severity="info",
            sentence=(
                f"Group {quoted(group)} has {size}; it is aggregated in "
                f"{length(facts.now_ns, due_ns + NANOSECONDS)}, when {why}{sooner}."
            ),
            evidence=evidence,
        )
    over = length(due_ns, facts.now_ns)
    is_late = facts.now_ns - due_ns > LATE_NS
    return Finding(
        code="group_overdue" if is_late else "group_due",
        severity="warning" if is_late else "info",
        sentence=f"Group {quoted(group)} has {size}; it has been due for {over}.",
        evidence=evidence,
        advice="look into the log of the servers that aggregate it" if is_late else "",
    )


def _span(number: int) -> str:
    return span(to_span(number))
