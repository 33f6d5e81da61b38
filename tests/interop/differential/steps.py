"""Random sequences of calls: pure, and the same for the same seed.

Few names, so that calls meet the tasks of others. Times are seconds after the start of the
sequence, and so far from it that it does not matter when a call is made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

QUEUES = ("default",) * 20 + ("low",) * 5 + ("é {b}",) * 2  # where tasks go
ASKED = (*QUEUES * 2, *("absent",) * 6)  # where an inspector looks
IDS = tuple("abcdef")
GROUPS = ("daily", "weekly")
ENTRIES = ("entry-1", "entry-2")
LISTED = ("Pending", "Active", "Scheduled", "Retry", "Archived", "Completed", "Aggregating")
CHANGED = {
    "Run": ("Scheduled", "Retry", "Archived", "Aggregating"),
    "Archive": ("Pending", "Scheduled", "Retry", "Aggregating"),
    "Delete": ("Pending", "Scheduled", "Retry", "Archived", "Completed", "Aggregating"),
}
BLANK = " "
TOO_SHORT = 0.5  # for a unique lock


@dataclass(frozen=True, slots=True)
class Step:
    """A call of Go's client or inspector, by its name there, or what a worker or a server does.

    Attributes:
        name: the method of Go; what is not one begins with a lower-case letter.
        given: its arguments. An ID ``made:3`` is the fourth of those that Go has made.
    """

    name: str
    given: Mapping[str, Any] = field(default_factory=dict)


def sequence(seed: int, length: int) -> list[Step]:
    """Return the steps of a seed: first some tasks, then anything."""
    random = Random(seed)
    first = [_enqueue(random) for _ in range(length // 5)]
    kinds, weights = zip(*KINDS.items(), strict=True)
    return first + [kind(random) for kind in random.choices(kinds, weights, k=length - len(first))]


def _queue(random: Random) -> str:
    return BLANK if random.random() < 0.02 else random.choice(QUEUES)


def _asked(random: Random) -> str:
    return BLANK if random.random() < 0.02 else random.choice(ASKED)


def _id(random: Random) -> str:
    dice = random.random()
    if dice < 0.02:
        return BLANK
    return f"made:{random.randrange(5)}" if dice < 0.45 else random.choice(IDS)


def _group(random: Random) -> str:
    return BLANK if random.random() < 0.02 else random.choice(GROUPS)


def _payload(random: Random) -> bytes | None:
    return random.choice((b"{}", b"{}", b"1", b"", None, b"\x00\xff"))


def _options(random: Random, *, queue: str) -> dict[str, Any]:
    """Return options for one place: those of a task, or those of a call."""
    when = random.choice(("process_at", "process_in"))
    choices: dict[str, tuple[float, Callable[[], object]]] = {
        "queue": (0.9, lambda: queue),
        "task_id": (0.6, lambda: BLANK if random.random() < 0.02 else random.choice(IDS)),
        "max_retry": (0.4, lambda: random.choice((0, 7))),
        "timeout": (0.3, lambda: random.choice((0, 60, 60, 0.25))),
        "deadline": (0.2, lambda: random.choice((7_000, -7_000))),
        "unique": (0.4, lambda: random.choice((900,) * 14 + (200_000,) * 5 + (TOO_SHORT,))),
        "retention": (0.3, lambda: random.choice((0, 600, 600, 1.5))),
        "group": (0.3, lambda: _group(random)),
        when: (0.3, lambda: random.choice((0, 5_000, 9_000))),
    }
    return {name: draw() for name, (chance, draw) in choices.items() if random.random() < chance}


def _new_task(random: Random, queue: str) -> dict[str, Any]:
    options = _options(random, queue=queue)
    is_on_task = random.random() < 0.3
    return {
        "type": BLANK if random.random() < 0.01 else random.choice(("email", "email", "img:é")),
        "payload": _payload(random),
        "headers": random.choice((None, None, {"k": "v", "é": ""})),
        "task": options if is_on_task else {},
        # What a call says wins over what the task says.
        "options": _options(random, queue=queue) if is_on_task else options,
    }


def _enqueue(random: Random) -> Step:
    return Step("Enqueue", {"new": [_new_task(random, _queue(random))]})


def _enqueue_many(random: Random) -> Step:
    """Enqueue several at once: good ones, for a wrong one keeps all of them from being sent."""
    several = (_new_task(random, _queue(random)) for _ in range(random.randint(2, 5)))
    good = [each for each in several if not _is_wrong(each)]
    return Step("Enqueue", {"new": good}) if good else _enqueue(random)


def _is_wrong(new: Mapping[str, Any]) -> bool:
    values = [new["type"], *new["task"].values(), *new["options"].values()]
    return BLANK in values or TOO_SHORT in values


def _one(random: Random) -> Step:
    name = random.choice(("RunTask", "ArchiveTask", "DeleteTask", "UpdateTaskPayload"))
    given: dict[str, Any] = {"queue": _asked(random), "id": _id(random)}
    if name == "UpdateTaskPayload":
        given["payload"] = random.choice((b"{}", b"{}", b"1", None))
    return Step(name, given)


def _get(random: Random) -> Step:
    return Step("GetTaskInfo", {"queue": _asked(random), "id": _id(random)})


def _cancel(random: Random) -> Step:
    return Step("CancelProcessing", {"id": _id(random)})


def _page(random: Random) -> dict[str, int]:
    choices = {"page": (1, 1, 1, 2, 2, 3, -1), "page_size": (1, 1, 2, 2, 3, 3, 100, 1001, 0)}
    return {name: random.choice(of) for name, of in choices.items() if random.random() < 0.5}


def _list(random: Random) -> Step:
    state = random.choice(LISTED)
    group = {"group": _group(random)} if state == "Aggregating" else {}
    return Step(f"List{state}Tasks", {"queue": _asked(random), **group, **_page(random)})


def _all(random: Random) -> Step:
    verb = random.choice(tuple(CHANGED))
    state = random.choice(CHANGED[verb])
    group = {"group": _group(random)} if state == "Aggregating" else {}
    return Step(f"{verb}All{state}Tasks", {"queue": _asked(random), **group})


def _of_queue(random: Random) -> Step:
    names = ("GetQueueInfo", "GetQueueInfo", "PauseQueue", "UnpauseQueue", "Groups")
    return Step(random.choice(names), {"queue": _asked(random)})


def _delete_queue(random: Random) -> Step:
    """Delete rather one with few tasks: without them, there is less to see."""
    queue = random.choice(("low", "low", "é {b}", "é {b}", _asked(random)))
    return Step("DeleteQueue", {"queue": queue, "force": random.random() < 0.35})


def _history(random: Random) -> Step:
    return Step("History", {"queue": _asked(random), "days": random.choice((0, 1, 3, 367))})


def _of_all(random: Random) -> Step:
    return Step(random.choice(("Queues", "Servers", "SchedulerEntries", "Ping")))


def _events(random: Random) -> Step:
    return Step("ListSchedulerEnqueueEvents", {"id": random.choice(ENTRIES), **_page(random)})


def _take(random: Random) -> Step:
    given = {"queue": _queue(random), "count": random.randint(1, 3), "lease": 3_600}
    if random.random() < 0.2:
        given["lease"] = -60
    return Step("take", given)


def _end(random: Random) -> Step:
    how = random.choice(("done", "completed", "retry", "archived", "requeued"))
    return Step("end", {"queue": _queue(random), "pick": random.randrange(9), "how": how})


def _work(random: Random) -> Step:
    how = random.choice(("completed", "completed", "retry", "retry", "archived", "archived"))
    return Step("work", {"queue": _queue(random), "count": random.randint(1, 3), "how": how})


def _other(random: Random) -> Step:
    """What else happens around a queue while nobody calls an inspector."""
    name = random.choice(("write_result", "wait_long", "unlock", "aggregate", "count"))
    given: dict[str, Any] = {"queue": _queue(random), "pick": random.randrange(9)}
    if name == "aggregate":
        given["group"] = random.choice(GROUPS)
    return Step(name, given)


def _grow_old(random: Random) -> Step:
    return Step("grow_old", {"queue": _queue(random), "pick": random.randrange(9)})


def _damage(random: Random) -> Step:
    how = random.choice(("task is gone", "message is gone", "message is garbage"))
    return Step("damage", {"queue": _queue(random), "pick": random.randrange(9), "how": how})


def _show(random: Random) -> Step:
    name = random.choice(("show_server", "show_scheduler"))
    return Step(name, {"number": random.randrange(3), "lives": random.choice((3_600, 3_600, -60))})


KINDS: dict[Callable[[Random], Step], int] = {
    _enqueue: 24,
    _enqueue_many: 5,
    _take: 12,
    _end: 8,
    _work: 14,
    _other: 12,
    _grow_old: 5,
    _damage: 9,
    _show: 5,
    _one: 22,
    _get: 8,
    _list: 10,
    _all: 10,
    _of_queue: 10,
    _cancel: 2,
    _delete_queue: 3,
    _history: 3,
    _of_all: 5,
    _events: 3,
}
