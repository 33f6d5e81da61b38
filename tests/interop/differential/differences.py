"""Where the answer or what is left may differ from Go's, on purpose.

Each rule turns what Go has answered and left into what we must answer and leave. The reasons are
those of tests/golden/differences.json and of docs/explain/go-defects.md.
"""

from collections.abc import Iterator
from math import ceil

import msgspec

from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import decode, encode
from tests.interop.differential.answers import Failed
from tests.interop.differential.outcome import (
    ANYTHING,
    RECENTLY,
    RULES,
    WHEN_DUE,
    Outcome,
    moved_to,
    rule,
)
from tests.interop.differential.steps import BLANK

ONLY_SCHEDULED = (b"process_at_ns", b"group_when_due")
OLD_S = 90 * 86_400
LARGEST_PAGE, MOST_DAYS = 1000, 366


def apply_rules(outcome: Outcome) -> None:
    """Apply every rule, until one of them refuses the arguments."""
    for reason, apply in RULES.items():
        if apply(outcome):
            outcome.reasons.append(reason)
        if outcome.answer == Failed("invalid"):
            break


@rule("a blank name is refused")
def blank_names(outcome: Outcome) -> bool:
    named = [outcome.given.get(what) for what in ("queue", "id", "group")]
    if BLANK not in named or outcome.name == "Enqueue":
        return False
    was_refused = outcome.answer == Failed("invalid")
    outcome.refuse("invalid")
    return not was_refused


@rule("a page of a wrong number or size is refused")
def wrong_pages(outcome: Outcome) -> bool:
    page, size = outcome.given.get("page", 1), outcome.given.get("page_size", 1)
    if page >= 1 and 1 <= size <= LARGEST_PAGE:
        return False
    outcome.refuse("invalid")
    return True


@rule("a history of more than a year is refused")
def long_histories(outcome: Outcome) -> bool:
    if outcome.given.get("days", 1) <= MOST_DAYS:
        return False
    outcome.refuse("invalid")
    return True


@rule("a queue that does not exist is not paused")
def pause_of_nothing(outcome: Outcome) -> bool:
    if outcome.name != "PauseQueue" or _is_listed(outcome):
        return False
    outcome.refuse("no such queue")
    return True


@rule("a conflict leaves no lock behind")
def lock_of_a_conflict(outcome: Outcome) -> bool:
    if outcome.answer != Failed("conflict"):
        return False
    locks = [key for key in outcome.after if key not in outcome.before and b"}:unique:" in key]
    for lock in locks:
        del outcome.after[lock]
    return bool(locks)


@rule("a limit is rounded up to a whole second, so that it does not become none")
def rounded_limits(outcome: Outcome) -> bool:
    limits = {name: ceil(outcome.given.get(name, 0)) for name in ("timeout", "retention")}
    task = _enqueued(outcome, "pending", "scheduled", "aggregating")
    if task is None or all(outcome.given.get(name, 0) == limits[name] for name in limits):
        return False
    message = decode(task[1][b"msg"])
    changed = msgspec.structs.replace(
        message, timeout=limits["timeout"] or message.timeout, retention=limits["retention"]
    )
    outcome.put(task[0], {**task[1], b"msg": encode(changed)})
    shown = {"timeout_s": changed.timeout, "retention_s": changed.retention}
    outcome.answer = {**outcome.answer, **shown}
    return True


@rule("the hash of a member of a group names its lock")
def lock_of_a_member(outcome: Outcome) -> bool:
    task = _enqueued(outcome, "aggregating")
    if task is None or not (lock := decode(task[1][b"msg"]).unique_key):
        return False
    outcome.put(task[0], {**task[1], b"unique_key": lock.encode()})
    return True


@rule("a scheduled task keeps its nanosecond and its group")
def fields_of_a_scheduled_task(outcome: Outcome) -> bool:
    task = _enqueued(outcome, "scheduled")
    if task is None:
        return False
    group = decode(task[1][b"msg"]).group_key
    extra = {b"group_when_due": group.encode()} if group else {}
    outcome.put(task[0], {**task[1], b"process_at_ns": WHEN_DUE, **extra})
    return True


@rule("an ID without a task is shown as damaged, and not as an empty task")
def empty_tasks(outcome: Outcome) -> bool:
    if not isinstance(outcome.answer, list) or not outcome.name.endswith("Tasks"):
        return False
    shown = [each for each in outcome.answer if each["id"]]
    needed = len(shown) < len(outcome.answer)
    outcome.answer = shown
    return needed


