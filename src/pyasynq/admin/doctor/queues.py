"""Findings about queues: nobody serves them, they are paused or full, or their names are odd."""

from collections.abc import Iterator
from shlex import quote

from pyasynq.admin.doctor.astray import unbacked_active
from pyasynq.admin.doctor.facts import DataFacts, QueueFacts, Untagged
from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.inspector import pauses
from pyasynq.inspector.explain.words import counted, joined, length, moment, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.shown import shown
from pyasynq.task import TaskState

LONG_PAUSE_NS = 3600 * NANOSECONDS
LONG_WAIT_NS = 3600 * NANOSECONDS
MOST_ARCHIVED = 10_000  # asynq v0.26 rdb.go: maxArchiveSize
NEARLY_FULL = 0.9
MOST_SHOWN = 20


def queues(facts: DataFacts) -> Iterator[Finding]:
    """Tell what is wrong with queues as a whole."""
    for each in facts.untagged:
        yield untagged(each)
    empty: list[str] = []
    for queue in facts.queues:
        yield from _unserved(facts, queue, empty)
        yield from _paused(facts, queue)
        yield from _late(facts, queue)
        yield from _archive(queue)
        yield from _groups(facts, queue)
        yield from _unreadable(queue)
    if empty:
        yield Finding(
            code="empty_queue_unserved",
            severity="info",
            sentence=f"No live server serves {joined(empty[:MOST_SHOWN])}, empty as they are."
            if len(empty) > 1
            else f"No live server serves {joined(empty)}, empty as it is.",
            evidence={"queues": empty[:MOST_SHOWN], "number": len(empty)},
            advice="`pyasynq queue rm QUEUE` deletes a queue that is not used any longer",
        )
    if facts.unknown:
        yield Finding(
            code="queue_not_listed",
            severity="error",
            sentence=(
                f"There are tasks or counters of {joined(facts.unknown[:MOST_SHOWN])}, but the set "
                "of all queues does not name them, so no inspector shows them."
            ),
            evidence={"queues": list(facts.unknown[:MOST_SHOWN])},
            advice="`pyasynq doctor --scan --fix --yes` lists it again, and so does an enqueue",
        )


def untagged(queue: Untagged) -> Finding:
    """Tell that the keys of a queue are in many slots, and what that leads to."""
    kept = list(queue.kept)
    held = (
        f" It holds {len(kept)} keys: {', '.join(map(shown, kept))}." if kept else " It is empty."
    )
    return Finding(
        code="queue_without_hash_tag",
        severity="error",
        sentence=(
            f"There is a queue named {quoted(queue.name)}; its keys have no hash tag, so a cluster "
            "refuses every script on them (as in \"'asynq:{}:t:' and 'asynq:{}:active' not in the "
            f'same slot").{held}'
        ),
        evidence={"queue": queue.name, "is_listed": queue.is_listed, "keys": kept},
        advice="find the program that enqueues to it, by a client in Go or from a setting that is "
        + (
            "empty, and move the tasks by `pyasynq task` on a single server, or delete these keys"
            if kept
            else "empty; `pyasynq doctor --fix --yes` takes the name out"
        ),
    )


def _unserved(facts: DataFacts, queue: QueueFacts, empty: list[str]) -> Iterator[Finding]:
    stats = queue.stats
    if stats is None or "servers" in facts.failed:
        return
    if any(queue.name in each.record.queues for each in facts.servers):
        return
    waiting = stats.pending + stats.active + stats.scheduled + stats.retry + stats.aggregating
    waiting -= len(unbacked_active(queue, facts.now_ns))
    if waiting <= 0:
        empty.append(queue.name)
        return
    near = sorted({name for each in facts.servers for name in each.record.queues})
    yield Finding(
        code="queue_unserved",
        severity="error",
        sentence=(
            f"No live server serves queue {quoted(queue.name)}, so its "
            f"{counted(waiting, 'task')} {'does' if waiting == 1 else 'do'} not run."
        ),
        evidence={
            "queue": queue.name,
            "waiting": waiting,
            "live_servers": len(facts.servers),
            "served": near[:MOST_SHOWN],
        },
        advice=f"start a server for it: `pyasynq worker MODULE:APP -q {quote(shown(queue.name))}`",
    )


