"""Makes pages of templates. Whatever a template shows is escaped, unless it is markup of ours."""

from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pyasynq.version import __version__
from pyasynq.web.look import Look
from pyasynq.web.pages import figures, static
from pyasynq.web.pages.catalogue import LANGUAGES, NAMES, Texts
from pyasynq.web.pages.links import back_to
from pyasynq.web.pages.said import reason, said
from pyasynq.web.pages.view import View, view, view_of
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call
from pyasynq.web.security import PAGE_HEADERS

NOTICE = "notice"  # the part of a query that tells what was done
LONGEST_NOTICE = 200

NAVIGATION = (
    ("queues", (), "g q"),
    ("attention", ("attention",), "g a"),
    ("tasks", ("tasks",), "g t"),
    ("failures", ("failures",), "g f"),
    ("types", ("types",), "g y"),
    ("jobs", ("jobs",), "g j"),
    ("servers", ("servers",), "g s"),
    ("schedulers", ("schedulers",), "g c"),
    ("redis", ("redis",), "g r"),
    ("metrics", ("q", "metrics"), "g m"),
    ("settings", ("settings",), "g ,"),
)
"""The pages that each page leads to: the key of the name, the parts of the path, and keys."""


def rendered(
    call: Call, template: str, *, section: str = "", status: int = 200, **values: Any
) -> Response:
    """Return a page.

    Args:
        call: the request.
        template: the name of its file.
        section: the part of the navigation that it belongs to; empty for none.
        status: of the answer.
        values: what the template needs.
    """
    notice = call.query.get(NOTICE, "")
    seen = view_of(call)
    say = partial(said, seen.texts, seen.figures, call.names)
    return _page(seen, template, status, notice=notice, section=section, say=say, **values)


def refused(request: Request, root: str, path: str, look: Look, refusal: Refusal) -> Response:
    """Return a page that tells why a request is refused."""
    seen = view(request, root, path, look)
    response = _page(seen, "refused.html", refusal.status, refusal=refusal)
    response.headers.update(refusal.headers)
    return response


def done(call: Call, back: str, notice: str, **numbers: int) -> Response:
    """Lead back to the page whose form was sent, which tells what was done.

    Args:
        call: the request.
        back: the page, as the form has named it.
        notice: the key of the text, below ``notices``.
        numbers: what that text needs.
    """
    told = " ".join([notice, *(f"{name}={value}" for name, value in numbers.items())])
    return RedirectResponse(back_to(call.root, back, **{NOTICE: told}), 303)


@cache
def environment() -> Environment:
    """Return what makes pages of templates; it keeps those that it has read."""
    made = Environment(
        loader=PackageLoader("pyasynq.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["name"] = figures.name
    made.filters["advice"] = figures.advice
    made.globals["version"] = __version__
    made.globals["languages"] = [(each, NAMES[each]) for each in LANGUAGES]
    made.globals["navigation"] = NAVIGATION
    return made


def _page(
    seen: View, template: str, status: int, *, notice: str = "", section: str = "", **values: Any
) -> Response:
    guard, files = seen.guard, f"{seen.links.root}/static/{static.version()}"
    html = (
        environment()
        .get_template(template)
        .render(
            t=seen.texts,
            prefers=seen.prefers,
            links=seen.links,
            figures=seen.figures,
            look=seen.look,
            guard=guard,
            may=guard.may if guard else lambda _action: False,
            asset=lambda name: f"{files}/{name}",
            notice=_told(seen.texts, notice),
            reason_of=partial(reason, seen.texts, seen.figures),
            section=section,
            **values,
        )
    )
    data = html.encode("utf-8", "backslashreplace")
    return Response(data, status, dict(PAGE_HEADERS), media_type="text/html")


def _told(texts: Texts, notice: str) -> str:
    """Return what was done; empty if the query tells nothing that makes sense.

    Whoever makes a link may choose the text and its numbers, and nothing else.
    """
    key, *rest = notice[:LONGEST_NOTICE].split(" ")
    numbers = dict(each.partition("=")[::2] for each in rest)
    if not all(name.isidentifier() and _is_count(value) for name, value in numbers.items()):
        return ""
    try:
        return texts(f"notices.{key}", **{name: int(value) for name, value in numbers.items()})
    except KeyError:
        return ""


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal()
