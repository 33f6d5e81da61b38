"""Findings about a task that is not as it should be in Redis."""

from collections.abc import Iterator

from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.words import command, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.task import TaskState

STATES = frozenset(TaskState)


def without_task(facts: Facts) -> Iterator[Finding]:
    """Tell that an ID is listed in its queue, but there is no task, or something else."""
    task = facts.task
    if task.kind != "none":
        yield Finding(
            code="wrong_type",
            severity="error",
            sentence=(
                f"Redis has a {task.kind} where the task should be, so some other program has "
                "written there."
            ),
            evidence={"type": task.kind, "queue": facts.queue, "task_id": facts.task_id},
            advice="find out who wrote it; delete or rename that key, then enqueue the task again",
        )
    elif task.listed:
        yield Finding(
            code="task_missing",
            severity="error",
            sentence=(
                f"The queue lists this ID as {task.listed}, but its task is gone from Redis, so "
                "there is nothing to run; servers take the ID from the list."
            ),
            evidence={"listed": task.listed, "queue": facts.queue, "task_id": facts.task_id},
            advice=(
                "enqueue it again; look whether Redis evicts keys (maxmemory-policy must be "
                "noeviction)"
            ),
        )


def damage(facts: Facts) -> Iterator[Finding]:
    """Tell that the message cannot be read, or that the task is not where its state says."""
    task = facts.task
    if facts.message is None:
        yield Finding(
            code="damaged",
            severity="error",
            sentence=(
                f"Its message cannot be read: {facts.damage}. A server that takes it archives it."
            ),
            evidence={"state": task.state, "error": facts.damage, "has_message": bool(task.data)},
            advice=f"enqueue it again; {command('delete', facts.queue, facts.task_id)} deletes it",
        )
    if task.state not in STATES:
        yield Finding(
            code="unknown_state",
            severity="error",
            sentence=f"It has the unknown state {quoted(task.state)}, so no server looks at it.",
            evidence={"state": task.state},
            advice="enqueue it again with another ID; find out which program wrote that state",
        )
    elif _is_unlisted(facts):
        yield Finding(
            code="not_listed",
            severity="error",
            sentence=(
                f"It says that it is {task.state}, but the queue does not list it there, so no "
                "server finds it."
            ),
            evidence={"state": task.state, "listed_there": task.place.size},
            advice="enqueue it again with another ID",
        )


def _is_unlisted(facts: Facts) -> bool:
    """Return whether a task is certainly not where its state says."""
    place = facts.task.place
    if not place.is_searched or place.rank is not None:
        return False
    if facts.task.state in {TaskState.PENDING, TaskState.ACTIVE}:
        return place.size <= facts.most_ids
    return place.set_deadline_s is None
