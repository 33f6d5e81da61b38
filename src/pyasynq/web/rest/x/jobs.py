"""Jobs on many tasks: what they would change, how far they are, and what became of them."""

import os
from dataclasses import asdict
from typing import Annotated, Any, Literal

import msgspec
from starlette.responses import Response

from pyasynq.admin.task_row import task_row
from pyasynq.inspector import Change, TaskRef
from pyasynq.task import TaskState
from pyasynq.web.questions import body_of
from pyasynq.web.refusal import as_bad_request
from pyasynq.web.rest.answers import answer, plain
from pyasynq.web.rest.x.given import Moment
from pyasynq.web.routing import Call, Endpoint
from pyasynq.web.service.job_info import JobInfo
from pyasynq.web.service.job_request import JobPreview, JobRequest

PATH = "/api/x/jobs"
MOST_SHOWN = 100
MOST_SCANNED = 100_000

BAD_BODY = {400: "the body is wrong", 404: "the filter names queues, none of which exists"}
UNKNOWN = {404: "there is no such job in this process of the server, or no longer"}


class NamedTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task; with a state, it stays as it is in another one."""

    queue: str
    id: str
    state: TaskState | None = None


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do, and to which tasks: of a query, of a queue in a state, or named ones."""

    verb: Literal["run", "archive", "delete", "cancel", "reschedule"]
    query: str | None = None
    queue: str = ""
    state: TaskState | None = None
    group: str | None = None
    tasks: tuple[NamedTask, ...] = ()
    at: Moment | None = None
    then: Literal["retry", "archive", "drop"] = "retry"
    limit: int | None = None
    per_second: int | None = None


class JobToStart(Job, frozen=True, forbid_unknown_fields=True):
    """A job, and what somebody has typed to confirm it: see `confirm` of a preview."""

    confirm: str = ""


class JobToPreview(Job, frozen=True, forbid_unknown_fields=True):
    """A job, how many of its tasks to show, and how many tasks to look at."""

    sample: Annotated[int, msgspec.Meta(ge=0, le=MOST_SHOWN)] = 5
    scan: Annotated[int, msgspec.Meta(ge=1, le=MOST_SCANNED)] = 10_000


async def preview(call: Call) -> Response:
    """Answer with what a job would change."""
    body = await body_of(call, JobToPreview)
    found = await call.service.jobs.preview(_request(body), sample=body.sample, scan=body.scan)
    return answer(plain(of_preview(found)))


async def start(call: Call) -> Response:
    """Begin a job."""
    body = await body_of(call, JobToStart)
    job = await call.service.jobs.start(_request(body), confirm=body.confirm)
    return answer(plain(of_job(job)))


async def list_(call: Call) -> Response:
    """Answer with all jobs of this process, and which one it is."""
    jobs = [plain(of_job(each)) for each in await call.service.jobs.list()]
    return answer({"process": os.getpid(), "jobs": jobs})


async def show(call: Call) -> Response:
    """Answer with a job."""
    return answer(plain(of_job(await call.service.jobs.get(call.names["job_id"]))))


async def cancel(call: Call) -> Response:
    """Ask a job to stop."""
    return answer(plain(of_job(await call.service.jobs.cancel(call.names["job_id"]))))


def of_preview(preview: JobPreview) -> dict[str, Any]:
    """Return what a job would change."""
    found = preview.found
    return {
        "count": preview.count,
        "is_estimated": found.is_estimated,
        "confirm": preview.confirm,
        "limit": preview.limit,
        "places": [{**asdict(each), "state": each.state.value} for each in found.places],
        "sample": [task_row(each) for each in found.sample],
        "scanned": found.scanned,
        "broken": found.broken,
    }


def of_job(job: JobInfo) -> dict[str, Any]:
    """Return a job."""
    change, result = job.change, job.result
    return {
        "id": job.id,
        "verb": change.verb,
        "at": change.at,
        "then": change.then if change.verb == "cancel" else None,
        "query": job.query,
        "named": job.named,
        "who": job.who,
        "state": job.state,
        "limit": job.limit,
        "confirmed": job.confirmed,
        "per_second": job.per_second,
        "asked_at": job.asked_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "progress": job.progress,
        "total": result.total,
        "scanned": result.scanned,
        "done": result.done,
        "changed_meanwhile": result.changed_meanwhile,
        "failed": result.failed,
        "is_capped": result.is_capped,
        "failures": [asdict(each) for each in result.failures],
        "broken": result.broken,
        "error": job.error,
    }


def _request(body: Job) -> JobRequest:
    with as_bad_request():
        change = Change(verb=body.verb, at=body.at, then=body.then)
    return JobRequest(
        change=change,
        query=body.query,
        queue=body.queue,
        state=body.state,
        group=body.group,
        tasks=tuple(TaskRef(each.queue, each.id, each.state) for each in body.tasks),
        limit=body.limit,
        per_second=body.per_second,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=f"{PATH}:preview",
        summary="What a job would change, and what must be typed before it may; changes nothing.",
        handle=preview,
        action="start job",
        body=JobToPreview,
        answer=dict[str, Any],
        failures=BAD_BODY,
    ),
    Endpoint(
        method="POST",
        path=PATH,
        summary="Begin a job on many tasks, which goes on in the background.",
        handle=start,
        action="start job",
        body=JobToStart,
        answer=dict[str, Any],
        failures={
            **BAD_BODY,
            409: "more than 1,000 tasks would be deleted, and nobody has confirmed that",
            429: "too many jobs wait already",
        },
    ),
    Endpoint(
        method="GET",
        path=PATH,
        summary="The jobs of this process, the latest first.",
        handle=list_,
        answer=dict[str, Any],
    ),
    Endpoint(
        method="GET",
        path=f"{PATH}/{{job_id}}",
        summary="How far a job is, or what became of it.",
        handle=show,
        answer=dict[str, Any],
        failures=UNKNOWN,
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/{{job_id}}:cancel",
        summary="Ask a job to stop; what it has changed stays changed.",
        handle=cancel,
        action="stop job",
        answer=dict[str, Any],
        failures=UNKNOWN,
    ),
)
