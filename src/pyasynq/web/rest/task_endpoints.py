"""The table of asynqmon's routes of tasks: the same for each state, but for what it allows."""

from collections.abc import Iterator
from functools import partial

from pyasynq.task import TaskState
from pyasynq.web.formatting import Formatters
from pyasynq.web.questions import PAGING
from pyasynq.web.rest import shapes
from pyasynq.web.rest.tasks import (
    ABSENT,
    NO_QUEUE,
    OF_ALL,
    OF_MANY,
    REFUSED,
    VERBS,
    TaskRoutes,
    cancel_all,
    cancel_many,
    cancel_one,
    change_all,
    change_many,
    change_one,
)
from pyasynq.web.routing import Endpoint
from pyasynq.web.service.tasks import Verb

SHOWN = {
    TaskState.ACTIVE: shapes.ActiveTask,
    TaskState.PENDING: shapes.Task,
    TaskState.SCHEDULED: shapes.DueTask,
    TaskState.RETRY: shapes.DueTask,
    TaskState.ARCHIVED: shapes.ArchivedTask,
    TaskState.COMPLETED: shapes.CompletedTask,
}
WORDS = {"run": "Run", "archive": "Archive", "delete": "Delete"}
BAD_BODY = {400: 'the body is not like {"task_ids": ["…"]}, or has more than 1,000,000 bytes'}


def task_endpoints(formatters: Formatters) -> Iterator[Endpoint]:
    """Yield what is answered about tasks.

    Args:
        formatters: how payloads and results are shown.
    """
    routes = TaskRoutes(formatters)
    yield Endpoint(
        method="GET",
        path="/api/queues/{queue}/tasks/{task_id}",
        summary="A task.",
        handle=routes.show,
        answer=shapes.TaskDetails,
        failures={**ABSENT, 409: "the task cannot be read"},
    )
    yield from _of_active(routes)
    for state, verbs in VERBS.items():
        yield _listing(routes, state)
        for verb in verbs:
            yield from _changing(state, verb)


def _of_active(routes: TaskRoutes) -> Iterator[Endpoint]:
    base = _base(TaskState.ACTIVE)
    yield _listing(routes, TaskState.ACTIVE)
    yield Endpoint(
        method="POST",
        path=f"{base}/{{task_id}}:cancel",
        summary="Ask the servers to cancel a task. It is answered the same if it does not run.",
        handle=cancel_one,
        action="cancel",
    )
    yield Endpoint(
        method="POST",
        path=f"{base}:batch_cancel",
        summary="Ask the servers to cancel the tasks that are named, whether they run or not.",
        handle=cancel_many,
        action="cancel",
        body=shapes.TaskIds,
        answer=shapes.Canceled,
        failures=BAD_BODY,
    )
    yield Endpoint(
        method="POST",
        path=f"{base}:cancel_all",
        summary="Ask the servers to cancel everything of a queue that runs.",
        handle=cancel_all,
        action="cancel",
        failures=NO_QUEUE,
    )


def _listing(routes: TaskRoutes, state: TaskState) -> Endpoint:
    is_grouped = state is TaskState.AGGREGATING
    return Endpoint(
        method="GET",
        path=_base(state),
        summary="The members of a group." if is_grouped else f"The {state.value} tasks of a queue.",
        handle=partial(routes.list_, state=state),
        query=PAGING,
        answer=shapes.GroupTasks if is_grouped else (shapes.Tasks, SHOWN[state]),
        failures=NO_QUEUE,
    )


def _changing(state: TaskState, verb: Verb) -> Iterator[Endpoint]:
    base, word = _base(state), WORDS[verb]
    is_deleting = verb == "delete"
    yield Endpoint(
        method="DELETE" if is_deleting else "POST",
        path=f"{base}/{{task_id}}" + ("" if is_deleting else f":{verb}"),
        summary=f"{word} a task.",
        handle=partial(change_one, verb=verb),
        action=verb,
        failures=REFUSED,
    )
    yield Endpoint(
        method="POST",
        path=f"{base}:batch_{verb}",
        summary=f"{word} the tasks that are named, each of which succeeds or fails for itself.",
        handle=partial(change_many, verb=verb),
        action=verb,
        body=shapes.TaskIds,
        answer=OF_MANY[verb],
        failures=BAD_BODY,
    )
    what = "members of a group" if state is TaskState.AGGREGATING else f"{state.value} tasks"
    yield Endpoint(
        method="DELETE" if is_deleting else "POST",
        path=f"{base}:{verb}_all",
        summary=f"{word} all {what}.",
        handle=partial(change_all, verb=verb, state=state),
        action=verb,
        answer=OF_ALL[verb],
        failures=NO_QUEUE,
    )


def _base(state: TaskState) -> str:
    group = "groups/{group}/" if state is TaskState.AGGREGATING else ""
    return f"/api/queues/{{queue}}/{group}{state.value}_tasks"
