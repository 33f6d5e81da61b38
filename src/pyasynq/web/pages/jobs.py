"""Jobs on many tasks: how far they are, and what became of them."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response

from pyasynq.admin.audit import LEFT_OUT
from pyasynq.admin.jobs import JobResult
from pyasynq.web.pages.forms import form_of
from pyasynq.web.pages.rendering import done, rendered
from pyasynq.web.pages.tables import page_of
from pyasynq.web.pages.view import view_of
from pyasynq.web.routing import Call, Endpoint
from pyasynq.web.service.job_info import JobInfo, JobState

MARKS: Mapping[JobState, str] = {
    "waiting": "pending",
    "running": "active",
    "done": "completed",
    "failed": "broken",
    "cancelled": "scheduled",
    "stopped": "paused",
}
"""The mark of the state of a task that looks like that of a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why tasks could not be changed.

    Attributes:
        text: the reason.
        count: of how many of those that are named.
        task: one of them: its queue and its ID.
    """

    text: str
    count: int
    task: tuple[str, str]


def reasons_of(result: JobResult) -> Sequence[Reason]:
    """Return why tasks could not be changed, the most frequent reason first.

    A reason names its task; what it says about others is the same but for that name.
    """
    texts = [(each, each.reason.replace(each.id, "…")) for each in result.failures]
    counts = Counter(text for _, text in texts)
    firsts = {text: each for each, text in reversed(texts)}
    return [
        Reason(text=text, count=count, task=(firsts[text].queue, firsts[text].id))
        for text, count in counts.most_common()
    ]


def can_be_asked_again(job: JobInfo) -> bool:
    """Return whether the filter of a job is shown as it is, with nothing left out of it."""
    return bool(job.query) and LEFT_OUT not in job.query


async def show_jobs(call: Call) -> Response:
    """Show the jobs of this process, the latest first."""
    jobs = await call.service.jobs.list()
    part = page_of(call, jobs, view_of(call).prefers.rows)
    return rendered(
        call,
        "jobs.html",
        section="jobs",
        jobs=part.rows,
        page=part.number,
        pages=part.count,
        total=len(jobs),
        process=str(os.getpid()),
        is_running=any(not each.is_over for each in jobs),
        marks=MARKS,
    )


async def show_job(call: Call) -> Response:
    """Show how far a job is, or what became of it."""
    job = await call.service.jobs.get(call.names["job_id"])
    return rendered(
        call,
        "job.html",
        section="jobs",
        job=job,
        marks=MARKS,
        reasons=reasons_of(job.result),
        took=_took(call, job),
        can_go_on=job.is_over and can_be_asked_again(job),
    )


async def cancel_job(call: Call) -> Response:
    """Ask a job to stop."""
    form = await form_of(call)
    await call.service.jobs.cancel(call.names["job_id"])
    return done(call, form.back, "job_cancelled")


def _took(call: Call, job: JobInfo) -> timedelta | None:
    if job.started_at is None:
        return None
    return (job.ended_at or call.service.now) - job.started_at


PAGES = (
    Endpoint(
        method="GET",
        path="/jobs",
        summary="The jobs of this process, the latest first.",
        handle=show_jobs,
    ),
    Endpoint(
        method="GET",
        path="/jobs/{job_id}",
        summary="How far a job is, or what became of it.",
        handle=show_job,
    ),
    Endpoint(
        method="POST",
        path="/jobs/{job_id}/cancel",
        summary="Asks a job to stop; what it has changed stays changed.",
        handle=cancel_job,
        action="stop job",
    ),
)
