"""What a call should answer and leave, which rules make from what Go has answered and left."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyasynq.wire.keys import QueueKeys, queue_keys
from tests.interop.differential.answers import Answer, Failed
from tests.support.golden_state import State

RECENTLY = b"(during this call)"
WHEN_DUE = b"(when it is due)"
ANYTHING = object()  # when Go's answer says nothing about what ours should be


@dataclass(slots=True)
class Outcome:
    """What a call should answer and leave; at first, what Go has answered and left.

    Attributes:
        name, given: the call; of several enqueues at once, one of them.
        now_s: when it was made.
        before: Redis before it.
        after: Redis after it.
    """

    name: str
    given: Mapping[str, Any]
    now_s: int
    before: State
    after: State
    answer: Answer
    reasons: list[str] = field(default_factory=list)

    @property
    def keys(self) -> QueueKeys:
        return queue_keys(self.given["queue"])

    def hash_of(self, task_id: str, *, before: bool = False) -> dict[bytes, bytes]:
        state = self.before if before else self.after
        return dict(state.get(self.keys.task(task_id).encode(), ("hash", {}, None))[1])

    def put(self, key: str, value: Any, kind: str = "hash") -> None:
        """Change a key; an empty value deletes it."""
        if not value:
            self.after.pop(key.encode(), None)
            return
        expiry = self.after.get(key.encode(), (kind, value, None))[2]
        self.after[key.encode()] = (kind, value, expiry)

    def drop(self, task_id: str) -> None:
        """Delete a task, and its lock if it holds it."""
        lock = self.hash_of(task_id, before=True).get(b"unique_key", b"")
        if self.after.get(lock, ("", b""))[1] == task_id.encode():
            del self.after[lock]
        self.put(self.keys.task(task_id), {})

    def refuse(self, why: str) -> None:
        self.answer = Failed(why)
        self.after = dict(self.before)


Rule = Callable[[Outcome], bool]
RULES: dict[str, Rule] = {}


def rule(reason: str) -> Callable[[Rule], Rule]:
    """Name a rule, which returns whether it was needed."""

    def add(apply: Rule) -> Rule:
        RULES[reason] = apply
        return apply

    return add


def moved_to(outcome: Outcome, state: bytes) -> Iterator[str]:
    """Yield the tasks of the queue that a call has brought into a state."""
    prefix = outcome.keys.task_prefix.encode()
    for key, (kind, fields, _) in outcome.after.items():
        if not key.startswith(prefix) or kind != "hash" or key not in outcome.before:
            continue
        if fields.get(b"state") == state != outcome.before[key][1].get(b"state"):
            yield key.removeprefix(prefix).decode()
