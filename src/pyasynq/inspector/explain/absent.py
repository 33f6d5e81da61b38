"""Findings about a queue or a task that does not exist."""

from collections.abc import Iterator

from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.words import command, counted, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.spelling import nearest

UNKNOWN_QUEUE = "unknown_queue"
UNKNOWN_ID = "unknown_id"
MOST_SHOWN = 20


def unknown_queue(facts: Facts) -> Iterator[Finding]:
    """Tell that there is no such queue, and which one may be meant."""
    near = nearest(facts.queue, facts.queues)
    if facts.task_id in facts.queues:
        hint = "the queue and the ID seem to be swapped"
    elif near:
        hint = f"did you mean queue {quoted(near)}?"
    elif facts.queues:
        hint = "`pyasynq queue ls` shows all queues"
    else:
        hint = "no task was ever enqueued here: is this the Redis that your programs use?"
    yield Finding(
        code=UNKNOWN_QUEUE,
        severity="error",
        sentence=f"There is no queue {quoted(facts.queue)}.",
        evidence={"queue": facts.queue, "queues": list(facts.queues[:MOST_SHOWN]), "near": near},
        advice=hint,
    )
    yield from _elsewhere(facts)


def unknown_id(facts: Facts) -> Iterator[Finding]:
    """Tell that the queue has no such task, where it may be, and that it may have been done."""
    yield Finding(
        code=UNKNOWN_ID,
        severity="error",
        sentence=f"Queue {quoted(facts.queue)} has no task {quoted(facts.task_id)}.",
        evidence={"queue": facts.queue, "task_id": facts.task_id},
        advice=(
            "look whether the ID is complete, and whether this is the queue and the Redis that it "
            "was enqueued to"
        ),
    )
    yield from _elsewhere(facts)
    for near, state in facts.near_ids:
        yield Finding(
            code="similar_id",
            severity="info",
            sentence=f"The queue has a task with a similar ID, {quoted(near)}, which is {state}.",
            evidence={"task_id": near, "state": state},
            advice=command("explain", facts.queue, near),
        )
    yield _may_be_done(facts)


def _elsewhere(facts: Facts) -> Iterator[Finding]:
    for queue, state in facts.elsewhere.items():
        yield Finding(
            code="same_id_elsewhere",
            severity="info",
            sentence=f"Queue {quoted(queue)} has a task with this ID, which is {state}.",
            evidence={"queue": queue, "state": state},
            advice=command("explain", queue, facts.task_id),
        )


def _may_be_done(facts: Facts) -> Finding:
    stats = facts.stats
    today = ""
    if stats is not None:
        today = (
            f" This queue has processed {counted(stats.processed, 'task')} today, and keeps "
            f"{stats.completed:,} that {'is' if stats.completed == 1 else 'are'} done."
        )
    return Finding(
        code="may_be_done",
        severity="info",
        sentence=(
            "It may be done: a task that succeeds is deleted at once, unless it was enqueued with "
            f"a retention.{today}"
        ),
        evidence={
            "processed_today": None if stats is None else stats.processed,
            "failed_today": None if stats is None else stats.failed,
            "completed_kept": None if stats is None else stats.completed,
            "archived_kept": None if stats is None else stats.archived,
        },
        advice=(
            "enqueue with a retention, as `pyasynq task enqueue --retention 24h` does, to see what "
            "became of a task"
        ),
    )
