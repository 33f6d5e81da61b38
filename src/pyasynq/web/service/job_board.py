"""The jobs on many tasks that this process runs, and those that have ended lately.

They live in this process, each on the event loop of the request that asked for it:

    waiting ─► running ─► done | failed | cancelled | stopped (by the end of this process)

They are gone with the process. What a job has changed until then stays changed.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from pyasynq.admin import audit
from pyasynq.admin.bulk_async import AsyncBulkJob
from pyasynq.admin.filters import Filter
from pyasynq.admin.jobs import Bounds
from pyasynq.admin.redaction import Redactor
from pyasynq.clock import to_datetime
from pyasynq.errors import PyasynqError
from pyasynq.identifiers import new_task_id
from pyasynq.inspector import AsyncInspector
from pyasynq.shown import shown
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.job_info import JobInfo, JobState
from pyasynq.web.service.job_request import JobRequest

KEPT = 200  # jobs that have ended
AT_ONCE = 4  # jobs that run
MOST_WAITING = 50
GRACE_S = 1.0  # for the chunk that a job is at when this process ends

SHUTDOWN = "a shutdown"
BROKEN = "something is wrong here; the log of this server tells what"
FULL = "{} jobs wait already; wait until some have ended, or cancel them"
UNKNOWN = (
    "there is no job {!r} in process {} of this server; if the server has several processes, it "
    "may run on in another one, which alone can show and stop it: ask again until that one "
    "answers. Else it is gone: jobs are lost when this server restarts, and only the last {} that "
    "have ended are kept. The audit log tells what became of it"
)

logger = logging.getLogger("pyasynq.web")

QueryText = Callable[[Filter], str]
"""Returns a filter as it may be shown."""


class JobBoard:
    """Runs jobs, a few at a time, and remembers what became of them.

    Args:
        most: how many tasks one job may change; None for any number.

    Attributes:
        most: as given.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._jobs: dict[str, _Job] = {}

    def start(
        self,
        inspector: AsyncInspector,
        request: JobRequest,
        query: Filter | None,
        *,
        who: str,
        name: str,
        limit: int | None,
        bounds: Bounds | None = None,
        redact: Redactor | None = None,
    ) -> str:
        """Begin a job on the running event loop, or let it wait for others; return its ID.

        Args:
            inspector: of this event loop.
            request: what to do.
            query: to which tasks; None for those that the request names.
            who: who wants it, for the audit log.
            name: of who wants it, for its readers.
            limit: how many tasks to change at most.
            bounds: what somebody has confirmed; everything if nobody had to.
            redact: hides what *query* must not see either.

        Raises:
            Refusal: too many jobs wait.
        """
        waiting = sum(not each.has_turn for each in self._unfinished())
        if waiting >= MOST_WAITING:
            raise Refusal(
                429,
                FULL.format(waiting),
                headers={"Retry-After": "10"},
                key="jobs_full",
                values={"waiting": waiting},
            )
        job = _Job(
            inspector, request, query, who=who, name=name, limit=limit, bounds=bounds, redact=redact
        )
        self._jobs[job.id] = job
        job.task = asyncio.create_task(self._live(job), name=f"pyasynq job {job.id}")
        self._forget()
        self._let_in()
        return job.id

    def info(self, job_id: str, query_text: QueryText = str) -> JobInfo:
        """Return a job.

        Raises:
            Refusal: there is no such job, or no longer.
        """
        return self._job(job_id).info(query_text)

    def infos(self, query_text: QueryText = str) -> Sequence[JobInfo]:
        """Return all jobs, the latest first."""
        return [each.info(query_text) for each in reversed(tuple(self._jobs.values()))]

    def cancel(self, job_id: str, *, who: str) -> None:
        """Ask a job to stop; it does before its next chunk. Nothing happens if it has ended.

        Raises:
            Refusal: there is no such job, or no longer.
        """
        job = self._job(job_id)
        if not job.is_over and not job.stopped_by:
            job.stopped_by = who
            job.wake()

    async def aclose(self) -> None:
        """Stop the jobs of the running event loop, each after the chunk that it is at."""
        loop = asyncio.get_running_loop()
        mine = [each for each in self._unfinished() if each.loop is loop]
        for job in mine:
            job.stopped_by = SHUTDOWN
            job.turn.set()
        tasks = [each.task for each in mine if each.task is not None]
        late = (await asyncio.wait(tasks, timeout=GRACE_S))[1] if tasks else ()
        for job in mine:
            job.asked_to_stop()  # for the audit log, if it has not even asked
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _live(self, job: "_Job") -> None:
        """Wait for the turn of a job, run it, and let another one begin."""
        try:
            await job.turn.wait()
            await job.run()
        except asyncio.CancelledError:
            job.state = "stopped"
            raise
        except PyasynqError as error:
            job.state, job.error = "failed", str(error)
        except Exception as error:
            job.state, job.error = "failed", BROKEN
            logger.exception("a job failed: %s", type(error).__name__)
        finally:
            job.end()
            self._let_in()

    def _let_in(self) -> None:
        """Let jobs begin that wait, the oldest first, while not too many run."""
        unfinished = tuple(self._unfinished())
        running = sum(each.has_turn for each in unfinished)
        for job in unfinished:
            if running >= AT_ONCE:
                return
            if not job.has_turn:
                running += job.wake()

    def _forget(self) -> None:
        """Forget the oldest jobs that have ended, if there are many."""
        over = [each.id for each in tuple(self._jobs.values()) if each.is_over]
        for job_id in over[: max(0, len(over) - KEPT)]:
            del self._jobs[job_id]

    def _unfinished(self) -> Iterator["_Job"]:
        return (each for each in tuple(self._jobs.values()) if not each.is_over)

    def _job(self, job_id: str) -> "_Job":
        job = self._jobs.get(job_id)
        if job is None:
            raise Refusal(
                404,
                UNKNOWN.format(shown(job_id), os.getpid(), KEPT),
                key="unknown_job",
                values={"job_id": shown(job_id), "process": str(os.getpid()), "kept": KEPT},
            )
        return job


