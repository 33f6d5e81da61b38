"""Every call of Go's client and inspector, and answers that are frequent enough to be met."""

from collections.abc import Mapping

from tests.interop.differential.steps import CHANGED, LISTED

ONE = {"done", "no such queue", "no such task", "wrong state", "invalid"}
MANY = {"some", "none", "no such queue"}
EXPECTED: Mapping[str, set[str]] = {
    "Enqueue": {"pending", "scheduled", "aggregating", "duplicate", "conflict", "invalid"},
    "Ping": {"done"},
    "RunTask": ONE,
    "ArchiveTask": ONE,
    "DeleteTask": ONE,
    "UpdateTaskPayload": ONE,
    "GetTaskInfo": {
        *("pending", "active", "scheduled", "retry", "archived", "completed", "aggregating"),
        *("no such queue", "no such task", "invalid"),
    },
    **{f"List{state}Tasks": {*MANY, "invalid"} for state in LISTED},
    **{f"{verb}All{state}Tasks": MANY for verb, states in CHANGED.items() for state in states},
    "GetQueueInfo": {"done", "no such queue"},
    "PauseQueue": {"done", "already paused", "no such queue"},
    "UnpauseQueue": {"done", "not paused"},
    "DeleteQueue": {"done", "no such queue", "queue not empty", "tasks run"},
    "Groups": {"some", "none"},
    "History": {"some", "no such queue", "invalid"},
    "Queues": {"some"},
    "CancelProcessing": {"some"},
    "Servers": {"some", "none"},
    "SchedulerEntries": {"some", "none"},
    "ListSchedulerEnqueueEvents": {"some", "none", "invalid"},
}
# A way to call Enqueue, the end of an object, and questions about a cluster.
LEFT_OUT = {"EnqueueContext", "Close", "ClusterKeySlot", "ClusterNodes"}


def table(reached: Mapping[tuple[str, str], int]) -> str:
    """Return one line for each call: how often it had which answer."""
    lines = []
    for call in EXPECTED:
        counts = sorted((kind, count) for (name, kind), count in reached.items() if name == call)
        lines.append(f"{call:28}" + "  ".join(f"{kind} {count}" for kind, count in counts))
    return "\n".join(lines)
