"""Failures that are the same but for numbers, names and places, grouped.

Two failures are the same if their tasks are of one type and their texts have one signature, which
is the text without what differs from task to task.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_TEXT = 1000  # characters of an error that its signature is made of
MOST_GROUPS = 1000
MOST_IDS = 5
DIGITS = 12  # of a fingerprint

_PARTS = (
    ("<uuid>", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    ("<url>", r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>\])},;]+"),
    ("<email>", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
    ("<time>", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b"),
    ("<text>", r"\"(?:[^\"\\]|\\.)*\"|(?<![\w])'(?:[^'\\]|\\.)*'(?!\w)|`[^`]*`"),
    ("<host>", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"),
    ("<host>", r"\[[0-9a-f]*:[0-9a-f:.]+\](?::\d+)?"),
    ("<host>", r"(?<![\w:])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})(?![\w:])"),
    ("<host>", r"\b(?:[a-z0-9-]+\.)+[a-z]{2,}:\d+\b|\blocalhost(?::\d+)?\b"),
    ("<path>", r"(?<![\w.])(?:[A-Za-z]:)?(?:[\\/][\w.@%+~-]+){2,}[\\/]?"),
    ("<hex>", r"\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"),
    ("<id>", r"\b(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{16,}\b"),
    ("<n>", r"[-+]?(?<![a-z])\d+(?:[.,]\d+)*(?:e[+-]?\d+)?|(?<=[a-z_-])\d+"),
)
_ANY = re.compile(
    "|".join(f"(?P<p{at}>{form})" for at, (_, form) in enumerate(_PARTS)), re.IGNORECASE
)
_RAISED_AT = re.compile(r"[^\[\]]+:\d+\]")  # the source line at the end of an error
_SPACE = re.compile(r"\s+")


def signature(error: str) -> str:
    """Return what failures of one kind have in common.

    Numbers, IDs, UUIDs, hexadecimal numbers, times, hosts, URLs, addresses, paths and what stands
    in quotes are replaced by words such as ``<n>`` and ``<host>``. The source line at the end of an
    error stays, since it tells kinds apart. At most 1,000 characters of the text count.
    """
    text, mark, line = error[:LONGEST_TEXT].rpartition(" [")
    if not mark or not _RAISED_AT.fullmatch(line):
        text, mark, line = error[:LONGEST_TEXT], "", ""
    plain = _ANY.sub(lambda found: _PARTS[int((found.lastgroup or "p0")[1:])][0], text)
    return _SPACE.sub(" ", f"{plain}{mark}{line}").strip()


def fingerprint(error: str) -> str:
    """Return a short name of the signature of an error; empty if there is no error.

    It stands for the signature where that is too long, or must not be shown. It is the same in
    every process.
    """
    return _digest(signature(error)) if error else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failures of one kind.

    Attributes:
        signature: what their texts have in common.
        fingerprint: a short name of the signature, for filters; empty in the group of all that are
            left over.
        type: the type of their tasks; empty in the group of all that are left over.
        count: how many tasks failed like this.
        newest_ns: when the latest of them failed, in nanoseconds since the epoch; None if no time
            is known.
        oldest_ns: when the one failed that has waited longest since; None if no time is known.
        newest_error: the text of the latest.
        tasks: some of the tasks, the latest first: each the queue and the ID.
        queues: how many of them are in each queue.
        states: how many of them are in each state.
    """

    signature: str
    fingerprint: str
    type: str
    count: int
    newest_ns: int | None
    oldest_ns: int | None
    newest_error: str
    tasks: tuple[tuple[str, str], ...]
    queues: dict[str, int]
    states: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """What went wrong.

    Attributes:
        groups: the largest first.
        failures: how many tasks failed, of those that were looked at.
        scanned: how many tasks were looked at.
        is_complete: whether that was all of them.
        broken: what could not be read at all, and why.
    """

    groups: Sequence[FailureGroup]
    failures: int
    scanned: int
    is_complete: bool
    broken: tuple[str, ...]


class _Gathered:
    """The failures of one kind, while they are counted."""

    __slots__ = ("count", "newest_error", "newest_ns", "oldest_ns", "queues", "states", "tasks")

    def __init__(self) -> None:
        self.count = 0
        self.newest_ns: int | None = None
        self.oldest_ns: int | None = None
        self.newest_error = ""
        self.tasks: list[tuple[int, str, str]] = []
        self.queues: dict[str, int] = {}
        self.states: dict[str, int] = {}


class FailureGroups:
    """Groups failures, in bounded memory.

    Args:
        most: how many groups there may be; what belongs to none of them is counted in one more.
    """

    OTHERS = ("<others>", "")

    def __init__(self, most: int = MOST_GROUPS) -> None:
        self._most = most
        self._groups: dict[tuple[str, str], _Gathered] = {}
        self._known: dict[str, str] = {}  # signatures of texts that come again and again

    def add(
        self, *, error: str, task_type: str, queue: str, task_id: str, state: str, at_ns: int | None
    ) -> None:
        """Count a failure."""
        key = (self._signature(error), task_type)
        group = self._groups.get(key)
        if group is None:
            key = key if len(self._groups) < self._most else self.OTHERS
            group = self._groups.setdefault(key, _Gathered())
        group.count += 1
        group.queues[queue] = group.queues.get(queue, 0) + 1
        group.states[state] = group.states.get(state, 0) + 1
        when_ns = at_ns or 0
        if not group.tasks or when_ns > (group.newest_ns or 0):
            group.newest_ns, group.newest_error = at_ns, error
        if at_ns is not None and (group.oldest_ns is None or at_ns < group.oldest_ns):
            group.oldest_ns = at_ns
        if len(group.tasks) < MOST_IDS or when_ns > group.tasks[-1][0]:
            group.tasks.append((when_ns, queue, task_id))
            group.tasks.sort(key=lambda each: -each[0])
            del group.tasks[MOST_IDS:]

    def result(self) -> Sequence[FailureGroup]:
        """Return the groups, the largest first."""
        groups = [
            FailureGroup(
                signature=text,
                fingerprint="" if (text, task_type) == self.OTHERS else _digest(text),
                type=task_type,
                count=each.count,
                newest_ns=each.newest_ns,
                oldest_ns=each.oldest_ns,
                newest_error=each.newest_error,
                tasks=tuple((queue, task_id) for _, queue, task_id in each.tasks),
                queues=each.queues,
                states=each.states,
            )
            for (text, task_type), each in self._groups.items()
        ]
        return sorted(groups, key=lambda each: (-each.count, each.signature, each.type))

    def _signature(self, error: str) -> str:
        found = self._known.get(error)
        if found is None:
            if len(self._known) >= MOST_GROUPS:
                self._known.clear()
            found = self._known[error] = signature(error)
        return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
