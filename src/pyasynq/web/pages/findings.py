"""Findings as pages show them: what they follow from, and where it can be looked at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from markupsafe import Markup, escape

from pyasynq.admin.filters import Term, all_of
from pyasynq.inspector import Finding
from pyasynq.web.access.roles import Action
from pyasynq.web.pages.figures import name
from pyasynq.web.pages.view import View

MOST_ITEMS = 20  # of a list in the evidence
MOST_SHOWN = 100  # findings of a page
BUTTONS: Mapping[str, "Button"] = {"paused": "resume", "past_deadline": "cancel"}
OF_SERVERS = ("past_deadline", "server_stopping")  # about servers of tasks, not of Redis


Button = Literal["resume", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A page that helps with a finding.

    Attributes:
        key: of its text, below ``findings.offers``.
        link: its address.
        action: what a visitor must be allowed to do; None if it is enough to look.
    """

    key: str
    link: str
    action: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding, ready to be shown.

    Attributes:
        finding: the finding.
        pairs: what it follows from: names and values.
        links: where its subject is: the kind of page, its address, and the name of the subject.
        offers: pages that help.
        button: what ends it at once; None if nothing does.
        since: when it began; None if that is not known.
    """

    finding: Finding
    pairs: Sequence[tuple[str, str]]
    links: Sequence[tuple[str, str, str]]
    offers: Sequence[Offer]
    button: Button | None
    since: datetime | None

    @property
    def id(self) -> str:
        """What tells it from the others of a page."""
        subject = (self.finding.evidence.get(each, "") for each in ("queue", "server", "task_id"))
        return "-".join(map(str, (self.finding.code, *subject)))


def told(findings: Sequence[Finding], seen: View) -> Sequence[Told]:
    """Return findings as a page shows them, in their order."""
    return [
        Told(
            finding=each,
            pairs=list(_pairs(each, seen)),
            links=list(_links(each, seen)),
            offers=list(_offers(each, seen)),
            button=_button(each),
            since=_since(each.evidence),
        )
        for each in findings
    ]


def _links(finding: Finding, seen: View) -> Iterator[tuple[str, str, str]]:
    evidence = finding.evidence
    queue, task_id = evidence.get("queue"), evidence.get("task_id")
    if isinstance(queue, str) and queue:
        yield "queue", seen.links.to("queues", queue), queue
        if isinstance(task_id, str) and task_id:
            yield "task", seen.links.to("queues", queue, "tasks", task_id), task_id
    server = evidence.get("server")
    if isinstance(server, str) and finding.code in OF_SERVERS:
        yield "server", f"{seen.links.to('servers')}#at-{quote(server)}", server


def _offers(finding: Finding, seen: View) -> Iterator[Offer]:
    queue = finding.evidence.get("queue")
    if not isinstance(queue, str) or not queue:
        return
    to, query = seen.links.to, Term("queue", "=", (queue,))
    match finding.code:
        case "failing" | "archive_grown" | "archive_nearly_full":
            yield Offer(key="failures", link=to("failures", query=str(query)))
            archived = all_of([query, Term("state", "=", ("archived",))])
            link = to("jobs", "new", verb="run", query=str(archived))
            if finding.code != "failing":
                yield Offer(key="run_archived", link=link, action="run")
        case "orphaned":
            yield Offer(key="active", link=to("queues", queue, status="active"))
        case "pending_long" | "queue_unserved":
            yield Offer(key="pending", link=to("queues", queue, status="pending"))


def _button(finding: Finding) -> Button | None:
    button = BUTTONS.get(finding.code)
    needed = ("queue",) if button == "resume" else ("queue", "task_id")
    has_all = all(isinstance(finding.evidence.get(each), str) for each in needed)
    return button if has_all else None


def _since(evidence: Mapping[str, Any]) -> datetime | None:
    since = evidence.get("since")
    return since if isinstance(since, datetime) else None


def _pairs(finding: Finding, seen: View) -> Iterator[tuple[str, str]]:
    queue = finding.evidence.get("queue")
    said = {"queue", "task_id", "since"} | ({"server"} if finding.code in OF_SERVERS else set())
    for key, value in finding.evidence.items():
        if key in said or value in (None, "", [], (), {}):
            continue
        if key == "task_ids" and isinstance(queue, str) and isinstance(value, list | tuple):
            yield "task IDs", _listed([_task_link(queue, str(each), seen) for each in value], seen)
        else:
            yield key.replace("_", " "), _text(value, seen)


def _task_link(queue: str, task_id: str, seen: View) -> str:
    link = seen.links.to("queues", queue, "tasks", task_id)
    return Markup('<a href="{}">{}</a>').format(link, name(task_id))


def _text(value: Any, seen: View) -> str:
    """Return a value of the evidence; markup is of ours alone."""
    if isinstance(value, Mapping):
        pairs = ((str(key).replace("_", " "), each) for key, each in value.items())
        return _listed([_named(*each, seen) for each in pairs], seen)
    if isinstance(value, list | tuple):
        return _listed([_text(each, seen) for each in value], seen)
    kinds: Sequence[tuple[Any, Callable[[Any], str]]] = (
        (datetime, seen.figures.date),
        (timedelta, seen.figures.span),
        (bool, lambda each: seen.texts("findings.yes" if each else "findings.no")),
        (int | float, seen.figures.number),
    )
    writing = (write for kind, write in kinds if isinstance(value, kind))
    return next(writing, lambda each: name(str(each), 500))(value)


def _named(key: str, value: Any, seen: View) -> str:
    return Markup("{} {}").format(name(key), _text(value, seen))


def _listed(values: Sequence[str], seen: View) -> str:
    some = [*values[:MOST_ITEMS]]
    if len(values) > MOST_ITEMS:
        some.append(seen.texts("findings.more", count=len(values) - MOST_ITEMS))
    return Markup(", ").join(map(escape, some))
