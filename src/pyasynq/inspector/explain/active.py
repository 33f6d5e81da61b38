"""Findings about an active task: who runs it, and what if nobody does."""

from collections.abc import Iterator
from shlex import quote
from typing import Any

from pyasynq.clock import to_datetime
from pyasynq.inspector.explain.facts import Facts, LiveServer
from pyasynq.inspector.explain.queues import unread
from pyasynq.inspector.explain.servers import no_server
from pyasynq.inspector.explain.waiting import last_error
from pyasynq.inspector.explain.words import length, moment_of, score_ns
from pyasynq.inspector.finding import Finding
from pyasynq.shown import shown
from pyasynq.wire.records import WorkerRecord

RECOVERY = "a server of the queue retries or archives it, within a minute or two"


def active(facts: Facts) -> Iterator[Finding]:
    """Tell where an active task runs, or that nobody runs it any longer."""
    lease_ns = score_ns(facts.task.place.score)
    if lease_ns is None or lease_ns <= facts.now_ns:
        yield from no_server(facts, "nobody finds out that its worker is gone")
        yield _orphaned(facts, lease_ns)
    elif facts.worker is None:
        yield _not_shown(facts, lease_ns)
    else:
        yield from _running(facts, *facts.worker, lease_ns)
    yield from _cancelled(facts)
    yield from unread(facts)
    yield from last_error(facts)


def _evidence(facts: Facts, lease_ns: int | None) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "lease_ends_at": None if lease_ns is None else to_datetime(lease_ns),
        "redis_time": facts.now,
    }
    if facts.worker is not None:
        server, worker = facts.worker
        evidence |= {
            "server": server.name,
            "server_id": server.record.server_id,
            "started_at": moment_of(worker.started_ns),
            "deadline": moment_of(worker.deadline_ns),
        }
    return evidence


def _orphaned(facts: Facts, lease_ns: int | None) -> Finding:
    if lease_ns is None:
        sentence = f"It is active, but nobody has a lease of it: {RECOVERY}."
    else:
        ended = length(lease_ns, facts.now_ns)
        sentence = f"The lease of its worker ended {ended} ago, so that is gone: {RECOVERY}."
    return Finding(
        code="orphaned",
        severity="warning",
        sentence=sentence,
        evidence=_evidence(facts, lease_ns),
        advice="wait for that; if nothing changes, look into the log of the servers of the queue",
    )


def _not_shown(facts: Facts, lease_ns: int) -> Finding:
    left = length(facts.now_ns, lease_ns)
    return Finding(
        code="worker_not_shown",
        severity="warning",
        sentence=(
            "No live server says that it runs it. Either it has only just started, as servers tell "
            f"every few seconds, or its worker is gone: then its lease ends in {left}, and "
            f"{RECOVERY}."
        ),
        evidence=_evidence(facts, lease_ns),
        advice="ask again in some seconds",
    )


def _running(
    facts: Facts, server: LiveServer, worker: WorkerRecord, lease_ns: int
) -> Iterator[Finding]:
    evidence = _evidence(facts, lease_ns)
    since = ""
    if worker.started_ns is not None:
        since = f", for {length(worker.started_ns, facts.now_ns)} now"
    deadline_ns = worker.deadline_ns
    if deadline_ns is not None and deadline_ns <= facts.now_ns:
        over = length(deadline_ns, facts.now_ns)
        yield Finding(
            code="handler_overruns",
            severity="warning",
            sentence=(
                f"It runs at server {server.name}{since}, and its time was up {over} ago: its "
                "handler was asked to end, and does not."
            ),
            evidence=evidence,
            advice=(
                "let the handler end when it is cancelled; until then it takes a slot, and only a "
                "restart of that server ends it"
            ),
        )
        return
    left = "" if deadline_ns is None else f"; it has {length(facts.now_ns, deadline_ns)} left"
    yield Finding(
        code="running",
        severity="info",
        sentence=f"It runs at server {server.name}{since}{left}.",
        evidence=evidence,
        advice=f"`pyasynq task cancel {quote(shown(facts.task_id))}` cancels it",
    )
    if not server.fetches:
        yield Finding(
            code="server_stopping",
            severity="info",
            sentence=(
                "That server shuts down: if the task does not end in time, it goes back to its "
                "queue."
            ),
            evidence={"server": server.name, "status": server.record.status},
        )


def _cancelled(facts: Facts) -> Iterator[Finding]:
    then = facts.task.on_cancel
    if then:
        what = {"drop": "deleted", "archive": "archived"}.get(then, then)
        yield Finding(
            code="cancel_requested",
            severity="info",
            sentence=f"Somebody asked to cancel it: it is {what} once its handler has ended.",
            evidence={"then": then},
        )
