"""Makes the same calls in Go and here, on two databases, and stops at the first difference.

After each step both databases are made equal again, so that every difference is that of one call.
They keep what Python has left or, in other sequences, what Go has left: each language meets what
the other one leaves. What counts seconds is the same only if both calls were made in the same
second; if they were not, and there is a difference, the sequence is run again.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import redis

from pyasynq.wire.message import decode, encode
from tests.interop.differential import worker_steps
from tests.interop.differential.answers import Answer, Failed, kind
from tests.interop.differential.differences import apply_rules
from tests.interop.differential.ours import Ours
from tests.interop.differential.outcome import (
    ANYTHING,
    RECENTLY,
    WHEN_DUE,
    Outcome,
)
from tests.interop.differential.steps import IDS, Step
from tests.interop.differential.theirs import Theirs
from tests.interop.differential.worker_steps import GARBAGE, WorkerSteps
from tests.support.golden_state import RELATIVE_TTL_SLACK_S, State, dump
from tests.support.redis_server import RedisServer

OURS, THEIRS = 0, 1  # the databases
CANCEL = "asynq:cancel"
SECOND = 10**9
SLACK_NS = 10**7  # the clock of Redis is known a little less exactly than that of this process
MOST_TRIES = 20
MEMORY_SLACK = 1.5  # an estimate of what Redis allocates, which depends on how a key has grown
PATIENCE_S = 10
RELATIVE = ("process_at", "deadline")  # seconds after the start

Keeps = Literal["ours", "theirs"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where we differ from Go although we should not.

    Attributes:
        index: of the step.
        is_certain: both calls were made in the same second.
    """

    index: int
    step: Step
    text: str
    is_certain: bool


