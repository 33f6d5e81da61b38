"""What a job would change, before it begins: the page asks, and its form begins the job."""

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from pyasynq.admin.filters import Filter
from pyasynq.task import TaskInfo
from pyasynq.web.look import Look
from pyasynq.web.pages.catalogue import Texts
from pyasynq.web.pages.forms import Form, asked, form_of
from pyasynq.web.pages.job_form import kept, request_of
from pyasynq.web.pages.links import Links
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.view import view_of
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint
from pyasynq.web.service.job_request import JobPreview, JobRequest

CHOICES = ("retry", "archive", "drop")  # what becomes of tasks that are cancelled


async def show_new_job(call: Call) -> Response:
    """Show what a job would change, and ask whether it may begin."""
    form = asked(call)
    if not form.has("verb"):
        return rendered(call, "no_job.html", section="jobs")
    return await _asked(call, form, None)


async def begin_job(call: Call) -> Response:
    """Begin a job, and lead to its page; if something is wrong with what was typed, ask again."""
    form = await form_of(call)
    try:
        request = request_of(form, call.service.now, needs_time=True)
        job = await call.service.jobs.start(request, confirm=form.text("confirm"))
    except Refusal as refusal:
        if refusal.status not in (400, 409):
            raise
        return await _asked(call, form, refusal)
    return RedirectResponse(Links(call.root, "", "").to("jobs", job.id), 303)


def button_text(texts: Texts, request: JobRequest, preview: JobPreview) -> str:
    """Return what the button says, with the count in it."""
    if preview.found.is_estimated and not preview.count:
        return texts(f"jobs.new.{request.change.verb}")
    about = texts("jobs.about", count=preview.count) if preview.found.is_estimated else None
    return texts(f"jobs.do.{request.action}", count=about or preview.count)


def samples(tasks: Sequence[TaskInfo], look: Look) -> Sequence[tuple[TaskInfo, str]]:
    """Return tasks, each with its payload as text."""
    return [(each, look.formatters.of_payload(each.type, each.payload)) for each in tasks]


async def _asked(call: Call, form: Form, refusal: Refusal | None) -> Response:
    """Return the page that asks; with a refusal, what was typed is still there."""
    request = request_of(
        _without_time(form) if refusal else form, call.service.now, needs_time=False
    )
    preview = await call.service.jobs.preview(request)
    seen = view_of(call)
    return rendered(
        call,
        "new_job.html",
        section="jobs",
        status=refusal.status if refusal else 200,
        request=request,
        preview=preview,
        meant=_meant(request.filter()),
        samples=samples(preview.found.sample, call.look),
        kept=kept(form),
        choices=CHOICES,
        typed=form,
        button=button_text(seen.texts, request, preview),
        refusal=refusal,
    )


def _without_time(form: Form) -> Form:
    """Return a form without what may be wrong with it, and is not needed to count."""
    return Form([each for each in kept(form) if each[0] != "when"])


def _meant(query: Filter | None) -> str:
    return "" if query is None else str(query)


PAGES = (
    Endpoint(
        method="GET",
        path="/jobs/new",
        summary="What a job would change, before it begins.",
        handle=show_new_job,
    ),
    Endpoint(
        method="POST",
        path="/jobs",
        summary="Begins a job on all tasks that match.",
        handle=begin_job,
        action="start job",
    ),
)
