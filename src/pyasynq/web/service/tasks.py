"""Tasks, for one visitor."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypedDict, Unpack

from pyasynq.admin.redaction import Redactor, redacted, redacted_progress
from pyasynq.client_async import AsyncClient
from pyasynq.inspector import AsyncInspector, Change, TaskPage, TaskRef, WorkerInfo
from pyasynq.inspector.edits import Edit
from pyasynq.options import DEFAULT_QUEUE, CancelThen, Duration, name_fault
from pyasynq.shown import shown
from pyasynq.task import Progress, Task, TaskInfo, TaskState
from pyasynq.web.refusal import Refusal, as_bad_request
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.reachable import check_reachable

Verb = Literal["run", "archive", "delete"]
GetClient = Callable[[], Awaitable[AsyncClient]]
NO_ENQUEUE = "nobody may enqueue here; create_app(enqueue_enabled=True) allows it to admins"

AT_ONCE = 500  # tasks in one round trip
SIGNALS_AT_ONCE = 100


class OtherFields(TypedDict, total=False):
    """What can be changed of a task besides its payload."""

    type: str | None
    headers: Mapping[str, str] | None
    max_retry: int | None
    timeout: Duration | None
    deadline: datetime | None
    retention: Duration | None


_NO_OTHERS = OtherFields(
    type=None, headers=None, max_retry=None, timeout=None, deadline=None, retention=None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of several tasks.

    Attributes:
        done: the IDs of those that were changed, in the order in which they were given.
        failed: the IDs of the others.
    """

    done: Sequence[str]
    failed: Sequence[str]


