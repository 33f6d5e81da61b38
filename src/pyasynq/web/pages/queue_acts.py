"""What the forms of queues do."""

from starlette.responses import Response

from pyasynq.errors import QueueNotEmptyError
from pyasynq.web.pages.forms import form_of
from pyasynq.web.pages.moments import moment_typed
from pyasynq.web.pages.rendering import done
from pyasynq.web.refusal import Refusal, refusal_of
from pyasynq.web.routing import Call, Endpoint


async def pause_queue(call: Call) -> Response:
    """Pause a queue; the form may say why, and until when."""
    form = await form_of(call)
    await call.service.queues.pause(
        call.names["queue"], reason=form.text("reason"), until=moment_typed(form.text("until"))
    )
    return done(call, form.back, "paused")


async def resume_queue(call: Call) -> Response:
    """End the pause of a queue."""
    form = await form_of(call)
    await call.service.queues.resume(call.names["queue"])
    return done(call, form.back, "resumed")


async def delete_queue(call: Call) -> Response:
    """Delete a queue that is empty, or one that is not if its name was typed."""
    form = await form_of(call)
    confirm = form.text("confirm")
    try:
        await call.service.queues.delete(call.names["queue"], force=bool(confirm), confirm=confirm)
    except QueueNotEmptyError as error:  # the form makes sense, but the queue has tasks by now
        raise Refusal(409, refusal_of(error).text) from error
    return done(call, "/", "queue_deleted")


PAGES = (
    Endpoint(
        method="POST",
        path="/queues/{queue}/pause",
        summary="Pauses a queue.",
        handle=pause_queue,
        action="pause",
    ),
    Endpoint(
        method="POST",
        path="/queues/{queue}/resume",
        summary="Ends the pause of a queue.",
        handle=resume_queue,
        action="resume",
    ),
    Endpoint(
        method="POST",
        path="/queues/{queue}/delete",
        summary="Deletes a queue, with its tasks if its name is typed.",
        handle=delete_queue,
        action="delete queue",
    ),
)
