"""Findings about servers: does one serve the queue, does it take tasks, can it handle this one?"""

from collections.abc import Iterator, Sequence
from itertools import islice
from shlex import quote
from typing import Any

from pyasynq.inspector.explain.facts import Facts, LiveServer
from pyasynq.inspector.explain.words import counted, length, moment_of, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.shown import listed, shown
from pyasynq.spelling import nearest

MOST_SHOWN = 10  # servers or tasks in the evidence


def serving(facts: Facts) -> list[LiveServer]:
    """Return the servers that serve the queue."""
    return [each for each in facts.servers if facts.queue in each.record.queues]


def fetching(facts: Facts) -> list[LiveServer]:
    """Return those that take tasks from it."""
    return [each for each in serving(facts) if each.fetches]


def named(servers: Sequence[LiveServer], word: str = "server") -> str:
    """Return servers in a sentence: the name of one, the number of several."""
    return f"{word} {servers[0].name}" if len(servers) == 1 else counted(len(servers), "server")


def no_server(facts: Facts, consequence: str) -> Iterator[Finding]:
    """Tell that nobody serves the queue, and what follows from that."""
    if serving(facts) or "servers" in facts.unread:
        return
    served = sorted({name for each in facts.servers for name in each.record.queues})
    near = nearest(facts.queue, served)
    others = ""
    if facts.servers:
        are = "server is" if len(facts.servers) == 1 else "servers are"
        others = f" ({len(facts.servers):,} other {are} alive, for {listed(served)})"
    yield Finding(
        code="no_server",
        severity="error",
        sentence=(f"No live server serves queue {quoted(facts.queue)}{others}, so {consequence}."),
        evidence={
            "queue": facts.queue,
            "live_servers": len(facts.servers),
            "servers": [_brief(each) for each in islice(facts.servers, MOST_SHOWN)],
        },
        advice=(
            (f"did you mean queue {quoted(near)}? " if near else "")
            + f"start a server for it: `pyasynq worker MODULE:APP -q {quote(shown(facts.queue))}`"
        ),
    )


def stopping(facts: Facts) -> Iterator[Finding]:
    """Tell that the servers of the queue take no more tasks, since they shut down."""
    servers = serving(facts)
    if not servers or fetching(facts):
        return
    yield Finding(
        code="servers_stopping",
        severity="error",
        sentence=(
            f"The live servers of queue {quoted(facts.queue)} take no more tasks: "
            "they are shutting down."
        ),
        evidence={"servers": [_brief(each) for each in islice(servers, MOST_SHOWN)]},
        advice="start a server of this queue",
    )


def slots_taken(facts: Facts) -> Iterator[Finding]:
    """Tell that every slot is taken, by which tasks, and since when."""
    servers = fetching(facts)
    if not servers or any(each.free_slots for each in servers):
        return
    running = sorted(
        (each for server in servers for each in server.workers),
        key=lambda each: (each.started_ns or 0, each.task_id),
    )
    longest = running[0] if running else None
    slots = sum(each.record.concurrency for each in servers)
    taken = "The only slot" if slots == 1 else f"All {slots:,} slots"
    told = ""
    if longest is not None:
        since = length(longest.started_ns or facts.now_ns, facts.now_ns)
        task = f"{quoted(longest.task_id)} ({shown(longest.task_type)})"
        told = f"; the longest by task {task}, for {since}"
    yield Finding(
        code="slots_taken",
        severity="warning",
        sentence=(
            f"{taken} of {named(servers)} of queue {quoted(facts.queue)} "
            f"{'is' if slots == 1 else 'are'} taken{told}."
        ),
        evidence={
            "slots": slots,
            "servers": [_brief(each) for each in islice(servers, MOST_SHOWN)],
            "longest_running": [
                {
                    "queue": each.queue,
                    "task_id": each.task_id,
                    "type": each.task_type,
                    "started_at": moment_of(each.started_ns),
                }
                for each in running[:MOST_SHOWN]
            ],
        },
        advice=(
            "wait, start more servers, raise their concurrency, or cancel what is stuck"
            + (f": `pyasynq task cancel {quote(shown(longest.task_id))}`" if longest else "")
        ),
    )


