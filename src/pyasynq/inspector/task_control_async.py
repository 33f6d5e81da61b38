"""One task: run it, archive it, delete it, cancel it, change when it is due or what it says."""

from collections.abc import Mapping
from datetime import datetime

from pyasynq.answers import raise_first
from pyasynq.broker.operations import cancel, inspection, task_control
from pyasynq.broker.operations.task_control import Answer, Verdict
from pyasynq.clock import to_ns
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    PyasynqError,
    TaskNotFoundError,
    TaskStateError,
)
from pyasynq.inspector import archive
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.cancelling_async import ask_to_cancel
from pyasynq.inspector.edits import EDITABLE, Edit, edited
from pyasynq.inspector.verdicts import ARCHIVABLE, DELETABLE, MOVABLE, RUNNABLE, check
from pyasynq.options import CancelThen, Duration, cancel_fault, moment_fault, name_fault
from pyasynq.wire.message import decode

MOST_TRIES = 10  # of a change to a task that others change at the same time


class AsyncTaskControl:
    """The methods of `inspector.tasks` that change one task."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def run(self, queue: str, task_id: str) -> None:
        """Make a task pending now, as the last one in line.

        A scheduled or retried task does not wait any longer; an archived or completed one runs once
        more, with the retries that it has left. Its unique lock stays as it is.

        Raises:
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: the queue has no such task, or no longer.
            TaskStateError: the task is pending or active, or its group is being aggregated; nothing
                was changed.
        """
        _check_id(task_id)
        now_ns = self._calls.clock.redis_now_ns()
        operation = task_control.run_task(self._calls.keys_of(queue), task_id, now_ns=now_ns)
        answer: Answer = await self._calls.change_on(queue, operation)
        check(answer, queue, task_id, RUNNABLE)

    async def archive(self, queue: str, task_id: str) -> None:
        """Archive a task that is not running; its unique lock stays as it is.

        If the archive has more than 9,999 tasks then, or tasks of more than 90 days ago, one or two
        of its oldest ones are deleted.

        Raises:
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: the queue has no such task, or no longer.
            TaskStateError: the task is running or archived, or its group is being aggregated;
                nothing was changed.
        """
        _check_id(task_id)
        keys, now_ns = self._calls.keys_of(queue), self._calls.clock.redis_now_ns()
        operation = task_control.archive_task(keys, task_id, now_ns=now_ns)
        answer: Answer = await self._calls.change_on(queue, operation)
        check(answer, queue, task_id, ARCHIVABLE)
        await self._calls.run(archive.trim(keys, added=1, now_ns=now_ns))

    async def delete(self, queue: str, task_id: str) -> None:
        """Delete a task that is not running, and free its lock.

        Raises:
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: the queue has no such task, or no longer.
            TaskStateError: the task is running, or its group is being aggregated; nothing was
                changed.
        """
        _check_id(task_id)
        operation = task_control.delete_task(self._calls.keys_of(queue), task_id)
        answer: Answer = await self._calls.change_on(queue, operation)
        check(answer, queue, task_id, DELETABLE)

    async def cancel(
        self, task_id: str, *, then: CancelThen = "retry", queue: str | None = None
    ) -> int:
        """Ask the server that runs the task to cancel it, and choose what becomes of the task.

        Nothing happens if the task is not running. The last call before the handler has ended
        counts. Safe to repeat.

        Args:
            task_id: the task.
            then: "retry": the attempt counts as failed, so the task is retried, or archived if
                its retries are used up. "archive": the task is archived. "drop": it is deleted,
                with its lock. Servers in Go know only "retry".
            queue: the queue of the task; every queue is searched if not given. A server cancels
                any task that it runs under this ID, but *then* applies to a task of this queue
                only.

        Returns:
            How many servers received the request, whether they run the task or not. In a cluster,
            how many are alive.

        Raises:
            ConfigError: the ID is blank, or *then* is not one of the three.
        """
        _check_id(task_id)
        ConfigError.raise_if([cancel_fault(then)])
        queues = [queue] if queue is not None else await self._calls.usable_queues()
        marks = [cancel.mark_cancel(self._calls.keys_of(each), task_id, then) for each in queues]
        # Before the request is published: a server reads what to do once the handler has ended.
        raise_first(await self._calls.run_all(marks))
        heard = await ask_to_cancel(self._calls, [task_id])
        raise_first(heard)
        servers: int = heard[0]
        return servers

    async def reschedule(self, queue: str, task_id: str, at: datetime) -> None:
        """Change when a task is due. Safe to repeat.

        A task that waits for its retry keeps waiting for it; a pending or archived task becomes
        scheduled. A time that is over makes it due at once. The unique lock of a task that is put
        off lasts for as much longer.

        Args:
            queue: the queue.
            task_id: the task.
            at: when it is due, an aware datetime.

        Raises:
            ConfigError: *at* is not an aware datetime, or the ID is blank.
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: the queue has no such task, or no longer.
            TaskStateError: the task is active, completed or aggregating; nothing was changed.
        """
        ConfigError.raise_if([name_fault("task_id", task_id), moment_fault("at", at)])
        operation = task_control.reschedule_task(
            self._calls.keys_of(queue),
            task_id,
            due_ns=to_ns(at),
            now_ns=self._calls.clock.redis_now_ns(),
        )
        answer: Answer = await self._calls.change_on(queue, operation)
        check(answer, queue, task_id, MOVABLE)

    async def update_payload(self, queue: str, task_id: str, payload: bytes | None) -> None:
        """Replace the payload of a scheduled task; see `replace`.

        Raises:
            TaskStateError: the task is not scheduled; `replace` takes others, too.
        """
        edit = Edit(payload=payload, changes_payload=True)
        await self._change(queue, task_id, edit, ("scheduled",))

    async def replace(
        self,
        queue: str,
        task_id: str,
        *,
        type: str | None = None,  # noqa: A002 - what it is called everywhere
        payload: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_retry: int | None = None,
        timeout: Duration | None = None,
        deadline: datetime | None = None,
        retention: Duration | None = None,
        expected_payload: bytes | None = None,
    ) -> None:
        """Replace what is given of a task that waits or is archived, all at once, and no more.

        Others that change the task at the same time, and a worker that takes it, are noticed: the
        task is changed as it is, or not at all. If its unique lock was made of its type and its
        payload, the task takes the lock of the new ones, for the rest of the time. Safe to repeat.

        Args:
            queue: the queue.
            task_id: the task.
            type: its type.
            payload: its payload.
            headers: all its headers.
            max_retry: how often it may be retried in all.
            timeout: limit of one attempt; zero for none, or 30 minutes if there is no deadline.
            deadline: when every attempt ends.
            retention: for how long it is kept once completed; zero for not at all.
            expected_payload: what its payload must be before; anything if not given.

        Raises:
            ConfigError: an argument is wrong, or none is given.
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: the queue has no such task, or no longer.
            TaskStateError: the task is active or completed, or its payload is not the one that was
                expected; nothing was changed.
            DuplicateTaskError: another task holds the lock of the new type and payload; nothing was
                changed.
            PayloadError: the stored message cannot be read; nothing was changed.
        """
        edit = Edit.checked(
            type=type,
            payload=payload,
            headers=headers,
            max_retry=max_retry,
            timeout=timeout,
            deadline=deadline,
            retention=retention,
        )
        await self._change(queue, task_id, edit, EDITABLE, expected_payload)

    async def _change(
        self,
        queue: str,
        task_id: str,
        edit: Edit,
        allowed: tuple[str, ...],
        expected_payload: bytes | None = None,
    ) -> None:
        _check_id(task_id)
        keys = self._calls.keys_of(queue)
        for _ in range(MOST_TRIES):
            stored = await self._calls.run_on(queue, inspection.get_task(keys, task_id))
            if stored is None:
                raise TaskNotFoundError(queue=queue, task_id=task_id)
            if stored.state not in allowed:
                check(Answer(Verdict.WRONG_STATE, stored.state), queue, task_id, allowed)
            if expected_payload not in (None, decode(stored.data).payload):
                raise TaskStateError(
                    task_id=task_id,
                    state="changed",
                    allowed=("unchanged",),
                    advice="its payload is no longer the one that was expected; look at it again",
                )
            change = edited(stored.data, edit, keys)
            operation = task_control.replace_message(
                keys,
                task_id,
                read=stored.data,
                written=change.data,
                state=stored.state,
                lock=change.lock,
                new_lock=change.new_lock,
            )
            replaced = await self._calls.run(operation)
            match replaced.verdict:
                case Verdict.DONE:
                    return
                case Verdict.ELSEWHERE:
                    raise DuplicateTaskError(
                        queue=queue, task_type=change.type, holder_id=replaced.holder_id
                    )
        raise PyasynqError(
            f"task {task_id!r} was changed by others {MOST_TRIES} times in a row; try again"
        )


def _check_id(task_id: str) -> None:
    ConfigError.raise_if([name_fault("task_id", task_id)])
