# Generated from task_changes_async.py by tools/unasync.py: change that file.
"""Several tasks in one round trip, each of which is changed or not for itself."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import cancel, inspection, task_control
from pyasynq.broker.operations.task_control import Answer, Verdict
from pyasynq.clock import to_ns
from pyasynq.errors import ConfigError, PyasynqError, StateError
from pyasynq.inspector import archive
from pyasynq.inspector.bulk import AT_ONCE
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.cancelling import ask_to_cancel
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.inspector.verdicts import check
from pyasynq.options import name_fault


class TaskChanges:
    """The method of `inspector.tasks` that changes several tasks."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def change(self, change: Change, tasks: Sequence[TaskRef]) -> Sequence[PyasynqError | None]:
        """Do the same to several tasks, each of which succeeds or fails for itself.

        Every task is checked at the moment it is changed: one that is not in the state that its
        reference names, or in none that allows the change, stays as it is. Safe to repeat.

        Args:
            change: what to do.
            tasks: at most 500.

        Returns:
            For each task, in order, None if it was changed, else why not: a TaskNotFoundError, a
            TaskStateError, or what Redis said.

        Raises:
            ConfigError: there are more than 500 tasks, or a name is blank.
            RedisUnavailableError: Redis did not answer; some tasks may have been changed.
        """
        ConfigError.raise_if(
            [
                f"at most {AT_ONCE} tasks are changed at once" if len(tasks) > AT_ONCE else None,
                *{name_fault("task_id", each.id) for each in tasks},
            ]
        )
        if change.verb == "cancel":
            return self._cancel(change, tasks)
        now_ns = self._calls.clock.redis_now_ns()
        operations = [self._operation(change, each, now_ns) for each in tasks]
        answers = self._calls.run_all(operations)
        raise_first(answers, which=concerns_redis_as_a_whole)
        outcomes = [
            _outcome(answer, task, change) for task, answer in zip(tasks, answers, strict=True)
        ]
        if change.verb == "archive":
            self._trim(tasks, outcomes, now_ns)
        return outcomes

    def _operation(self, change: Change, task: TaskRef, now_ns: int) -> Operation[Answer]:
        keys, only_in = self._calls.keys_of(task.queue), task.state.value if task.state else ""
        match change.verb:
            case "run":
                return task_control.run_task(keys, task.id, now_ns=now_ns, only_in=only_in)
            case "archive":
                return task_control.archive_task(keys, task.id, now_ns=now_ns, only_in=only_in)
            case "delete":
                return task_control.delete_task(keys, task.id, only_in=only_in)
        due_ns = now_ns if change.at is None else to_ns(change.at)
        return task_control.reschedule_task(
            keys, task.id, due_ns=due_ns, now_ns=now_ns, only_in=only_in
        )

    def _cancel(self, change: Change, tasks: Sequence[TaskRef]) -> Sequence[PyasynqError | None]:
        """Ask for what runs to be cancelled; see `TaskControl.cancel`."""
        marks: list[Operation[Any]] = []
        for each in tasks:
            keys = self._calls.keys_of(each.queue)
            marks.append(cancel.mark_cancel(keys, each.id, change.then))
            marks.append(inspection.task_state(keys, each.id))
        answers = self._calls.run_all(marks)
        raise_first(answers, which=concerns_redis_as_a_whole)
        outcomes = [
            answers[at]
            if isinstance(answers[at], PyasynqError)
            else _outcome(_marked(answers[at], answers[at + 1]), task, change)
            for at, task in zip(range(0, len(answers), 2), tasks, strict=True)
        ]
        running = [at for at, outcome in enumerate(outcomes) if outcome is None]
        heard = ask_to_cancel(self._calls, [tasks[at].id for at in running])
        raise_first(heard, which=concerns_redis_as_a_whole)
        for at, count in zip(running, heard, strict=True):
            outcomes[at] = _unheard(count, tasks[at])
        return outcomes

    def _trim(self, tasks: Sequence[TaskRef], outcomes: Sequence[object], now_ns: int) -> None:
        done = zip(tasks, outcomes, strict=True)
        added = Counter(task.queue for task, outcome in done if outcome is None)
        keys_of = self._calls.keys_of
        trims = [
            archive.trim(keys_of(queue), added=count, now_ns=now_ns)
            for queue, count in added.items()
        ]
        raise_first(self._calls.run_all(trims))


def _outcome(answer: object, task: TaskRef, change: Change) -> PyasynqError | None:
    """Return None if a task was changed, else why it was not."""
    if isinstance(answer, PyasynqError):
        return answer
    allowed = (task.state.value,) if task.state else change.allowed
    try:
        check(answer, task.queue, task.id, allowed)  # type: ignore[arg-type]  # else it is an error
    except PyasynqError as error:
        return error
    return None


def _marked(is_running: bool, state: object) -> Answer:
    if is_running:
        return Answer(Verdict.DONE, "")
    known = state if isinstance(state, str) else ""
    # It may have been fetched since it was asked; it was not running when it was to be cancelled.
    return Answer(Verdict.WRONG_STATE if known else Verdict.ABSENT, known)


def _unheard(count: object, task: TaskRef) -> PyasynqError | None:
    if isinstance(count, PyasynqError):
        return count
    if count:
        return None
    return StateError(
        f"no server listens, so nothing cancels task {task.id!r}",
        state="no server",
        allowed=("a server that is alive",),
    )
