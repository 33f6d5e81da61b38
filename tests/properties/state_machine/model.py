"""What a queue must look like after each step, in plain Python: one task at a time, no Redis."""

from collections import Counter
from dataclasses import dataclass, field

from msgspec.structs import replace

from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage

SECOND = 1_000_000_000
DAY_S = 86_400
COUNTERS_LIVE_S = 90 * DAY_S
LEASE_S = 30

DELETED = "deleted"


@dataclass(slots=True)
class ModelTask:
    """A task; *score* is that in the sorted set of its state, *set_key* its aggregation set."""

    message: TaskMessage
    state: str
    score: int = 0
    due_ns: int | None = None
    pending_since_ns: int | None = None
    fetched_since_ns: int | None = None  # what that was when it was dequeued
    owner: str = ""
    lease_s: int = 0
    deferred: int = 0
    group: str = ""
    set_key: str = ""
    expires_at_ns: int | None = None
    unique_until: str = ""
    result: bytes | None = None


@dataclass(slots=True)
class Lock:
    holder: str
    expires_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of an active task: its next state or "deleted", and what is counted."""

    state: str
    message: TaskMessage
    score: int = 0
    due_ns: int | None = None
    deferred: int = 0
    result: bytes | None = None
    is_processed: bool = False
    is_failed: bool = False


@dataclass(slots=True)
class ModelQueue:
    """One queue. Lists are in the order of Redis: workers take from the end of *pending*."""

    keys: QueueKeys
    tasks: dict[str, ModelTask] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    locks: dict[str, Lock] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)  # of aggregation sets
    counters: Counter[str] = field(default_factory=Counter)
    counters_expire_s: dict[str, int] = field(default_factory=dict)
    paused_s: int | None = None

    # Producers

    def refusal(self, task: ModelTask, lock_s: int) -> tuple[str, str] | None:
        """Why a new task is refused: ("locked", by whom) or ("taken", state of the other)."""
        lock = self.locks.get(task.message.unique_key) if lock_s else None
        if lock is not None:
            return "locked", lock.holder
        other = self.tasks.get(task.message.id)
        return None if other is None else ("taken", other.state)

    def add(self, task: ModelTask, lock_s: int, now_ns: int) -> tuple[str, str] | None:
        """Store a new task, unless it is refused."""
        refusal = self.refusal(task, lock_s)
        if refusal is not None:
            return refusal
        task_id = task.message.id
        self.tasks[task_id] = task
        if lock_s:
            self.locks[task.message.unique_key] = Lock(task_id, now_ns + lock_s * SECOND)
        if task.state == "pending":
            task.pending_since_ns = now_ns
            self.pending.insert(0, task_id)
        return None

    # Workers

    def dequeue(self, count: int, owner: str, now_ns: int) -> list[str]:
        if self.paused_s is not None:
            return []
        taken = [self.pending.pop() for _ in range(min(count, len(self.pending)))]
        for task_id in taken:
            task = self.tasks[task_id]
            task.fetched_since_ns = task.pending_since_ns
            task.state, task.owner, task.pending_since_ns = "active", owner, None
            task.lease_s = (now_ns + LEASE_S * SECOND) // SECOND
            self.active.insert(0, task_id)
            if task.unique_until == "started":
                self.unlock(task_id)
        return taken

    def owned(self, task_id: str, owner: str) -> ModelTask | None:
        """The task, if it is active and owned by *owner*."""
        task = self.tasks.get(task_id)
        return task if task is not None and task.owner == owner else None

    def extend_lease(self, task_id: str, owner: str, until_s: int) -> bool:
        task = self.owned(task_id, owner)
        if task is not None:
            task.lease_s = max(task.lease_s, until_s)
        return task is not None

    def end(self, task_id: str, verdict: Verdict, now_ns: int) -> None:
        """Change an active task as *verdict* says."""
        task = self.tasks[task_id]
        self.active.remove(task_id)
        self._count(verdict, now_ns)
        archived_with_lock = verdict.state == "archived" and task.unique_until != "archived"
        if verdict.state in (DELETED, "completed", "archived") and not archived_with_lock:
            self.unlock(task_id)
        if verdict.state == DELETED:
            del self.tasks[task_id]
            return
        task.message, task.state, task.score = verdict.message, verdict.state, verdict.score
        task.owner, task.lease_s, task.due_ns = "", 0, verdict.due_ns
        if verdict.state == "pending":  # requeued: next in line, as it was before
            task.pending_since_ns = task.fetched_since_ns
            self.pending.append(task_id)
            return
        task.deferred = verdict.deferred
        if verdict.state == "completed":
            task.result = verdict.result

    # Housekeeping

    def forward(self, now_ns: int) -> int:
        """Move what is due, the earliest first; return how many."""
        moved = 0
        for state in ("scheduled", "retry"):
            for task_id in self.in_order(state):
                task = self.tasks[task_id]
                if task.due_ns is None or task.due_ns > now_ns:
                    continue
                moved += 1
                task.due_ns = None
                if task.group:
                    task.state, task.score = "aggregating", now_ns // SECOND
                else:
                    task.state, task.pending_since_ns = "pending", now_ns
                    self.pending.insert(0, task_id)
        return moved

    def clean(self, now_s: int, *, most_archived: int, oldest_archived_s: int) -> tuple[int, int]:
        """Delete what is over its time; return how many completed and archived tasks."""
        over = [each for each in self.in_order("completed") if self.tasks[each].score <= now_s]
        archived = self.in_order("archived")
        old = sum(self.tasks[each].score <= oldest_archived_s for each in archived)
        trimmed = archived[: max(old, len(archived) - most_archived)]
        for task_id in (*over, *trimmed):
            self.delete(task_id)
        return len(over), len(trimmed)

    def expire_locks(self, now_ns: int) -> list[str]:
        """Forget locks whose time is over; return their keys."""
        over = [key for key, lock in self.locks.items() if lock.expires_at_ns <= now_ns]
        for key in over:
            del self.locks[key]
        return over

    # Groups

    def members(self, group: str) -> list[str]:
        """The members of a group that are not in an aggregation set, the oldest first."""
        return self._sorted(
            each
            for each, task in self.tasks.items()
            if task.state == "aggregating" and task.group == group and not task.set_key
        )

    def members_of_set(self, set_key: str) -> list[str]:
        return self._sorted(each for each, task in self.tasks.items() if task.set_key == set_key)

    def aggregate(
        self, group: str, set_key: str, now_s: int, *, deadline_s: int, grace_s: int, most: int
    ) -> bool:
        """Move the oldest members into a set if the group is full or had its grace period."""
        members = self.members(group)
        is_full = 0 < most <= len(members)
        if not members or not (is_full or self.tasks[members[-1]].score <= now_s - grace_s):
            return False
        for task_id in members[: most or None]:
            self.tasks[task_id].set_key = set_key
        self.deadlines[set_key] = deadline_s
        return True

    def reclaim(self, now_s: int) -> int:
        """Give the members of overdue sets back to their groups; return how many."""
        overdue = [key for key, deadline_s in self.deadlines.items() if deadline_s <= now_s]
        given_back = 0
        for set_key in overdue:
            del self.deadlines[set_key]
            for task_id in self.members_of_set(set_key):
                self.tasks[task_id].set_key = ""
                given_back += 1
        return given_back

    def finish_set(self, set_key: str) -> None:
        for task_id in self.members_of_set(set_key):
            self.delete(task_id)
        del self.deadlines[set_key]

    # Parts of the above

    def delete(self, task_id: str) -> None:
        self.unlock(task_id)
        del self.tasks[task_id]

    def unlock(self, task_id: str) -> None:
        key = self.tasks[task_id].message.unique_key
        lock = self.locks.get(key)
        if lock is not None and lock.holder == task_id:
            del self.locks[key]

    def in_order(self, state: str) -> list[str]:
        """Ids of a sorted set, as Redis sorts them."""
        return self._sorted(each for each, task in self.tasks.items() if task.state == state)

    def _sorted(self, ids) -> list[str]:
        return sorted(ids, key=lambda each: (self.tasks[each].score, each))

    def _count(self, verdict: Verdict, now_ns: int) -> None:
        now_s = now_ns // SECOND
        counted = [(self.keys.processed, self.keys.processed_on(now_s), verdict.is_processed)]
        counted.append((self.keys.failed, self.keys.failed_on(now_s), verdict.is_failed))
        for total, of_day, is_counted in counted:
            if is_counted:
                self.counters[total] += 1
                self.counters[of_day] += 1
                self.counters_expire_s.setdefault(of_day, now_s + COUNTERS_LIVE_S)


def failed(task: ModelTask, text: str, now_ns: int, *, is_failure: bool = True) -> TaskMessage:
    """The message after an attempt that ended with the error *text*."""
    message = task.message
    return replace(
        message,
        retried=message.retried + is_failure,
        error_msg=text,
        last_failed_at=now_ns // SECOND,
    )
