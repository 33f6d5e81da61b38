"""Findings about damaged data: lists without tasks, tasks without lists, locks without tasks."""

from collections.abc import Collection, Iterator
from shlex import quote

from pyasynq.admin.doctor.astray import (
    unbacked,
    unbacked_active,
    unleased,
    unlisted_leases,
    unreadable,
)
from pyasynq.admin.doctor.facts import DataFacts, QueueFacts
from pyasynq.inspector.explain.words import counted, quoted
from pyasynq.inspector.finding import Finding
from pyasynq.shown import shown
from pyasynq.task import TaskState

MOST_SHOWN = 20
FIX = "`pyasynq doctor --fix --yes`"
FIX_SCANNED = "`pyasynq doctor --scan --fix --yes`"


def damage(facts: DataFacts) -> Iterator[Finding]:
    """Tell what is damaged in each queue."""
    for queue in facts.queues:
        yield from _active(facts, queue)
        yield from _lists(queue)
        yield from _messages(queue)
        yield from _scanned(queue)
        for what, why in queue.failed.items():
            yield not_readable(f"{what} of queue {quoted(queue.name)}", why)
    for what, why in facts.failed.items():
        yield not_readable(what, why)


def not_readable(what: str, why: str) -> Finding:
    """Tell that something could not be read, so that nothing is known of it."""
    return Finding(
        code="not_readable",
        severity="warning",
        sentence=f"The {what} could not be read, so what follows from that is not known.",
        evidence={"what": what, "error": why},
        advice="mend what the error names, and ask again",
    )


def _active(facts: DataFacts, queue: QueueFacts) -> Iterator[Finding]:
    ghosts = unbacked_active(queue, facts.now_ns)
    if ghosts:
        yield Finding(
            code="active_without_task",
            severity="error",
            sentence=(
                f"Queue {quoted(queue.name)} has {counted(len(ghosts), 'active ID')} without a "
                "task and without a living worker. Servers in Go up to v0.24 take each for a task "
                "of queue '' and try in vain to archive it, every minute, for ever; on a cluster "
                "they log \"'asynq:{}:t:' and 'asynq:{}:active' not in the same slot\"."
            ),
            evidence={"queue": queue.name, "task_ids": _some(ghosts), "number": len(ghosts)},
            advice=f"{FIX} takes them out; a server of pyasynq does so by itself. Tasks get lost "
            "like that if Redis evicts keys, or if somebody deletes them",
        )
    alone = unleased(queue)
    if alone:
        yield Finding(
            code="active_without_lease",
            severity="warning",
            sentence=(
                f"Queue {quoted(queue.name)} has {counted(len(alone), 'active task')} without a "
                "lease: servers in Go never find out that their worker is gone, and they never end."
            ),
            evidence={"queue": queue.name, "task_ids": _some(alone), "number": len(alone)},
            advice=f"{FIX} gives them a lease that is over, so that any server retries them; a "
            "server of pyasynq does so by itself",
        )
    astray = unlisted_leases(queue)
    if astray:
        yield Finding(
            code="lease_without_active",
            severity="warning",
            sentence=(
                f"Queue {quoted(queue.name)} has {counted(len(astray), 'lease')} of tasks that are "
                "not active: servers try in vain to recover them, again and again."
            ),
            evidence={"queue": queue.name, "task_ids": _some(astray), "number": len(astray)},
            advice=f"{FIX} removes the lease, or makes the task active again if it is nowhere "
            "else, so that it is retried",
        )


def _lists(queue: QueueFacts) -> Iterator[Finding]:
    for state, ids in unbacked(queue).items():
        yield Finding(
            code="listed_without_task",
            severity="warning",
            sentence=(
                f"Queue {quoted(queue.name)} lists {counted(len(ids), f'{state.value} ID')} whose "
                "task is gone: it was evicted or deleted, and will not run."
            ),
            evidence={
                "queue": queue.name,
                "state": state.value,
                "task_ids": _some(ids),
                "number": len(ids),
            },
            advice=f"{FIX} takes them out; enqueue the tasks again, if you know them",
        )


def _messages(queue: QueueFacts) -> Iterator[Finding]:
    for state, tasks in unreadable(queue).items():
        ids = [each.task_id for each in tasks]
        yield Finding(
            code="undecodable_message",
            severity="warning" if state is TaskState.ARCHIVED else "error",
            sentence=(
                f"Queue {quoted(queue.name)} has {counted(len(ids), f'{state.value} task')} whose "
                "message cannot be read, so nobody can run it."
            ),
            evidence={
                "queue": queue.name,
                "state": state.value,
                "task_ids": _some(ids),
                "number": len(ids),
                "error": tasks[0].damage,
            },
            advice=f"`pyasynq task delete -q {quote(shown(queue.name))} ID` deletes one"
            if state is TaskState.ARCHIVED
            else f"{FIX} archives them as they are, so that a person can look at them",
        )


def _scanned(queue: QueueFacts) -> Iterator[Finding]:
    if queue.unlisted:
        yield Finding(
            code="task_not_listed",
            severity="error",
            sentence=(
                f"Queue {quoted(queue.name)} has {counted(len(queue.unlisted), 'task')} that no "
                "list names, so nobody ever runs or deletes them."
            ),
            evidence={
                "queue": queue.name,
                "task_ids": _some(queue.unlisted),
                "number": len(queue.unlisted),
            },
            advice=f"{FIX_SCANNED} archives them, where `pyasynq task run` lets them run; what has "
            "no message is deleted",
        )
    if queue.locks:
        yield Finding(
            code="lock_without_task",
            severity="warning",
            sentence=(
                f"Queue {quoted(queue.name)} has {counted(len(queue.locks), 'unique lock')} whose "
                "task is gone: the same task is refused as long as the lock lasts."
            ),
            evidence={
                "queue": queue.name,
                "locks": [shown(each) for each in list(queue.locks)[:MOST_SHOWN]],
                "number": len(queue.locks),
            },
            advice=f"{FIX_SCANNED} frees them",
        )


def _some(ids: Collection[str]) -> list[str]:
    return [shown(each) for each in list(ids)[:MOST_SHOWN]]
