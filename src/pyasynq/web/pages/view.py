"""What every page needs to know about its request: who looks, in which language, and where."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from pyasynq.clock import SystemClock, to_datetime
from pyasynq.web.look import Look
from pyasynq.web.pages.catalogue import Texts, texts_of
from pyasynq.web.pages.figures import Figures
from pyasynq.web.pages.links import Links
from pyasynq.web.pages.preferences import Preferences, preferences_of
from pyasynq.web.paths import query_of
from pyasynq.web.routing import Call
from pyasynq.web.service.guard import GUARD, Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a page is shown to one visitor.

    Attributes:
        texts: in their language.
        prefers: what they prefer.
        links: of the page.
        figures: write numbers and times.
        guard: what they may do; None as long as that is not known.
        look: what is the same on every page.
    """

    texts: Texts
    prefers: Preferences
    links: Links
    figures: Figures
    guard: Guard | None
    look: Look


def view_of(call: Call) -> View:
    """Return how the page of a request is shown."""
    return view(call.request, call.root, call.path, call.look, call.service.now)


def view(request: Request, root: str, path: str, look: Look, now: datetime | None = None) -> View:
    """Return how a page is shown of which only the request is known.

    Args:
        request: the request.
        root: of the web UI, as the outside world sees it.
        path: below the root.
        look: what is the same on every page.
        now: the time of Redis; that of this machine if it is not known.
    """
    prefers = preferences_of(request.cookies, request.headers.get("accept-language", ""))
    texts = texts_of(prefers.language)
    return View(
        texts=texts,
        prefers=prefers,
        links=Links(root, path, query_of(request.scope)),
        figures=Figures(texts, now or to_datetime(SystemClock().now_ns())),
        guard=request.scope.get(GUARD),
        look=look,
    )
