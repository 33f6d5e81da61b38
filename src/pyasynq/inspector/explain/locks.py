"""Findings about an enqueue that is refused: who holds the unique lock, or has the ID."""

from collections.abc import Iterator

from pyasynq.clock import to_span
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.words import command, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.shown import span


def lock(facts: Facts) -> Iterator[Finding]:
    """Tell who holds the lock that was asked for, and for how long."""
    task = facts.task
    left = None if task.lock_ms < 0 else to_span(task.lock_ms / 1000)
    evidence = {"lock": task.lock_key, "holder": task.lock_holder or None, "ends_in": left}
    ends = "and never ends by itself" if left is None else f"and ends in {span(left)}"
    if not task.lock_holder:
        yield Finding(
            code="lock_free",
            severity="info",
            sentence="Nobody holds the unique lock, so such a task would be enqueued now.",
            evidence=evidence,
        )
    elif task.kind != "hash":
        yield Finding(
            code="lock_without_task",
            severity="error",
            sentence=(
                f"The unique lock names task {quoted(task.lock_holder)}, which does not exist any "
                f"longer, {ends}; until then, such a task is refused."
            ),
            evidence=evidence,
            advice="wait for that, or delete the key of the lock, which the evidence names",
        )
    else:
        yield Finding(
            code="lock_held",
            severity="error",
            sentence=(
                f"Task {quoted(task.lock_holder)}, which is {task.state}, holds the unique lock, "
                f"so another one is refused; the lock is freed when it is done or deleted, {ends}."
            ),
            evidence={**evidence, "state": task.state},
            advice=(
                f"let that task end; {command('delete', facts.queue, task.lock_holder)} frees the "
                "lock at once, unless the task runs"
            ),
        )


def id_taken(facts: Facts) -> Iterator[Finding]:
    """Tell that the queue has a task with the ID that was asked for."""
    if facts.task.kind == "none":
        return
    state = facts.task.state or "damaged"
    yield Finding(
        code="id_taken",
        severity="error",
        sentence=(
            f"Queue {quoted(facts.queue)} has a task with the ID {quoted(facts.task_id)}, which is "
            f"{state}, so another one is refused."
        ),
        evidence={"queue": facts.queue, "task_id": facts.task_id, "state": state},
        advice=f"{command('explain', facts.queue, facts.task_id)} tells why it is not done",
    )
