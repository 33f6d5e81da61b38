"""Which of the IDs that were read do not belong where they are."""

from collections.abc import Mapping, Sequence

from pyasynq.admin.doctor.facts import QueueFacts, SampledTask
from pyasynq.clock import NANOSECONDS
from pyasynq.task import TaskState


def unbacked_active(queue: QueueFacts, now_ns: int) -> list[str]:
    """Return active IDs without a task, which nobody runs: their lease is over, or they have none.

    While there is a lease, a worker may run the task though its hash is gone.
    """
    now_s = now_ns // NANOSECONDS
    active = queue.samples.get(TaskState.ACTIVE, ())
    return [
        each.task_id
        for each in active
        if each.damage is None and (each.score is None or each.score <= now_s)
    ]


def unleased(queue: QueueFacts) -> list[str]:
    """Return active tasks that have no lease."""
    active = queue.samples.get(TaskState.ACTIVE, ())
    return [each.task_id for each in active if each.damage is not None and each.score is None]


def unlisted_leases(queue: QueueFacts) -> list[str]:
    """Return IDs whose lease is over and that are not active; none if not all active were read."""
    active = queue.samples.get(TaskState.ACTIVE, ())
    if queue.stats is None or queue.stats.active > len(active):
        return []
    listed = {each.task_id for each in active}
    return [each for each in queue.leases if each not in listed]


def unbacked(queue: QueueFacts) -> Mapping[TaskState, Sequence[str]]:
    """Return the IDs without a task in each state but active."""
    found = {
        state: [each.task_id for each in tasks if each.damage is None]
        for state, tasks in queue.samples.items()
        if state is not TaskState.ACTIVE
    }
    return {state: ids for state, ids in found.items() if ids}


def unreadable(queue: QueueFacts) -> Mapping[TaskState, Sequence[SampledTask]]:
    """Return the tasks of each state but active whose message cannot be read.

    An active one is archived by the server that runs it, or that recovers it.
    """
    found = {
        state: [each for each in tasks if each.damage]
        for state, tasks in queue.samples.items()
        if state is not TaskState.ACTIVE
    }
    return {state: tasks for state, tasks in found.items() if tasks}
