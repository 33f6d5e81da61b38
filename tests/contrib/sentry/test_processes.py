"""Handlers in processes of their own: what they capture, and how their failures are reported."""

import json

import pytest

from tests.support.eventually import eventually_async
from tests.support.sentry_handlers import mux


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What processes of handlers have sent, as a function."""
    path = tmp_path / "sent"
    path.touch()
    monkeypatch.setenv("SENTRY_KEPT", str(path))
    return lambda: [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
async def test_a_process_captures_by_itself_and_its_worker_reports_the_failure(sentry, work, told):
    kept = sentry(traces_sample_rate=1.0)
    infos = [await work.enqueue("render", name, max_retry=0) for name in (b"cat", b"broken")]

    async with work.serving(mux, concurrency=1, process_pool_size=1):
        await eventually_async(lambda: kept.events)

    messages = [each for each in told() if "message" in each]
    assert [
        (each["message"], [crumb["message"] for crumb in each["breadcrumbs"]["values"]])
        for each in messages
    ] == [("cat is drawn", ["cat begins"]), ("broken is drawn", ["broken begins"])]
    assert [each["tags"]["task_id"] for each in messages] == [each.id for each in infos]
    assert [each for each in told() if "exception" in each] == []

    (event,) = kept.events
    (raised,) = event["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "no ink")
    (frame,) = raised["stacktrace"]["frames"]
    assert (frame["function"], frame["context_line"]) == ("render", 'raise ValueError("no ink")')

    inside = [each["contexts"]["trace"] for each in told() if each.get("type") == "transaction"]
    around = [
        each["contexts"]["trace"] for each in kept.transactions if each["transaction"] == "render"
    ]
    assert [each["parent_span_id"] for each in inside] == [each["span_id"] for each in around]
    assert [each["status"] for each in inside] == ["ok", "internal_error"]