@rule("a task without a message cannot be read, and is no empty task")
def task_without_a_message(outcome: Outcome) -> bool:
    if outcome.name not in ("GetTaskInfo", "UpdateTaskPayload") or not _is_without_message(outcome):
        return False
    if outcome.answer == Failed("wrong state"):
        return False
    outcome.refuse("unreadable")
    return True


@rule("a task that is damaged keeps nothing else from being shown")
def damaged_tasks(outcome: Outcome) -> bool:
    failures = {"GetQueueInfo": "script broken", "ListActiveTasks": "unreadable"}
    if outcome.answer != Failed(failures.get(outcome.name, "")):
        return False
    outcome.answer = ANYTHING
    return True


@rule("that the state is wrong is told although the message cannot be read")
def wrong_state_first(outcome: Outcome) -> bool:
    if outcome.name != "UpdateTaskPayload" or outcome.answer != Failed("unreadable"):
        return False
    state = outcome.hash_of(outcome.given["id"], before=True)[b"state"]
    if state != b"scheduled":
        outcome.answer = Failed("wrong state")
    return state != b"scheduled"


@rule("an ID without a task is dropped instead of becoming a hash with only a state")
def ghosts(outcome: Outcome) -> bool:
    if not outcome.name.startswith(("RunAll", "ArchiveAll")):
        return False
    target = outcome.keys.pending if outcome.name.startswith("Run") else outcome.keys.archived
    prefix = outcome.keys.task_prefix.encode()
    made = [key for key in outcome.after.keys() - outcome.before.keys() if key.startswith(prefix)]
    for key in made:
        del outcome.after[key]
        kind, found, _ = outcome.after[target.encode()]
        ghost = key.removeprefix(prefix)
        left = [each for each in found if each != ghost]
        outcome.put(target, left if kind == "list" else {each: found[each] for each in left}, kind)
    if made:
        outcome.answer -= len(made)
    return bool(made)


@rule("a task that is made pending notes since when it waits")
def pending_since(outcome: Outcome) -> bool:
    if not outcome.name.startswith("Run"):
        return False
    moved = list(moved_to(outcome, b"pending"))
    for task_id in moved:
        fields = {**outcome.hash_of(task_id), b"pending_since": RECENTLY}
        outcome.put(outcome.keys.task(task_id), fields)
    return bool(moved)


@rule("a task that is scheduled no more does not keep when it was due")
def no_longer_scheduled(outcome: Outcome) -> bool:
    if not outcome.name.startswith(("Run", "Archive")):
        return False
    needed = False
    for state in (b"pending", b"archived"):
        for task_id in moved_to(outcome, state):
            fields = outcome.hash_of(task_id)
            kept = {name: each for name, each in fields.items() if name not in ONLY_SCHEDULED}
            outcome.put(outcome.keys.task(task_id), kept)
            needed = needed or kept != fields
    return needed


@rule("a task that is trimmed from the archive is deleted, and about as many as are added")
def trimmed(outcome: Outcome) -> bool:
    if not outcome.name.startswith("Archive") or not _is_listed(outcome):
        return False
    key = outcome.keys.archived
    was: dict[bytes, float] = outcome.before.get(key.encode(), ("zset", {}, None))[1]
    old = sorted(
        (score, task_id) for task_id, score in was.items() if score <= outcome.now_s - OLD_S
    )
    added = {task_id.encode(): float(outcome.now_s) for task_id in moved_to(outcome, b"archived")}
    if not old or isinstance(outcome.answer, Failed):
        return False
    gone = [task_id for _, task_id in old[: len(added) + 1]] if added else []
    kept = {task_id: score for task_id, score in was.items() if task_id not in gone}
    outcome.put(key, {**kept, **added}, "zset")
    for task_id in gone:
        outcome.drop(task_id.decode())
    return True


@rule("deleting a task frees its lock")
def locks_of_the_deleted(outcome: Outcome) -> bool:
    if outcome.name not in ("DeleteAllPendingTasks", "DeleteAllAggregatingTasks"):
        return False
    before = len(outcome.after)
    prefix = outcome.keys.task_prefix.encode()
    for key in outcome.before.keys() - outcome.after.keys():
        if key.startswith(prefix):
            outcome.drop(key.removeprefix(prefix).decode())
    return len(outcome.after) != before


@rule("a queue with completed or aggregating tasks is not empty")
def not_empty(outcome: Outcome) -> bool:
    if (
        outcome.name != "DeleteQueue"
        or outcome.given["force"]
        or isinstance(outcome.answer, Failed)
    ):
        return False
    if not list(_members(outcome)):
        return False
    outcome.refuse("queue not empty")
    return True


