"""What the forms of scheduler entries do."""

from starlette.responses import Response

from pyasynq.web.pages.forms import form_of
from pyasynq.web.pages.rendering import done
from pyasynq.web.routing import Call, Endpoint


async def run_entry(call: Call) -> Response:
    """Enqueue the task of an entry now."""
    form = await form_of(call)
    await call.service.schedulers.run(call.names["entry_id"])
    return done(call, form.back, "entry_run")


async def pause_entry(call: Call) -> Response:
    """Let the ticks of an entry pass without a task."""
    form = await form_of(call)
    await call.service.schedulers.pause(call.names["entry_id"], reason=form.text("reason"))
    return done(call, form.back, "entry_paused")


async def resume_entry(call: Call) -> Response:
    """End the pause of an entry."""
    form = await form_of(call)
    await call.service.schedulers.resume(call.names["entry_id"])
    return done(call, form.back, "entry_resumed")


PAGES = (
    Endpoint(
        method="POST",
        path="/schedulers/{entry_id}/run",
        summary="Enqueues the task of a scheduler entry now.",
        handle=run_entry,
        action="run",
    ),
    Endpoint(
        method="POST",
        path="/schedulers/{entry_id}/pause",
        summary="Lets the ticks of a scheduler entry pass without a task.",
        handle=pause_entry,
        action="pause",
    ),
    Endpoint(
        method="POST",
        path="/schedulers/{entry_id}/resume",
        summary="Ends the pause of a scheduler entry.",
        handle=resume_entry,
        action="resume",
    ),
)