class TaskService:
    """Looks at tasks, and changes them."""

    def __init__(
        self,
        inspector: AsyncInspector,
        guard: Guard,
        redact: Redactor | None,
        client: GetClient | None = None,
    ) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact
        self._client = client

    async def page(
        self,
        queue: str,
        state: TaskState,
        *,
        page: int,
        page_size: int,
        group: str | None = None,
        newest_first: bool = False,
    ) -> TaskPage:
        """Return a page of the tasks in one state; see `inspector.tasks.list`."""
        self._guard.check()
        found = await self._inspector.tasks.list(
            queue, state, page=page, page_size=page_size, group=group, newest_first=newest_first
        )
        return replace(found, tasks=tuple(redacted(task, self._redact) for task in found.tasks))

    async def workers(self, queue: str) -> Mapping[str, WorkerInfo]:
        """Return what servers say that they run of a queue, by the ID of the task."""
        self._guard.check()
        servers = await self._inspector.servers.list()
        return {
            each.task_id: each
            for server in servers
            for each in server.active_workers
            if each.queue == queue
        }

    async def get(self, queue: str, task_id: str) -> TaskInfo:
        """Return a task."""
        self._guard.check()
        return redacted(await self._inspector.tasks.get(queue, task_id), self._redact)

    async def progress(self, queue: str, task_id: str) -> Progress | None:
        """Return how far the handler of a task said that it is."""
        self._guard.check()
        found = await self._inspector.tasks.progress(queue, task_id)
        return redacted_progress(found, self._redact)

    async def change(self, verb: Verb, queue: str, task_id: str) -> None:
        """Run, archive or delete a task."""
        with self._guard.acting(verb, _named(queue, task_id)):
            tasks = self._inspector.tasks
            calls = {"run": tasks.run, "archive": tasks.archive, "delete": tasks.delete}
            await calls[verb](queue, task_id)

    async def reschedule(self, queue: str, task_id: str, at: datetime) -> None:
        """Change when a task is due."""
        with as_bad_request(), self._guard.acting("reschedule", _named(queue, task_id)):
            await self._inspector.tasks.reschedule(queue, task_id, at)

    async def edit(
        self,
        queue: str,
        task_id: str,
        payload: bytes | None = None,
        *,
        expected: bytes | None = None,
        **others: Unpack[OtherFields],
    ) -> None:
        """Change what is given of a task that waits or is archived, all at once.

        Args:
            queue: the queue.
            task_id: the task.
            payload: the new payload.
            expected: what it must be before; anything if not given.
            others: what else is to be changed; see `inspector.tasks.replace`.
        """
        with self._guard.acting("edit", _named(queue, task_id)):
            with as_bad_request():
                Edit.checked(payload=payload, **_NO_OTHERS | others)
            await self._inspector.tasks.replace(
                queue, task_id, payload=payload, expected_payload=expected, **others
            )

    @property
    def can_enqueue(self) -> bool:
        """Whether the application lets tasks be enqueued here, and the visitor may."""
        return self._client is not None and self._guard.may("enqueue")

    async def enqueue(self, task: Task) -> TaskInfo:
        """Enqueue a task, as its options say; return it as it was stored.

        Raises:
            Refusal: the application does not allow it, or the visitor may not.
            EnqueueError: its ID or its unique lock is taken.
        """
        self._guard.check("enqueue")
        if self._client is None:
            raise Refusal(403, NO_ENQUEUE, key="no_enqueue")
        queue = task.options.queue or DEFAULT_QUEUE
        with self._guard.acting("enqueue", f"task of type {shown(task.type)!r} to {queue!r}"):
            await check_reachable(self._inspector)
            client = await self._client()
            with as_bad_request():
                info = await client.enqueue(task)
        return redacted(info, self._redact)

    async def cancel(self, queue: str, task_id: str, then: CancelThen = "retry") -> int:
        """Ask the servers to cancel a task; return how many heard of it."""
        action: Literal["cancel", "drop"] = "drop" if then == "drop" else "cancel"
        with self._guard.acting(action, _named(queue, task_id)):
            return await self._inspector.tasks.cancel(task_id, then=then, queue=queue)

    async def change_many(self, verb: Verb, queue: str, ids: Sequence[str]) -> Outcome:
        """Run, archive or delete several tasks, each of which succeeds or fails for itself."""
        with self._guard.acting(verb, _counted(queue, len(ids))) as deed:
            change = Change(verb=verb)
            failed: set[int] = set()
            usable = [at for at, each in enumerate(ids) if name_fault("task_id", each) is None]
            failed.update(set(range(len(ids))) - set(usable))
            for first in range(0, len(usable), AT_ONCE):
                some = usable[first : first + AT_ONCE]
                outcomes = await self._inspector.tasks.change(
                    change, [TaskRef(queue, ids[at]) for at in some]
                )
                failed.update(at for at, error in zip(some, outcomes, strict=True) if error)
                deed.done, deed.failed = len(ids) - len(failed), len(failed)
        return Outcome(
            done=[each for at, each in enumerate(ids) if at not in failed],
            failed=[each for at, each in enumerate(ids) if at in failed],
        )

    async def cancel_many(self, queue: str, ids: Sequence[str]) -> Outcome:
        """Ask the servers to cancel several tasks.

        As in asynqmon, a task counts as done once that was asked, whether it runs or not.
        """
        with self._guard.acting("cancel", _counted(queue, len(ids))) as deed:
            usable = [each for each in ids if name_fault("task_id", each) is None]
            for first in range(0, len(usable), SIGNALS_AT_ONCE):
                some = usable[first : first + SIGNALS_AT_ONCE]
                await asyncio.gather(
                    *(self._inspector.tasks.cancel(each, queue=queue) for each in some)
                )
                deed.done += len(some)
            deed.failed = len(ids) - len(usable)
        return Outcome(
            done=usable, failed=[each for each in ids if name_fault("task_id", each) is not None]
        )

    async def cancel_all(self, queue: str) -> int:
        """Ask the servers to cancel all tasks of a queue that run; return how many these were."""
        with self._guard.acting("cancel", f"all active tasks of queue {shown(queue)!r}") as deed:
            ids = [each.id async for each in self._inspector.tasks.iterate(queue, "active")]
            for first in range(0, len(ids), AT_ONCE):
                refs = [TaskRef(queue, each) for each in ids[first : first + AT_ONCE]]
                outcomes = await self._inspector.tasks.change(Change(verb="cancel"), refs)
                deed.failed += sum(each is not None for each in outcomes)
                deed.done += sum(each is None for each in outcomes)
            return deed.done

    async def change_all(
        self, verb: Verb, queue: str, state: TaskState, group: str | None = None
    ) -> int:
        """Run, archive or delete all tasks in one state; return how many were changed."""
        subject = f"all {state.value} tasks of queue {shown(queue)!r}"
        with self._guard.acting(verb, subject) as deed:
            tasks = self._inspector.tasks
            calls = {"run": tasks.run_all, "archive": tasks.archive_all, "delete": tasks.delete_all}
            deed.done = await calls[verb](queue, state, group=group)
            return deed.done


def _named(queue: str, task_id: str) -> str:
    return f"task {shown(task_id)!r} of queue {shown(queue)!r}"


def _counted(queue: str, count: int) -> str:
    return f"{count:,} named tasks of queue {shown(queue)!r}"