class Session:
    """Runs sequences; what they have reached is counted over all of them."""

    def __init__(self, binary: Path, server: RedisServer, patch: pytest.MonkeyPatch) -> None:
        self.theirs = Theirs(binary, f"127.0.0.1:{server.port}/{THEIRS}")
        self.ours = Ours(f"unix://{server.socket}?db={OURS}", patch)
        self.raw = [
            redis.Redis(unix_socket_path=server.socket, db=number, protocol=2)
            for number in (OURS, THEIRS)
        ]
        self.reached: Counter[tuple[str, str]] = Counter()
        self.needed: Counter[str] = Counter()
        self.calls = 0
        self._listener = self.raw[OURS].pubsub(ignore_subscribe_messages=True)
        self._listener.subscribe(CANCEL)
        self._listener.get_message(timeout=PATIENCE_S)
        self._state: State = {}
        self._made: list[str] = []
        self._base_s = 0

    def close(self) -> None:
        self._listener.close()
        for each in self.raw:
            each.close()
        self.ours.close()
        self.theirs.close()

    def run(self, steps: Sequence[Step], keeps: Keeps) -> Difference | None:
        """Run a sequence from the beginning; return the first difference."""
        found = self._run(steps, keeps)
        for _ in range(MOST_TRIES):
            if found is None or found.is_certain:
                break
            found = self._run(steps, keeps)
        return found

    def _run(self, steps: Sequence[Step], keeps: Keeps) -> Difference | None:
        for each in self.raw:
            each.flushdb()
        self.theirs.begin()
        self.ours.renew()
        self._state, self._made, self._base_s = {}, [], int(time.time())
        worker = WorkerSteps(self.raw[OURS], self._base_s, lambda: int(time.time()))
        for index, step in enumerate(steps):
            if step.name in worker_steps.NAMES:
                worker.make(step.name, **step.given)
                self._equalise(dump(self.raw[OURS]), self._state, "ours")
                continue
            began_ns = time.time_ns() - SLACK_NS
            texts, states = self._compared(step, began_ns)
            if texts:
                seconds = {began_ns // SECOND, (time.time_ns() + SLACK_NS) // SECOND}
                return Difference(index, step, "\n".join(texts), len(seconds) == 1)
            self._equalise(*states, keeps)
            if step.name == "DeleteQueue":
                self._renew()  # a client that lives on lists the queue again, but not at once
        return None

    def _renew(self) -> None:
        self.theirs.renew()
        self.ours.renew()

    def _compared(self, step: Step, began_ns: int) -> tuple[list[str], tuple[State, State]]:
        """Make a call on both sides; return what differs, and what both have left."""
        now_s = (began_ns + SLACK_NS) // SECOND
        given = self._absolute(step.given)
        if step.name == "Enqueue":
            wanted, their_state = self._enqueued_by_go(given["new"], now_s)
            ids = [each.answer.get("id") if _is_ok(each.answer) else None for each in wanted]
            answers = self.ours.enqueue(given["new"], ids)
            self._made += [each for each in ids if each and each not in IDS]
        elif step.name == "Ping":
            wanted = [self._outcome("Ping", {}, now_s, self.theirs.call("Ping"), self._state)]
            their_state, answers = self._state, [self.ours.ping()]
        else:
            answer = self._published(step, self.theirs.call(step.name, **given))
            their_state = dump(self.raw[THEIRS])
            wanted = [self._outcome(step.name, given, now_s, answer, their_state)]
            answers = [self._published(step, self.ours.call(step.name, **given))]
        our_state = dump(self.raw[OURS])
        window = range(began_ns, time.time_ns() + SLACK_NS)
        texts = self._unequal(step, wanted, answers, our_state, window)
        return texts, (our_state, their_state)

    def _enqueued_by_go(
        self, new: Sequence[Mapping[str, Any]], now_s: int
    ) -> tuple[list[Outcome], State]:
        """Enqueue one task after the other; the last outcome has what all should leave."""
        outcomes: list[Outcome] = []
        before, changed = self._state, State()
        for each in new:
            order = {"type": each["type"], "payload": each["payload"], "headers": each["headers"]}
            answer = self.theirs.call(
                "Enqueue", task=order | _of_go(each["task"]), options=_of_go(each["options"])
            )
            after = dump(self.raw[THEIRS])
            given = {"queue": "default", **each["task"], **each["options"]}
            outcome = Outcome("Enqueue", given, now_s, before, dict(after), answer)
            apply_rules(outcome)
            outcomes.append(outcome)
            for key in after.keys() - outcome.after.keys():
                self.raw[THEIRS].delete(key)
                del after[key]
            changed |= {
                key: entry for key, entry in outcome.after.items() if entry != after.get(key)
            }
            before = after
        outcomes[-1].after = before | changed
        return outcomes, before

    def _outcome(
        self, name: str, given: Mapping[str, Any], now_s: int, answer: Answer, after: State
    ) -> Outcome:
        outcome = Outcome(name, given, now_s, self._state, dict(after), answer)
        apply_rules(outcome)
        return outcome

    def _published(self, step: Step, answer: Answer) -> Answer:
        """Return an answer, or that of a cancellation: what was published."""
        if step.name != "CancelProcessing" or isinstance(answer, Failed):
            return answer
        message = self._listener.get_message(timeout=PATIENCE_S)
        return "nothing" if message is None else message["data"].decode()

    def _unequal(
        self,
        step: Step,
        wanted: Sequence[Outcome],
        answers: Sequence[Answer],
        our_state: State,
        window: range,
    ) -> list[str]:
        self.calls += len(wanted)
        texts = []
        for outcome, answer in zip(wanted, answers, strict=True):
            self.reached[step.name, kind(outcome.answer)] += 1
            self.needed.update(outcome.reasons)
            if not _same_answer(outcome.answer, answer):
                texts.append(f"answer: expected {outcome.answer}, found {answer}")
        before, after = self._state, wanted[-1].after
        keys = after.keys() | our_state.keys()
        changed = {
            key for key in keys if not before.get(key) == after.get(key) == our_state.get(key)
        }
        expected = _normal({key: after[key] for key in changed & after.keys()}, after, window)
        found = _normal(
            {key: our_state[key] for key in changed & our_state.keys()}, our_state, window
        )
        return texts + [
            f"{key!r}: expected {expected.get(key)}, found {found.get(key)}"
            for key in sorted(changed)
            if not _same_entry(expected.get(key), found.get(key))
        ]

    def _equalise(self, our_state: State, their_state: State, keeps: Keeps) -> None:
        """Make both databases equal, and remember what is in them."""
        source = OURS if keeps == "ours" else THEIRS
        kept, other = (our_state, their_state) if source == OURS else (their_state, our_state)
        pipeline = self.raw[source].pipeline(transaction=False)
        for key, entry in kept.items():
            if entry != other.get(key):
                pipeline.copy(key, key, destination_db=1 - source, replace=True)
        pipeline.execute()
        gone = other.keys() - kept.keys()
        if gone:
            self.raw[1 - source].delete(*gone)
        self._state = kept

    def _absolute(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Replace times that are relative and IDs that are not known yet."""
        resolved = dict(given)
        for name, value in given.items():
            if name in ("id", "task_id") and value.startswith("made:") and self._made:
                resolved[name] = self._made[int(value.removeprefix("made:")) % len(self._made)]
            elif name in RELATIVE:
                resolved[name] = datetime.fromtimestamp(self._base_s + value, UTC)
            elif name == "new":
                resolved[name] = [self._absolute(each) for each in value]
            elif name in ("task", "options"):
                resolved[name] = self._absolute(value)
        return resolved


def _normal(entries: State, state: State, window: range) -> State:
    """Return entries of a state, with words in place of the moments of this call."""
    normal = State()
    for key, (type_, value, expiry) in entries.items():
        fields = dict(value) if type_ == "hash" else {}
        since = fields.get(b"pending_since", b"")
        if since.isdigit() and int(since) in window:
            fields[b"pending_since"] = RECENTLY
        due_ns = fields.get(b"process_at_ns", b"")
        prefix, _, task_id = key.partition(b":t:")
        scheduled = state.get(prefix + b":scheduled", ("zset", {}, None))[1]
        if due_ns.isdigit() and int(due_ns) // SECOND == scheduled.get(task_id):
            fields[b"process_at_ns"] = WHEN_DUE
        if fields.get(b"msg", GARBAGE) != GARBAGE:
            message = decode(fields[b"msg"])
            # Go writes headers in any order.
            fields[b"msg"] = encode(message) if len(message.headers) > 1 else fields[b"msg"]
        normal[key] = type_, fields or value, expiry
    return normal


def _of_go(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the Go program reads them: moments in Unix seconds."""
    return {
        name: int(value.timestamp()) if isinstance(value, datetime) else value
        for name, value in options.items()
    }


def _is_ok(answer: Answer) -> bool:
    return not isinstance(answer, Failed)


def _same_answer(expected: Answer, found: Answer) -> bool:
    if expected is ANYTHING:
        return not isinstance(found, Failed)
    match expected, found:
        case {"Latency": _}, {"Latency": latency_ns, "MemoryUsage": used}:
            theirs = expected["MemoryUsage"]
            is_near = theirs is ANYTHING or used / MEMORY_SLACK <= theirs <= used * MEMORY_SLACK
            return (
                is_near
                and abs(expected["Latency"] - latency_ns) < SECOND
                and {**expected, "Latency": latency_ns, "MemoryUsage": used} == found
            )
        case _:
            return bool(expected == found)


def _same_entry(expected: Any, found: Any) -> bool:
    if expected is None or found is None or expected[:2] != found[:2]:
        return False
    theirs, ours = expected[2], found[2]
    if theirs is None or ours is None:
        return theirs is ours
    return abs(theirs["at"] - ours["at"]) <= RELATIVE_TTL_SLACK_S
