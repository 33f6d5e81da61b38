"""Jobs on many tasks, for one visitor."""

from collections import Counter
from collections.abc import Sequence

from pyasynq.admin import audit
from pyasynq.admin.bulk_async import AsyncBulkJob
from pyasynq.admin.filters import Filter
from pyasynq.admin.jobs import AT_ONCE, PlaceCount, Preview
from pyasynq.admin.redaction import Redactor, redacted
from pyasynq.inspector import AsyncInspector, TaskRef
from pyasynq.task import TaskState
from pyasynq.web.refusal import Refusal, as_bad_request
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.job_board import JobBoard
from pyasynq.web.service.job_info import JobInfo
from pyasynq.web.service.job_request import (
    MOST_UNASKED,
    JobPreview,
    JobRequest,
    is_confirmed,
    most_confirmed,
    preview_of,
    smallest,
)
from pyasynq.web.service.reachable import check_reachable

SCANNED = 10_000  # tasks that a preview looks at, unless it is told otherwise
SAMPLE = 5


class JobService:
    """Runs, archives, deletes, cancels and reschedules many tasks, as jobs of this process."""

    def __init__(
        self, inspector: AsyncInspector, guard: Guard, redact: Redactor | None, board: JobBoard
    ) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact
        self._board = board

    async def preview(
        self, request: JobRequest, *, sample: int = SAMPLE, scan: int | None = None
    ) -> JobPreview:
        """Count the tasks that a job would change, and change nothing.

        Args:
            request: what is wanted.
            sample: how many tasks to show, at most 100.
            scan: how many tasks to look at, about, 10,000 if not given; if there are more, the
                count is reckoned.

        Raises:
            Refusal: the visitor may not do that, or something of the request is wrong.
        """
        self._guard.check(request.action)
        await check_reachable(self._inspector)
        with as_bad_request():
            query = request.filter()
            found = await self._found(request, query, sample, scan or SCANNED)
        return preview_of(request, found, self._board.most)

    async def start(self, request: JobRequest, *, confirm: str = "") -> JobInfo:
        """Begin a job, which goes on when the request is over.

        More than 1,000 tasks are deleted only if *confirm* says so. Without it, a job that deletes
        ends after 1,000 tasks, should there be more than were counted; with it, after a tenth more
        than were counted. It deletes none in a queue and state where none can have been meant.

        Args:
            request: what is wanted.
            confirm: what the visitor has typed: see `JobPreview.confirm`.

        Raises:
            Refusal: the visitor may not do that, something of the request is wrong, something must
                be typed first, or too many jobs wait.
        """
        self._guard.check(request.action)
        with as_bad_request():
            query = request.filter()
        limit, bounds = smallest(request.limit, self._board.most), None
        if request.is_deleting:
            preview = await self.preview(request, sample=0)
            if not is_confirmed(preview, confirm):
                raise Refusal(
                    409,
                    _to_type(preview),
                    key="confirm_many",
                    values={"count": preview.count, "confirm": preview.confirm},
                )
            bounds = preview.found.bounds(most_confirmed(preview, confirm))
            if not preview.confirm:
                limit = smallest(limit, MOST_UNASKED)
        visitor = self._guard.visitor
        job_id = self._board.start(
            self._inspector,
            request,
            query,
            who=visitor.who,
            name=visitor.name,
            limit=limit,
            bounds=bounds,
            redact=self._redact,
        )
        return self._board.info(job_id, self._query_text)

    async def list(self) -> Sequence[JobInfo]:
        """Return the jobs of this process, the latest first, also those that have ended lately."""
        self._guard.check()
        return self._board.infos(self._query_text)

    async def get(self, job_id: str) -> JobInfo:
        """Return a job.

        Raises:
            Refusal: there is no such job, or no longer.
        """
        self._guard.check()
        return self._board.info(job_id, self._query_text)

    async def cancel(self, job_id: str) -> JobInfo:
        """Ask a job to stop, and return it; it may take a moment. Safe to repeat.

        Raises:
            Refusal: there is no such job, or no longer.
        """
        with self._guard.acting("stop job", f"job {job_id}"):
            self._board.cancel(job_id, who=self._guard.visitor.who)
        return self._board.info(job_id, self._query_text)

    def _query_text(self, query: Filter) -> str:
        """Return a filter as it may be shown: what is hidden in tasks may be written in it."""
        return str(query) if self._redact is None else audit.without_contents(query)

    async def _found(
        self, request: JobRequest, query: Filter | None, sample: int, scan: int
    ) -> Preview:
        if query is None:
            return await self._named(request, sample)
        work = AsyncBulkJob(self._inspector, request.change)
        return await work.preview(query, sample=sample, scan=scan, redact=self._redact)

    async def _named(self, request: JobRequest, sample: int) -> Preview:
        """Count those of the named tasks that are there, in a state that allows the change."""
        places: Counter[tuple[str, TaskState]] = Counter()
        usable: list[tuple[str, str]] = []
        tasks = tuple(dict.fromkeys(request.tasks))
        for first in range(0, len(tasks), AT_ONCE):
            some = tasks[first : first + AT_ONCE]
            states = await self._inspector.tasks.states([(each.queue, each.id) for each in some])
            for task, state in zip(some, states, strict=True):
                if state is not None and _allows(request, task, state):
                    places[task.queue, state] += 1
                    usable.append((task.queue, task.id))
        infos = await self._inspector.tasks.get_many(usable[:sample])
        return Preview(
            places=tuple(
                PlaceCount(queue=queue, state=state, count=count)
                for (queue, state), count in sorted(places.items())
            ),
            sample=tuple(redacted(each, self._redact) for each in infos if each is not None),
            scanned=len(tasks),
        )


def _allows(request: JobRequest, task: TaskRef, state: TaskState) -> bool:
    return state.value in request.change.allowed and task.state in (None, state)


def _to_type(preview: JobPreview) -> str:
    queues = {each.queue for each in preview.found.places}
    what = "the name of the queue" if len(queues) == 1 else "how many these are"
    return (
        f"{preview.count:,} tasks would be deleted: give {preview.confirm!r}, {what}, as confirm "
        f"to delete more than {MOST_UNASKED:,}"
    )
