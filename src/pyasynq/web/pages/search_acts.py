"""What is done to the tasks that are ticked, of whatever queues."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from starlette.responses import Response

from pyasynq.web.pages.forms import form_of
from pyasynq.web.pages.rendering import done
from pyasynq.web.pages.task_refs import refs_of
from pyasynq.web.routing import Call, Endpoint, Handler
from pyasynq.web.service.tasks import Outcome

Verb = Literal["run", "archive", "delete", "cancel"]

VERBS: Sequence[tuple[Verb, str]] = (
    ("run", "Runs the ticked tasks of any queue."),
    ("archive", "Archives the ticked tasks of any queue."),
    ("delete", "Deletes the ticked tasks of any queue."),
    ("cancel", "Cancels the ticked tasks of any queue."),
)


def handler(verb: Verb) -> Handler:
    """Return what does something to the tasks that are ticked in a form, queue by queue."""

    async def handle(call: Call) -> Response:
        form = await form_of(call)
        by_queue: dict[str, list[str]] = defaultdict(list)
        for each in refs_of(form.all("only") or form.all("task")):
            by_queue[each.queue].append(each.id)
        outcomes = [await _change(call, verb, queue, ids) for queue, ids in by_queue.items()]
        count = sum(len(each.done) for each in outcomes)
        failed = sum(len(each.failed) for each in outcomes)
        if not by_queue:
            return done(call, form.back, "ticked_none")
        if failed:
            return done(call, form.back, "ticked_partly", count=count, failed=failed)
        return done(call, form.back, f"ticked_{verb}", count=count)

    return handle


async def _change(call: Call, verb: Verb, queue: str, ids: Sequence[str]) -> Outcome:
    if verb == "cancel":
        return await call.service.tasks.cancel_many(queue, ids)
    return await call.service.tasks.change_many(verb, queue, ids)


PAGES = tuple(
    Endpoint(
        method="POST",
        path=f"/tasks/{verb}",
        summary=summary,
        handle=handler(verb),
        action=verb,
    )
    for verb, summary in VERBS
)