def _paused(facts: DataFacts, queue: QueueFacts) -> Iterator[Finding]:
    stats = queue.stats
    if stats is None or not stats.is_paused:
        return
    details = pauses.decode(stats.pause_details, stats.paused_since_s)
    since_ns = (stats.paused_since_s or 0) * NANOSECONDS
    age_ns = facts.now_ns - since_ns
    if details.until_ns is not None or (since_ns and age_ns < LONG_PAUSE_NS):
        return
    ago = f" for {length(since_ns, facts.now_ns)}" if since_ns else ""
    by = f", by {quoted(details.by)}" if details.by else ""
    why = f": {quoted(details.reason)}" if details.reason else ""
    yield Finding(
        code="paused_long",
        severity="warning",
        sentence=(
            f"Queue {quoted(queue.name)} has been paused{ago}{by}{why}; "
            f"{counted(stats.pending, 'task')} wait{'s' if stats.pending == 1 else ''} there."
        ),
        evidence={
            "queue": queue.name,
            "since": moment(stats.paused_since_s),
            "by": details.by,
            "reason": details.reason,
            "pending": stats.pending,
        },
        advice=f"`pyasynq queue resume {quote(shown(queue.name))}` ends the pause",
    )


def _late(facts: DataFacts, queue: QueueFacts) -> Iterator[Finding]:
    stats = queue.stats
    if stats is None or stats.is_paused or not stats.oldest_pending_ns or not stats.pending:
        return
    if facts.now_ns - stats.oldest_pending_ns < LONG_WAIT_NS:
        return
    yield Finding(
        code="pending_long",
        severity="warning",
        sentence=(
            f"The oldest of the {counted(stats.pending, 'pending task')} of queue "
            f"{quoted(queue.name)} has waited for {length(stats.oldest_pending_ns, facts.now_ns)}."
        ),
        evidence={
            "queue": queue.name,
            "pending": stats.pending,
            "pending_since": to_datetime(stats.oldest_pending_ns),
        },
        advice="start more servers or raise their concurrency; `pyasynq task explain` tells why a "
        "task waits",
    )


def _archive(queue: QueueFacts) -> Iterator[Finding]:
    archived = queue.stats.archived if queue.stats else 0
    if archived < NEARLY_FULL * MOST_ARCHIVED:
        return
    yield Finding(
        code="archive_nearly_full",
        severity="warning",
        sentence=(
            f"Queue {quoted(queue.name)} has {archived:,} archived tasks; beyond {MOST_ARCHIVED:,} "
            "servers delete the oldest ones, so failures are lost unseen."
        ),
        evidence={"queue": queue.name, "archived": archived, "limit": MOST_ARCHIVED},
        advice=f"look why they fail: `pyasynq task ls -q {quote(shown(queue.name))} -s archived`; "
        "then run or delete them",
    )


def _groups(facts: DataFacts, queue: QueueFacts) -> Iterator[Finding]:
    servers = [each for each in facts.servers if queue.name in each.record.queues]
    if not servers or any(each.handled.types is None for each in servers):
        return  # nobody serves the queue, or servers in Go do not say what they aggregate
    alone = {
        name: size
        for name, size in queue.groups.items()
        if size and all(each.handled.aggregates(name) is None for each in servers)
    }
    if alone:
        some = joined(list(alone)[:MOST_SHOWN])
        yield Finding(
            code="nobody_aggregates",
            severity="error",
            sentence=(
                f"No live server of queue {quoted(queue.name)} aggregates {some}, so "
                f"{counted(sum(alone.values()), 'task')} wait for ever."
            ),
            evidence={"queue": queue.name, "groups": dict(list(alone.items())[:MOST_SHOWN])},
            advice="start a server with an aggregator for them, or let the tasks run alone: "
            f"`pyasynq task runall -q {quote(shown(queue.name))} -s {TaskState.AGGREGATING} "
            "-g GROUP`",
        )


def _unreadable(queue: QueueFacts) -> Iterator[Finding]:
    keys = queue.stats.unreadable if queue.stats else ()
    if keys:
        yield Finding(
            code="key_of_wrong_type",
            severity="error",
            sentence=(
                f"Some other program has written to {', '.join(map(shown, keys))}: no task of "
                f"queue {quoted(queue.name)} can enter or leave that state."
            ),
            evidence={"queue": queue.name, "keys": list(keys)},
            advice="find out who wrote them; rename or delete them",
        )
