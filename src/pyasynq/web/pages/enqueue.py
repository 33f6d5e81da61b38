"""Enqueues a task, where the application allows it."""

from collections.abc import Sequence

from starlette.responses import Response

from pyasynq.errors import EnqueueError, PayloadError
from pyasynq.web.pages.enqueue_form import KINDS, task_of
from pyasynq.web.pages.forms import Form, asked, form_of
from pyasynq.web.pages.links import Links
from pyasynq.web.pages.rendering import done, rendered
from pyasynq.web.refusal import Refusal, refusal_of
from pyasynq.web.routing import Call, Endpoint
from pyasynq.web.service.tasks import NO_ENQUEUE

MOST_NAMES = 200  # of types and queues, to choose from
OPTIONS = ("when", "id", "max_retry", "timeout", "deadline", "retention", "unique", "group")
ANY_TEXT = "*"  # at the end of a type: it stands for several


async def show_form(call: Call) -> Response:
    """Show the form; its fields can be given in the URL."""
    return await _form(call, asked(call))


async def enqueue(call: Call) -> Response:
    """Enqueue a task, and lead to its page; show the form again if something is wrong with it."""
    form = await form_of(call)
    try:
        info = await call.service.tasks.enqueue(task_of(form, call.service.now))
    except (EnqueueError, PayloadError) as error:
        return await _form(call, form, refusal_of(error))
    except Refusal as refusal:
        if not call.service.tasks.can_enqueue:
            raise
        return await _form(call, form, refusal)
    page = Links("", "", "").to("queues", info.queue, "tasks", info.id)
    return done(call, page, "task_enqueued")


async def _form(call: Call, form: Form, refusal: Refusal | None = None) -> Response:
    if not call.service.tasks.can_enqueue:
        call.service.guard.check("enqueue")
        raise Refusal(403, NO_ENQUEUE, key="no_enqueue")
    types = [each.type for each in await call.service.history.types()]
    return rendered(
        call,
        "enqueue.html",
        section="enqueue",
        status=refusal.status if refusal else 200,
        form=form,
        refusal=refusal,
        types=[each for each in types if not each.endswith(ANY_TEXT)][:MOST_NAMES],
        queues=await call.service.queues.names(limit=MOST_NAMES),
        kinds=KINDS,
        options=OPTIONS,
        is_open=any(form.text(each) for each in (*OPTIONS, "headers")),
    )


PAGES: Sequence[Endpoint] = (
    Endpoint(
        method="GET",
        path="/enqueue",
        summary="The form that enqueues a task.",
        handle=show_form,
    ),
    Endpoint(
        method="POST",
        path="/enqueue",
        summary="Enqueues a task.",
        handle=enqueue,
        action="enqueue",
    ),
)