def no_handler(facts: Facts) -> Iterator[Finding]:
    """Tell that a server of the queue has no handler for the type, or that this is not known."""
    servers = serving(facts)
    if facts.message is None or not servers:
        return
    task_type = facts.message.type
    answers = [(each, each.handled.handles(task_type)) for each in servers]
    without = [each for each, answer in answers if answer is False]
    unknown = [each for each, answer in answers if answer is None]
    is_handled = any(answer for _each, answer in answers)
    if without:
        yield _no_handler(facts, without, unknown, is_handled=is_handled)
    elif unknown:
        yield Finding(
            code="types_not_known",
            severity="info",
            sentence=(
                f"It is not known whether {named(unknown)} can handle type {quoted(task_type)}: "
                "servers in Go do not publish their types."
            ),
            evidence={"type": task_type, "servers": [each.name for each in unknown]},
        )


def _no_handler(
    facts: Facts, without: Sequence[LiveServer], unknown: Sequence[LiveServer], *, is_handled: bool
) -> Finding:
    task_type = facts.message.type if facts.message else ""
    types = sorted({name for each in without for name in each.handled.types or ()})
    near = nearest(task_type, types)
    kind = quoted(task_type)
    if is_handled:
        sentence = (
            f"{named(without, 'Server')} of queue {quoted(facts.queue)} cannot handle type "
            f"{kind}: an attempt there fails and is retried."
        )
    elif unknown:
        sentence = (
            f"No server has a handler for type {kind}, as far as is known; then an attempt fails. "
            f"{counted(len(unknown), 'server')} of the queue did not publish any types, as those "
            "in Go."
        )
    else:
        sentence = (
            f"No live server of queue {quoted(facts.queue)} has a handler for type {kind}, so "
            "every attempt fails."
        )
    return Finding(
        code="handler_missing_at_some" if is_handled else "no_handler",
        severity="warning" if is_handled or unknown else "error",
        sentence=sentence,
        evidence={
            "type": task_type,
            "servers_without": [each.name for each in without],
            "servers_not_known": [each.name for each in unknown],
            "types": types[:MOST_SHOWN],
        },
        advice=(
            (f"did you mean type {quoted(near)}? " if near else "")
            + "start servers that have this task, in place of those that do not"
        ),
    )


def strict_priority(facts: Facts) -> Iterator[Finding]:
    """Tell that every server works on queues of higher priority first, which have tasks."""
    servers = fetching(facts)
    busier: dict[str, int] = {}
    for each in servers:
        higher = _busy_higher(facts, each)
        if not higher:
            return
        busier.update(higher)
    if not busier:
        return
    told = " and ".join(
        f"{quoted(name)} ({counted(pending, 'task')})"
        for name, pending in islice(busier.items(), MOST_SHOWN)
    )
    yield Finding(
        code="higher_queue_busy",
        severity="warning",
        sentence=(
            f"The servers of queue {quoted(facts.queue)} work in strict priority, and queues of "
            f"higher priority have pending tasks: {told}."
        ),
        evidence={"pending": dict(busier), "servers": [each.name for each in servers][:MOST_SHOWN]},
        advice="wait, start servers of this queue alone, or serve without strict priority",
    )


def _busy_higher(facts: Facts, server: LiveServer) -> dict[str, int]:
    """Return the queues that a server works on first and that have tasks, with their numbers."""
    queues = server.record.queues
    if not server.record.strict_priority:
        return {}
    return {
        name: facts.others[name].pending
        for name, priority in sorted(queues.items(), key=lambda each: -each[1])
        if priority > queues[facts.queue]
        and name in facts.others
        and facts.others[name].pending
        and not facts.others[name].is_paused
    }


def _brief(server: LiveServer) -> dict[str, Any]:
    record = server.record
    return {
        "server": server.name,
        "id": record.server_id,
        "queues": dict(record.queues),
        "status": record.status,
        "slots": record.concurrency,
        "running": record.active_worker_count,
    }
