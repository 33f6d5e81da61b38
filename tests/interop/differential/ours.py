"""The same calls of our client and inspector, by their names in Go."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from pyasynq import client as client_module
from pyasynq.client import Client
from pyasynq.errors import PyasynqError
from pyasynq.inspector.inspector import Inspector
from pyasynq.inspector.pages import TaskPage
from pyasynq.inspector.server_infos import ServerInfo
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from tests.interop.differential.answers import OURS, Answer, Failed
from tests.interop.differential.steps import CHANGED, LISTED
from tests.interop.peer import as_go_shows

NEVER = "0001-01-01T00:00:00"
PAGE = "page", "page_size"

Given = Mapping[str, Any]
Call = Callable[[Inspector, Given], Answer]


class Ours:
    """pyasynq on one database of Redis."""

    def __init__(self, url: str, patch: pytest.MonkeyPatch) -> None:
        self._url = url
        self._inspector = Inspector(url)
        self._client = Client(url)
        self._ids: list[str] = []
        self._spare = (f"spare-{number}" for number in count())
        # Go has made up its IDs: so that all of Redis can be the same, ours are these.
        patch.setattr(client_module, "new_task_id", lambda: self._ids.pop(0))

    def close(self) -> None:
        self._client.close()
        self._inspector.close()

    def renew(self) -> None:
        """Make another client, which has not listed any queue yet."""
        self._client.close()
        self._client = Client(self._url)

    def call(self, name: str, **given: Any) -> Answer:
        """Return the answer, or what was raised."""
        try:
            return CALLS[name](self._inspector, given)
        except PyasynqError as error:
            return _failed(error)

    def ping(self) -> None:
        """Do what is nearest to Ping, which our client does not have."""
        assert self._inspector.redis.info()

    def enqueue(self, new: Sequence[Mapping[str, Any]], ids: Sequence[str | None]) -> list[Answer]:
        """Enqueue one task, or many at once.

        Args:
            new: each with type, payload, headers, and its options and those of the call.
            ids: what Go has called them.
        """
        self._ids = [
            made or next(self._spare)
            for each, made in zip(new, ids, strict=True)
            if "task_id" not in each["options"] and "task_id" not in each["task"]
        ]
        try:
            tasks = [_task(each) for each in new]
            if len(new) == 1:
                return [as_go_shows(self._client.enqueue(tasks[0], **new[0]["options"]))]
            pairs = [
                (task, EnqueueOptions(**each["options"]))
                for task, each in zip(tasks, new, strict=True)
            ]
            results = self._client.enqueue_many(pairs)
        except PyasynqError as error:
            return [_failed(error)]
        return [
            _failed(each.error) if each.info is None else as_go_shows(each.info) for each in results
        ]


def _task(new: Mapping[str, Any]) -> Task:
    options = EnqueueOptions(**new["task"])
    return Task(new["type"], new["payload"], headers=new["headers"] or {}, options=options)


def _failed(error: BaseException | None) -> Failed:
    for kind, why in OURS.items():
        if type(error) is kind:
            return Failed(why)
    return Failed(repr(error))


def _list(state: str) -> Call:
    def list_tasks(inspector: Inspector, given: Given) -> Answer:
        page = inspector.tasks.list(given["queue"], state.lower(), **_some(given, *PAGE, "group"))
        if len(page.tasks) + len(page.damaged) != _on_page(page):
            return Failed(f"a page of {page.total} tasks is incomplete")
        return [{**as_go_shows(each), "is_orphaned": each.is_orphaned} for each in page]

    return list_tasks


def _on_page(page: TaskPage) -> int:
    return min(page.page_size, max(0, page.total - (page.page - 1) * page.page_size))


def _all(verb: str, state: str) -> Call:
    def change(inspector: Inspector, given: Given) -> Answer:
        method = getattr(inspector.tasks, f"{verb.lower()}_all")
        return method(given["queue"], state.lower(), **_some(given, "group"))

    return change


def _some(given: Given, *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


def _info(inspector: Inspector, given: Given) -> Answer:
    info = inspector.queues.info(given["queue"])
    return {
        "Queue": info.queue,
        "MemoryUsage": info.memory_usage,
        "Latency": info.latency.total_seconds() * 1e9,
        "Size": info.size,
        "Groups": info.groups,
        "Pending": info.pending,
        "Active": info.active,
        "Scheduled": info.scheduled,
        "Retry": info.retry,
        "Archived": info.archived,
        "Completed": info.completed,
        "Aggregating": info.aggregating,
        "Processed": info.processed,
        "Failed": info.failed,
        "ProcessedTotal": info.processed_total,
        "FailedTotal": info.failed_total,
        "Paused": info.is_paused,
    }


def _history(inspector: Inspector, given: Given) -> Answer:
    return [
        (each.queue, each.date.isoformat(), each.processed, each.failed)
        for each in inspector.queues.history(given["queue"], given["days"])
    ]


def _groups(inspector: Inspector, given: Given) -> Answer:
    return [(each.group, each.size) for each in inspector.groups.list(given["queue"])]


def _entries(inspector: Inspector, _given: Given) -> Answer:
    return [
        {
            "id": each.id,
            "spec": each.spec,
            "type": each.task_type,
            "payload": each.payload,
            "options": list(each.options),
            "next": _unix(each.next_enqueue_at),
            "previous": _unix(each.previous_enqueue_at),
        }
        for each in inspector.schedulers.entries()
    ]


def _events(inspector: Inspector, given: Given) -> Answer:
    found = inspector.schedulers.history(given["id"], **_some(given, *PAGE))
    return [(each.task_id, _moment(each.enqueued_at)) for each in found]


def _servers(inspector: Inspector, _given: Given) -> Answer:
    return sorted(map(_server, inspector.servers.list()), key=lambda each: each["id"])


def _server(info: ServerInfo) -> dict[str, Any]:
    workers = [
        {
            "id": each.task_id,
            "type": each.task_type,
            "payload": each.payload,
            "queue": each.queue,
            "started": _moment(each.started_at),
            "deadline": _moment(each.deadline),
        }
        for each in info.active_workers
    ]
    return {
        "id": info.id,
        "host": info.host,
        "pid": info.pid,
        "concurrency": info.concurrency,
        "queues": dict(info.queues),
        "strict": info.strict_priority,
        "started": _moment(info.started_at),
        "status": info.status,
        "workers": workers,
    }


def _moment(moment: datetime | None) -> str:
    return NEVER if moment is None else moment.isoformat()[:19]


def _unix(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _cancel(inspector: Inspector, given: Given) -> Answer:
    heard = inspector.tasks.cancel(given["id"])
    return None if heard == 1 else Failed(f"{heard} heard of it")  # the listener of the test did


CALLS: dict[str, Call] = {
    "RunTask": lambda i, given: i.tasks.run(given["queue"], given["id"]),
    "ArchiveTask": lambda i, given: i.tasks.archive(given["queue"], given["id"]),
    "DeleteTask": lambda i, given: i.tasks.delete(given["queue"], given["id"]),
    "UpdateTaskPayload": lambda i, given: i.tasks.update_payload(
        given["queue"], given["id"], given["payload"]
    ),
    "GetTaskInfo": lambda i, given: as_go_shows(i.tasks.get(given["queue"], given["id"])),
    "CancelProcessing": _cancel,
    "PauseQueue": lambda i, given: i.queues.pause(given["queue"]),
    "UnpauseQueue": lambda i, given: i.queues.unpause(given["queue"]),
    "DeleteQueue": lambda i, given: i.queues.delete(given["queue"], force=given["force"]),
    "Queues": lambda i, _given: i.queues.list(),
    "GetQueueInfo": _info,
    "History": _history,
    "Groups": _groups,
    "Servers": _servers,
    "SchedulerEntries": _entries,
    "ListSchedulerEnqueueEvents": _events,
    **{f"List{state}Tasks": _list(state) for state in LISTED},
    **{
        f"{verb}All{state}Tasks": _all(verb, state)
        for verb, states in CHANGED.items()
        for state in states
    },
}