@rule("deleting a queue leaves nothing of it behind")
def deleted_queues(outcome: Outcome) -> bool:
    if outcome.name != "DeleteQueue" or isinstance(outcome.answer, Failed):
        return False
    left = len(outcome.after)
    for task_id in set(_members(outcome)):
        outcome.drop(task_id)
    keys = outcome.keys
    lists = [*_containers(outcome), keys.aggregation_sets, keys.groups, keys.scheduled_groups]
    named = [*lists, keys.paused, keys.pause_details, keys.processed, keys.failed]
    for key in map(str.encode, named):
        outcome.after.pop(key, None)
    counters = tuple(f"{each}:".encode() for each in (keys.processed, keys.failed))
    for key in [key for key in outcome.after if key.startswith(counters)]:
        del outcome.after[key]
    return len(outcome.after) != left


@rule("a task whose payload is replaced takes the lock of the new payload")
def lock_of_another_payload(outcome: Outcome) -> bool:
    if outcome.name != "UpdateTaskPayload" or isinstance(outcome.answer, Failed):
        return False
    task_id, keys = outcome.given["id"], outcome.keys
    message = decode(outcome.hash_of(task_id, before=True)[b"msg"])
    forms = (message.payload,) if message.payload else (b"", None)
    if message.unique_key not in [keys.unique(message.type, each) for each in forms]:
        return False
    lock = keys.unique(message.type, outcome.given["payload"])
    if lock == message.unique_key:
        return False
    held = outcome.before.get(message.unique_key.encode())
    is_held = held is not None and held[1] == task_id.encode()
    holder = outcome.before.get(lock.encode())
    if is_held and holder is not None and holder[1] != task_id.encode():
        outcome.refuse("duplicate")
        return True
    if held is not None and is_held:
        del outcome.after[message.unique_key.encode()]
        outcome.after[lock.encode()] = held
    fields = outcome.hash_of(task_id)
    changed = msgspec.structs.replace(decode(fields[b"msg"]), unique_key=lock)
    new = {b"msg": encode(changed), b"unique_key": lock.encode()}
    outcome.put(keys.task(task_id), {**fields, **new})
    return True


@rule("tasks that are being aggregated are counted as aggregating")
def counted_sets(outcome: Outcome) -> bool:
    if outcome.name != "GetQueueInfo" or not isinstance(outcome.answer, dict):
        return False
    count = sum(len(outcome.before[key][1]) for key in _sets(outcome) if key in outcome.before)
    if count:
        grown = {name: outcome.answer[name] + count for name in ("Size", "Aggregating")}
        outcome.answer = {**outcome.answer, **grown, "MemoryUsage": ANYTHING}
    return count > 0


def _enqueued(outcome: Outcome, *states: str) -> tuple[str, dict[bytes, bytes]] | None:
    """Return the key and the hash of the task that was enqueued, if it is in one of *states*."""
    match outcome.answer:
        case {"id": task_id, "queue": queue, "state": found} if outcome.name == "Enqueue":
            key = queue_keys(queue).task(task_id)
            return (key, dict(outcome.after[key.encode()][1])) if found in states else None
    return None


def _is_without_message(outcome: Outcome) -> bool:
    found = outcome.hash_of(outcome.given["id"], before=True)
    return _is_listed(outcome) and bool(found) and not found.get(b"msg")


def _is_listed(outcome: Outcome) -> bool:
    listed = outcome.before.get(b"asynq:queues", ("set", set(), None))[1]
    return outcome.given["queue"].encode() in listed


def _sets(outcome: Outcome) -> list[bytes]:
    key = outcome.keys.aggregation_sets.encode()
    return list(outcome.before.get(key, ("zset", {}, None))[1])


def _containers(outcome: Outcome) -> list[str]:
    keys = outcome.keys
    groups = outcome.before.get(keys.groups.encode(), ("set", set(), None))[1]
    return [
        *(keys.pending, keys.active, keys.lease, keys.scheduled, keys.retry),
        *(keys.archived, keys.completed),
        *(keys.group(each.decode()) for each in groups),
        *(each.decode() for each in _sets(outcome)),
    ]


def _members(outcome: Outcome) -> Iterator[str]:
    """Yield the tasks of the queue in any state."""
    for key in _containers(outcome):
        for task_id in outcome.before.get(key.encode(), ("", (), None))[1]:
            yield task_id.decode()
