"""What a visitor prefers, kept by their browser."""

from starlette.responses import Response

from pyasynq.web.pages.forms import form_of
from pyasynq.web.pages.preferences import COOKIES, choices
from pyasynq.web.pages.rendering import done, rendered
from pyasynq.web.routing import Call, Endpoint

A_YEAR_S = 365 * 86_400


async def show_settings(call: Call) -> Response:
    """Show what can be preferred."""
    return rendered(call, "settings.html", section="settings", choices=choices())


async def keep_settings(call: Call) -> Response:
    """Let the browser keep what is preferred; what makes no sense is left out."""
    form = await form_of(call)
    response = done(call, form.back, "saved")
    for name, known in choices().items():
        value = form.text(name)
        if value in known:
            response.set_cookie(
                COOKIES[name],
                value,
                max_age=A_YEAR_S,
                path=f"{call.root}/",
                httponly=True,
                samesite="lax",
                secure=call.request.scope.get("scheme") == "https",
            )
    return response


PAGES = (
    Endpoint(
        method="GET",
        path="/settings",
        summary="Language, colours, clock and rows of a table.",
        handle=show_settings,
    ),
    Endpoint(
        method="POST",
        path="/settings",
        summary="Keeps them in the browser.",
        handle=keep_settings,
    ),
)
