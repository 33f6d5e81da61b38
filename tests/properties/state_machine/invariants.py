"""What is true of every queue at any time, whatever has happened to it; judged without a model."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pyasynq.wire.keys import QueueKeys
from tests.properties.state_machine.observed import Observed

SORTED_SETS = ("scheduled", "retry", "archived", "completed")


@dataclass(slots=True)
class View:
    """The keys of one queue, by what they mean."""

    keys: QueueKeys
    found: dict[str, Any]
    expire_s: dict[str, int]
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    locks: dict[str, str] = field(default_factory=dict)
    containers: dict[str, list[str]] = field(default_factory=dict)  # key to ids
    states: dict[str, str] = field(default_factory=dict)  # of containers

    @classmethod
    def of(cls, keys: QueueKeys, observed: Observed) -> "View":
        found = observed.of(keys)
        view = cls(keys, found, observed.expire_s)
        for key, value in found.items():
            if key.startswith(keys.task_prefix):
                view.tasks[key.removeprefix(keys.task_prefix)] = value
            elif key.startswith(keys.unique_prefix):
                view.locks[key] = value
            elif key.startswith(keys.group_prefix):
                view._contain(key, "aggregating")
        for state in ("pending", "active", *SORTED_SETS):
            view._contain(keys.prefix + state, state)
        return view

    def _contain(self, key: str, state: str) -> None:
        self.containers[key], self.states[key] = list(self.found.get(key, ())), state


def faults(keys: QueueKeys, observed: Observed) -> list[str]:
    """Everything that is wrong with one queue."""
    view = View.of(keys, observed)
    checks = (_containers, _hashes, _leases, _locks, _groups, _counters, _registration(observed))
    return [fault for check in checks for fault in check(view)]


def _containers(view: View) -> Iterator[str]:
    """Every id is in one container, and its hash says in which."""
    counts = Counter(each for ids in view.containers.values() for each in ids)
    for task_id, count in counts.items():
        if count > 1:
            yield f"task {task_id} is in {count} containers"
    for container, ids in view.containers.items():
        for task_id in ids:
            state = view.tasks.get(task_id, {}).get("state")
            if state is None:
                yield f"task {task_id} is in {container}, but has no hash"
            elif state != view.states[container]:
                yield f"task {task_id} is in {container}, but its state is {state}"


def _hashes(view: View) -> Iterator[str]:
    """Every hash has a message with its own queue and id, and its id is in a container."""
    contained = {each for ids in view.containers.values() for each in ids}
    for task_id, fields in view.tasks.items():
        if task_id not in contained:
            yield f"task {task_id} has a hash, but is in no container"
        message = fields.get("msg")
        if message is None or (message.queue, message.id) != (view.keys.queue, task_id):
            yield f"task {task_id} has the message {message}"


def _leases(view: View) -> Iterator[str]:
    """What is active has a lease and an owner; nothing else has."""
    active = set(view.containers[view.keys.active])
    owned = {each for each, fields in view.tasks.items() if "owner" in fields}
    leased = set(view.found.get(view.keys.lease, ()))
    if leased != active:
        yield f"active are {sorted(active)}, but leased {sorted(leased)}"
    if owned != active:
        yield f"active are {sorted(active)}, but owned {sorted(owned)}"


def _locks(view: View) -> Iterator[str]:
    """A lock is held by a live task that names it, and it expires."""
    for lock, holder in view.locks.items():
        fields = view.tasks.get(holder)
        if fields is None:
            yield f"lock {lock} was left behind by {holder}"
        elif fields.get("unique_key") != lock:
            yield f"lock {lock} is held by {holder}, which does not know it"
        elif fields["state"] == "completed":
            yield f"lock {lock} is held by {holder}, which is completed"
        elif fields["state"] == "active" and fields.get("unique_until") == "started":
            yield f"lock {lock} is held by {holder}, which has started"
        elif fields["state"] == "archived" and fields.get("unique_until") == "archived":
            yield f"lock {lock} is held by {holder}, which is archived"
        if lock not in view.expire_s:
            yield f"lock {lock} never ends"


def _groups(view: View) -> Iterator[str]:
    """A group is listed when it has members, and so is an aggregation set."""
    keys = view.keys
    listed = set(view.found.get(keys.aggregation_sets, ()))
    groups = {key for key, state in view.states.items() if state == "aggregating"} - listed
    names = {keys.group(name) for name in view.found.get(keys.groups, ())}
    if names != groups:
        yield f"groups are {sorted(groups)}, but listed {sorted(names)}"
    if not listed <= view.found.keys():
        yield f"aggregation sets {sorted(listed)} are listed, but not all are there"
    for container in groups | listed:
        for task_id in view.containers.get(container, ()):
            group = view.tasks.get(task_id, {}).get("group")
            if not container.startswith(keys.group(str(group))):
                yield f"task {task_id} of group {group} is in {container}"


def _counters(view: View) -> Iterator[str]:
    """Days add up to the totals, every failure was processed, and days expire."""
    totals = {}
    for total in (view.keys.processed, view.keys.failed):
        days = [key for key in view.found if key.startswith(f"{total}:")]
        totals[total] = int(view.found.get(total, 0))
        if sum(int(view.found[day]) for day in days) != totals[total]:
            yield f"the days of {total} do not add up to {totals[total]}"
        if total in view.expire_s or not view.expire_s.keys() >= set(days):
            yield f"of {total} the days must expire and the total must not"
    if totals[view.keys.failed] > totals[view.keys.processed]:
        yield f"more has failed than was processed: {totals}"


def _registration(observed: Observed):
    """A queue that has a task is listed among the queues."""

    def check(view: View) -> Iterator[str]:
        listed = observed.keys.get(f"{view.keys.namespace}:queues", set())
        if view.tasks and view.keys.queue not in listed:
            yield f"queue {view.keys.queue} is not listed"

    return check
