"""Tasks, as asynqmon shows and changes them. asynqmon v0.7.2 task_handlers.go.

A change of one task or of named ones does not look whether they are in the state of the path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from pyasynq.inspector import TaskPage, WorkerInfo
from pyasynq.task import TaskInfo, TaskState
from pyasynq.web.formatting import Formatters
from pyasynq.web.questions import body_of, page_of
from pyasynq.web.rest import shapes
from pyasynq.web.rest.answers import answer, nothing
from pyasynq.web.rest.go_text import exact_time, time_in_seconds
from pyasynq.web.rest.queues import groups, queue
from pyasynq.web.routing import Call
from pyasynq.web.service.tasks import Verb

VERBS: Mapping[TaskState, Sequence[Verb]] = {
    TaskState.PENDING: ("delete", "archive"),
    TaskState.AGGREGATING: ("delete", "archive", "run"),
    TaskState.SCHEDULED: ("delete", "archive", "run"),
    TaskState.RETRY: ("delete", "archive", "run"),
    TaskState.ARCHIVED: ("delete", "run"),
    TaskState.COMPLETED: ("delete",),
}
"""What asynqmon can do to tasks in each state; those that are active can be cancelled."""

OF_MANY: Mapping[Verb, type] = {
    "delete": shapes.Deleted,
    "archive": shapes.Archived,
    "run": shapes.MadePending,
}
OF_ALL: Mapping[Verb, type] = {
    "delete": shapes.DeletedCount,
    "archive": shapes.ArchivedCount,
    "run": shapes.ScheduledCount,
}
ABSENT = {404: "there is no such queue or task"}
REFUSED = {**ABSENT, 409: "the state of the task does not allow it"}
NO_QUEUE = {404: "there is no such queue"}


@dataclass(frozen=True, slots=True)
class TaskRoutes:
    """The routes of tasks.

    Args:
        formatters: how payloads and results are shown.
    """

    formatters: Formatters

    async def show(self, call: Call) -> Response:
        """Answer with one task."""
        info = await call.service.tasks.get(call.names["queue"], call.names["task_id"])
        return answer(self._details(info, call.service.now))

    async def list_(self, call: Call, state: TaskState) -> Response:
        """Answer with a page of the tasks in one state, and with their queue."""
        service, name = call.service, call.names["queue"]
        page, size = page_of(call)
        group = call.names.get("group")
        found: TaskPage | tuple[()] = ()
        if size:
            found = await service.tasks.page(name, state, page=page, page_size=size, group=group)
        info = queue(await service.queues.info(name))
        if state is TaskState.AGGREGATING:
            tasks = [self._grouped(each) for each in found]
            of_queue = groups(await service.queues.groups(name))
            return answer(shapes.GroupTasks(tasks, info, of_queue))
        if state is TaskState.ACTIVE:
            workers = await service.tasks.workers(name)
            return answer(
                shapes.Tasks([self._active(each, workers.get(each.id)) for each in found], info)
            )
        return answer(shapes.Tasks([self._shape(each, service.now) for each in found], info))

    def _shape(self, info: TaskInfo, now: datetime) -> shapes.Task:
        """Return a task in the shape of its state."""
        basic = self._basic(info)
        match info.state:
            case TaskState.SCHEDULED | TaskState.RETRY:
                return shapes.DueTask(**basic, next_process_at=exact_time(info.next_process_at))
            case TaskState.ARCHIVED:
                return shapes.ArchivedTask(**basic, last_failed_at=exact_time(info.last_failed_at))
            case TaskState.COMPLETED:
                return shapes.CompletedTask(
                    **basic,
                    completed_at=exact_time(info.completed_at),
                    result=self.formatters.of_result(info.type, info.result),
                    ttl_seconds=_seconds_left(info, now),
                )
        return shapes.Task(**basic)

    def _basic(self, info: TaskInfo) -> dict[str, Any]:
        return {
            "id": info.id,
            "type": info.type,
            "payload": self.formatters.of_payload(info.type, info.payload),
            "queue": info.queue,
            "max_retry": info.max_retry,
            "retried": info.retried,
            "error_message": info.last_error,
        }

    def _active(self, info: TaskInfo, worker: WorkerInfo | None) -> shapes.Task:
        return shapes.ActiveTask(
            **self._basic(info),
            start_time=time_in_seconds(worker.started_at if worker else None, unknown="-"),
            deadline=time_in_seconds(worker.deadline if worker else None, unknown="-"),
            is_orphaned=info.is_orphaned,
        )

    def _grouped(self, info: TaskInfo) -> shapes.AggregatingTask:
        return shapes.AggregatingTask(**self._basic(info), group=info.group)

    def _details(self, info: TaskInfo, now: datetime) -> shapes.TaskDetails:
        return shapes.TaskDetails(
            **self._basic(info),
            state=info.state.value,
            last_failed_at=time_in_seconds(info.last_failed_at),
            timeout_seconds=int(info.timeout.total_seconds()) if info.timeout else 0,
            deadline=time_in_seconds(info.deadline),
            next_process_at=time_in_seconds(info.next_process_at),
            completed_at=time_in_seconds(info.completed_at),
            result=self.formatters.of_result(info.type, info.result),
            ttl_seconds=_seconds_left(info, now),
        )


def _seconds_left(info: TaskInfo, now: datetime) -> int:
    """Return for how long a completed task is kept; 0 for any other."""
    if info.state is not TaskState.COMPLETED or info.completed_at is None:
        return 0
    return int((info.completed_at + info.retention - now).total_seconds())


async def change_one(call: Call, verb: Verb) -> Response:
    """Change one task."""
    await call.service.tasks.change(verb, call.names["queue"], call.names["task_id"])
    return nothing()


async def change_many(call: Call, verb: Verb) -> Response:
    """Change the tasks that the body names."""
    ids = await _ids(call)
    outcome = await call.service.tasks.change_many(verb, call.names["queue"], ids)
    return answer(OF_MANY[verb](outcome.done, outcome.failed))


async def change_all(call: Call, verb: Verb, state: TaskState) -> Response:
    """Change all tasks in one state."""
    count = await call.service.tasks.change_all(
        verb, call.names["queue"], state, call.names.get("group")
    )
    return answer(OF_ALL[verb](count))


async def cancel_one(call: Call) -> Response:
    """Ask the servers to cancel a task."""
    await call.service.tasks.cancel(call.names["queue"], call.names["task_id"])
    return nothing()


async def cancel_many(call: Call) -> Response:
    """Ask the servers to cancel the tasks that the body names."""
    outcome = await call.service.tasks.cancel_many(call.names["queue"], await _ids(call))
    return answer(shapes.Canceled(outcome.done, outcome.failed))


async def cancel_all(call: Call) -> Response:
    """Ask the servers to cancel everything of a queue that runs."""
    await call.service.tasks.cancel_all(call.names["queue"])
    return nothing()


async def _ids(call: Call) -> Sequence[str]:
    """Return the IDs in the body; none for a body that Go reads as empty, such as ``null``."""
    body = await body_of(call, shapes.TaskIds)
    return body.task_ids or ()