class _Job:
    """A job on the board, on the event loop on which it is made."""

    def __init__(
        self,
        inspector: AsyncInspector,
        request: JobRequest,
        query: Filter | None,
        *,
        who: str,
        name: str,
        limit: int | None,
        bounds: Bounds | None = None,
        redact: Redactor | None = None,
    ) -> None:
        self.id = new_task_id()
        self.loop = asyncio.get_running_loop()
        self.task: asyncio.Task[None] | None = None
        self.turn = asyncio.Event()
        self.has_turn = False
        self.stopped_by = ""
        self.state: JobState = "waiting"
        self.error = ""
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self._clock = inspector.clock
        self._asked_at = self.now
        self._request, self._query, self._limit = request, query, limit
        self._bounds = bounds
        self._named = len(request.tasks)
        self._who, self._name, self._redact = who, name, redact
        self._work = AsyncBulkJob(
            inspector,
            request.change,
            limit=limit,
            per_second=request.per_second,
            bounds=bounds,
            is_cancelled=self.asked_to_stop,
            who=who,
            name=self.id,
        )

    @property
    def now(self) -> datetime:
        return to_datetime(self._clock.redis_now_ns())

    @property
    def is_over(self) -> bool:
        if self.ended_at is None and self.loop.is_closed():  # it has ended without a word
            self.state = "stopped"
            self.end()
        return self.ended_at is not None

    def end(self) -> None:
        """Note that it has ended, and keep no more than is shown: it may have named many tasks."""
        self.ended_at = self.now
        self.task = None
        self._request = replace(self._request, tasks=())

    def wake(self) -> bool:
        """Let it begin, from any thread; False if its event loop is gone."""
        try:
            self.loop.call_soon_threadsafe(self.turn.set)
        except RuntimeError:
            return False
        self.has_turn = True
        return True

    def asked_to_stop(self) -> bool:
        """Answer its work whether to stop, and on whose behalf."""
        self._work.result.stopped_by = self.stopped_by
        return bool(self.stopped_by)

    async def run(self) -> None:
        """Do its work, unless it was stopped while it waited."""
        change, result = self._request.change, self._work.result
        if self.asked_to_stop():
            with audit.action(self._who, change, self._query, result, self.id):
                result.is_cancelled = True
        else:
            self.started_at, self.state = self.now, "running"
            audit.begin(self._who, change, self._query, self.id)
            await self._work_through()
        if not self._work.result.is_cancelled:
            self.state = "done"
        else:
            self.state = "stopped" if self.stopped_by == SHUTDOWN else "cancelled"

    async def _work_through(self) -> None:
        if self._query is None:
            await self._work.run_on(self._request.tasks)
        else:
            await self._work.run(self._query, redact=self._redact)

    def info(self, query_text: QueryText) -> JobInfo:
        """Return it as it is now."""
        is_over, result = self.is_over, self._work.result
        return JobInfo(
            id=self.id,
            change=self._request.change,
            query="" if self._query is None else query_text(self._query),
            named=self._named,
            who=self._name,
            state=self.state,
            limit=self._limit,
            confirmed=None if self._bounds is None else self._bounds.most,
            per_second=self._request.per_second,
            asked_at=self._asked_at,
            started_at=self.started_at,
            ended_at=self.ended_at if is_over else None,
            result=replace(result, failures=list(result.failures), broken=list(result.broken)),
            error=self.error,
        )
