"""Asks Prometheus for the metrics of queues. asynqmon v0.7.2 metrics_handler.go."""

import asyncio
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec
from typing_extensions import override

from pyasynq.web.refusal import Refusal

TIMEOUT_S = 10.0
MOST_BYTES = 20_000_000  # of one answer
MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = ((6 * HOUR, 10), (DAY, MINUTE), (8 * DAY, 3 * MINUTE), (30 * DAY, 10 * MINUTE))
MOST_POINTS = 3000

QUERIES: Mapping[str, str] = {
    "queue_size": "asynq_queue_size{FILTER}",
    "queue_latency_seconds": "asynq_queue_latency_seconds{FILTER}",
    "queue_memory_usage_approx_bytes": "asynq_queue_memory_usage_approx_bytes{FILTER}",
    "tasks_processed_per_second": "rate(asynq_tasks_processed_total{FILTER}[5m])",
    "tasks_failed_per_second": "rate(asynq_tasks_failed_total{FILTER}[5m])",
    "error_rate": "rate(asynq_tasks_failed_total{FILTER}[5m]) / "
    "rate(asynq_tasks_processed_total{FILTER}[5m])",
    "pending_tasks_by_queue": 'asynq_tasks_enqueued_total{state="pending",FILTER}',
    "retry_tasks_by_queue": 'asynq_tasks_enqueued_total{state="retry",FILTER}',
    "archived_tasks_by_queue": 'asynq_tasks_enqueued_total{state="archived",FILTER}',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What is asked for.

    Attributes:
        end_s: the last second, since the epoch.
        duration_s: how many seconds before it.
        queues: these only; every queue if there are none.
    """

    end_s: int
    duration_s: int
    queues: Sequence[str] = ()


def urls(address: str, wanted: Range) -> dict[str, str]:
    """Return the URL of each query, by its name."""
    base = f"{address.removesuffix('/')}/api/v1/query_range"
    span = {
        "start": wanted.end_s - wanted.duration_s,
        "end": wanted.end_s,
        "step": step_s(wanted.duration_s),
    }
    return {
        name: f"{base}?{urlencode({'query': _filtered(query, wanted.queues), **span})}"
        for name, query in QUERIES.items()
    }


def step_s(duration_s: int) -> int:
    """Return the seconds between two points: the longer the range, the more."""
    for longest_s, step in STEPS:
        if duration_s <= longest_s:
            return step
    return duration_s // MOST_POINTS


async def fetch(address: str, wanted: Range) -> dict[str, msgspec.Raw]:
    """Return the answer of Prometheus to each query, by its name.

    Raises:
        Refusal: Prometheus does not answer, or with something else than JSON.
    """
    each = urls(address, wanted)
    answers = await asyncio.gather(*(asyncio.to_thread(_fetch, url) for url in each.values()))
    return dict(zip(each, answers, strict=True))


def _fetch(url: str) -> msgspec.Raw:
    try:
        request = urllib.request.Request(url)  # noqa: S310 - the settings allow http and https only
        with _OPENER.open(request, timeout=TIMEOUT_S) as reply:
            data = reply.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:  # its own errors are answers, as in asynqmon
        with error:
            data = error.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Refusal(502, f"prometheus does not answer: {error}", key="prometheus_away") from error
    if len(data) > MOST_BYTES:
        raise Refusal(
            502,
            "the answer of prometheus is too large; ask for a shorter time",
            key="prometheus_too_much",
        )
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(
            502,
            "what answers in place of prometheus does not send JSON",
            key="prometheus_no_json",
        ) from None
    return msgspec.Raw(data)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: an answer must come from where the settings say."""

    @override
    def redirect_request(self, *_given: object, **_others: object) -> None:
        """Do not follow."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def _filtered(query: str, queues: Sequence[str]) -> str:
    if not queues:
        return query.replace("FILTER", "")
    names = "|".join(map(_quoted, queues))
    return query.replace("FILTER", f'queue=~"{names}"')


def _quoted(name: str) -> str:
    """Return the name of a queue as a regular expression in a text of PromQL."""
    pattern = re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", name)
    return pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
