"""What keys can do to tasks and queues, and what is asked before: pure decisions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pyasynq.admin.rates import counted
from pyasynq.inspector.verdicts import ARCHIVABLE, DELETABLE, RUNNABLE
from pyasynq.shown import shown

MOST_WITHOUT_TYPING = 1000  # tasks that are deleted without typing the name of their queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that can be done to tasks.

    Attributes:
        verb: its name, such as "delete".
        past: what was done, such as "Deleted".
        going_on: what is being done, such as "Deleting".
        states: of the tasks to which it can be done.
        loses: whether tasks may be lost.
    """

    verb: str
    past: str
    going_on: str
    states: Collection[str]
    loses: bool = False


ACTS = {
    "run": Act(verb="run", past="Ran", going_on="Running", states=RUNNABLE),
    "archive": Act(verb="archive", past="Archived", going_on="Archiving", states=ARCHIVABLE),
    "delete": Act(verb="delete", past="Deleted", going_on="Deleting", states=DELETABLE, loses=True),
    "cancel": Act(
        verb="cancel", past="Asked servers to cancel", going_on="Cancelling", states=("active",)
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before something is done.

    Attributes:
        title: the question, with the count.
        detail: what it means.
        verb: what the button says that does it.
        loses: whether something may be lost.
        typed: what must be typed first; empty for nothing.
    """

    title: str
    detail: str
    verb: str
    loses: bool = False
    typed: str = ""


DETAILS = {
    "run": "They become pending, as the last ones in line.",
    "archive": "They stay in the archive until they are run, deleted or trimmed.",
    "delete": "They are gone, with their unique locks. This cannot be undone.",
    "cancel": "The attempt that runs counts as failed: the task is retried, or archived if its "
    "retries are used up.",
}


def refusal(act: Act, state: str) -> str:
    """Return why *act* cannot be done to tasks in *state*; empty if it can."""
    if state in act.states:
        return ""
    if state == "active":
        return f"a task that runs cannot be {_participle(act)}; C cancels it"
    if act.verb == "cancel":
        return "only tasks that run can be cancelled"
    return f"tasks that are {state} cannot be {_participle(act)}"


def question(
    act: Act,
    count: int,
    state: str,
    queue: str,
    *,
    every: bool = False,
    groups: Sequence[str] = (),
) -> Question:
    """Return what to ask before *act* is done to *count* tasks of a queue, or of some groups."""
    tasks = ("all " if every and count != 1 else "") + counted(count, f"{state} task")
    where = f"queue {shown(queue)!r}"
    if groups:
        where = f"group {shown(groups[0])!r}" if len(groups) == 1 else f"{len(groups)} groups"
    return Question(
        title=f"{act.verb.capitalize()} {tasks} of {where}?",
        detail=DETAILS[act.verb],
        verb=act.verb,
        loses=act.loses,
        typed=queue if act.loses and count > MOST_WITHOUT_TYPING else "",
    )


def pause_question(queues: Collection[str], *, is_pause: bool) -> Question:
    """Return what to ask before queues are paused, or before their pause ends."""
    which = _queues(queues)
    if not is_pause:
        title, detail = f"End the pause of {which}?", "Workers take its tasks again."
        return Question(title=title, detail=detail, verb="resume")
    return Question(
        title=f"Pause {which}?",
        detail="Workers take no more tasks; tasks that run go on, and new ones can be enqueued.",
        verb="pause",
    )


def delete_question(queues: Collection[str], tasks: int) -> Question:
    """Return what to ask before queues are deleted with their tasks."""
    only = next(iter(queues)) if len(queues) == 1 else "delete"
    return Question(
        title=f"Delete {_queues(queues)} with {counted(tasks, 'task')}?",
        detail="Tasks, locks, groups and counters are gone. This cannot be undone. "
        "Stop the producers first.",
        verb="delete",
        loses=True,
        typed=only if tasks > MOST_WITHOUT_TYPING else "",
    )


def outcome(past: str, done: int, noun: str, errors: Collection[str]) -> str:
    """Return what became of something that was done to several tasks or queues."""
    if not errors:
        return f"{past} {counted(done, noun)}."
    first = next(iter(errors))
    return f"{past} {counted(done, noun)}; {len(errors):,} failed: {first}"


def _queues(queues: Collection[str]) -> str:
    only = f"queue {shown(next(iter(queues)))!r}"
    return only if len(queues) == 1 else counted(len(queues), "queue")


def _participle(act: Act) -> str:
    return {"run": "run", "archive": "archived", "delete": "deleted"}.get(act.verb, "cancelled")
