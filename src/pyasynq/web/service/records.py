"""Single tasks with all that is known around them, and who runs what, for one visitor."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyasynq.admin.redaction import HIDDEN as LEFT_OUT
from pyasynq.admin.redaction import Redactor, redacted, redacted_progress
from pyasynq.clock import to_datetime
from pyasynq.errors import PayloadError, TaskStateError
from pyasynq.inspector import AsyncInspector
from pyasynq.inspector.found_task import FoundTask
from pyasynq.task import Progress, TaskInfo, TaskState
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.tasks import TaskService

CHANGED = "its payload has changed since you looked at it; look again"
HIDDEN = "a part of its payload is hidden, so it cannot be replaced here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a server says of a task that it runs.

    Attributes:
        host, pid, server_id: of the server.
        started_at: when the attempt began.
        deadline: when it ends at the latest.
    """

    host: str
    pid: int
    server_id: str
    started_at: datetime | None
    deadline: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """A task with all that is known around it.

    Attributes:
        task: as the visitor may see it.
        is_hidden: whether the payload that is stored says more than they may see.
        digest: of the payload that is stored, for `Records.edit`; empty if some of it is hidden.
        since: when it came into its state, if only its hash tells that: of a pending task.
        unique_key: the key of its unique lock, without what all keys begin with; empty for none.
        progress: how far its handler said that it is.
        run: who runs it; None if nobody says so.
    """

    task: TaskInfo
    is_hidden: bool
    digest: str
    since: datetime | None
    unique_key: str
    progress: Progress | None
    run: Run | None


class Records:
    """Looks at single tasks from all sides."""

    def __init__(
        self, inspector: AsyncInspector, guard: Guard, redact: Redactor | None, tasks: TaskService
    ) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact
        self._tasks = tasks

    async def read(self, queue: str, task_id: str) -> TaskRecord:
        """Return a task with all that is known around it.

        Raises:
            NotFoundError: there is no such queue or task.
            PayloadError: it cannot be read.
        """
        self._guard.check()
        task = await self._inspector.tasks.get(queue, task_id)
        progress, looked, runs = await asyncio.gather(
            self._inspector.tasks.progress(queue, task_id),
            self._inspector.tasks.look([(queue, task_id)]),
            self.runs(queue) if task.state is TaskState.ACTIVE else _nothing(),
        )
        shown, found = redacted(task, self._redact), looked[0]
        is_hidden = shown.payload != task.payload
        is_pending = found is not None and found.state is TaskState.PENDING
        since_ns = found.since_ns if found is not None and is_pending else None
        return TaskRecord(
            task=shown,
            is_hidden=is_hidden,
            digest="" if is_hidden else digest_of(task.payload),
            since=None if since_ns is None else to_datetime(since_ns),
            unique_key=_unique_key(found, is_hidden=is_hidden),
            progress=redacted_progress(progress, self._redact),
            run=runs.get(task_id),
        )

    async def runs(self, queue: str) -> Mapping[str, Run]:
        """Return what servers say that they run of a queue, by the ID of the task."""
        self._guard.check()
        return {
            worker.task_id: Run(
                host=server.host,
                pid=server.pid,
                server_id=server.id,
                started_at=worker.started_at,
                deadline=worker.deadline,
            )
            for server in await self._inspector.servers.list()
            for worker in server.active_workers
            if worker.queue == queue
        }

    async def edit(self, queue: str, task_id: str, payload: bytes, *, seen: str) -> None:
        """Replace the payload that a visitor has seen.

        Args:
            queue: the queue.
            task_id: the task.
            payload: the new payload.
            seen: the digest of the old one.

        Raises:
            Refusal: the visitor may not, or a part of it is hidden from them.
            TaskStateError: the payload is another by now, or its state does not allow it.
        """
        self._guard.check("edit")
        task = await self._inspector.tasks.get(queue, task_id)
        if redacted(task, self._redact).payload != task.payload:
            raise Refusal(409, HIDDEN, key="payload_hidden")
        if digest_of(task.payload) != seen:
            raise TaskStateError(
                task_id=task_id, state="changed", allowed=("unchanged",), advice=CHANGED
            )
        await self._tasks.edit(queue, task_id, payload, expected=task.payload)


def digest_of(payload: bytes) -> str:
    """Return what stands for a payload in the form that replaces it."""
    return hashlib.sha256(payload).hexdigest()


async def _nothing() -> Mapping[str, Run]:
    return {}


def _unique_key(found: FoundTask | None, *, is_hidden: bool) -> str:
    """Return the key of a lock; its end may be a digest of the payload, which could be guessed."""
    try:
        key = found.message.unique_key if found is not None else ""
    except PayloadError:
        return ""
    rest = key.partition("}:unique:")[2] or key
    name, colon, _ = rest.rpartition(":")
    return f"{name}{colon}{LEFT_OUT}" if is_hidden and rest else rest
