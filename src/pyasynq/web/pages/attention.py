"""What needs a person; and what the doctor finds, if somebody lets it look."""

from collections import Counter
from collections.abc import Mapping, Sequence

from starlette.responses import Response

from pyasynq.inspector import Finding
from pyasynq.inspector.finding import SEVERITIES
from pyasynq.web.pages.findings import MOST_SHOWN, told
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.tables import page_of
from pyasynq.web.pages.view import view_of
from pyasynq.web.routing import Call, Endpoint


async def show_attention(call: Call) -> Response:
    """Show what needs a person."""
    survey = await call.service.troubles.survey()
    part = page_of(call, survey.findings, MOST_SHOWN)
    return rendered(
        call,
        "attention.html",
        section="attention",
        findings=told(part.rows, view_of(call)),
        page=part.number,
        pages=part.count,
        total=len(survey.findings),
        counts=counts_of(survey.findings),
        survey=survey,
    )


async def show_examination(call: Call) -> Response:
    """Let the doctor look, and show what it has found."""
    found = await call.service.troubles.examine()
    return rendered(
        call,
        "examination.html",
        section="attention",
        findings=told(found.findings, view_of(call)),
        counts=counts_of(found.findings),
        is_repairable=bool(found.repairs),
    )


def counts_of(findings: Sequence[Finding]) -> Mapping[str, int]:
    """Return how many findings there are of each severity that there are any of."""
    found = Counter(each.severity for each in findings)
    return {severity: found[severity] for severity in SEVERITIES if found[severity]}


PAGES = (
    Endpoint(
        method="GET",
        path="/attention",
        summary="What needs a person, the most urgent first.",
        handle=show_attention,
    ),
    Endpoint(
        method="GET",
        path="/attention/examination",
        summary="What the doctor finds in Redis and in its data now.",
        handle=show_examination,
    ),
)
