"""What the forms of queues do."""

from starlette.responses import Response

from pyasynq.web.pages.forms import form_of
from pyasynq.web.pages.rendering import done
from pyasynq.web.routing import Call, Endpoint


async def pause_queue(call: Call) -> Response:
    """Pause a queue."""
    form = await form_of(call)
    await call.service.queues.pause(call.names["queue"])
    return done(call, form.back, "paused")


async def resume_queue(call: Call) -> Response:
    """End the pause of a queue."""
    form = await form_of(call)
    await call.service.queues.resume(call.names["queue"])
    return done(call, form.back, "resumed")


async def delete_queue(call: Call) -> Response:
    """Delete a queue that is empty."""
    await form_of(call)
    await call.service.queues.delete(call.names["queue"])
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
        summary="Deletes a queue that is empty.",
        handle=delete_queue,
        action="delete queue",
    ),
)
