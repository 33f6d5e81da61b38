"""The REST API answers and does what the real asynqmon answers and does, on the same Redis."""

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyasynq.web import create_app
from pyasynq.web.formatting import Formatters
from pyasynq.web.rest.table import endpoints
from tests.interop.asynqmon import Asynqmon, installed
from tests.support import every_state
from tests.support.json_shape import shape_of
from tests.support.redis_dump import PASSING_FIELDS, dump
from tests.support.web import Web, path_of

OURS = ("/api/x/", "/healthz", "/readyz", "/metrics")
ROUTES = [
    each for each in endpoints(Formatters()) if not each.path.startswith(OURS) and each.path != "/"
]
LOOKS = [
    *(each.path for each in ROUTES if each.method == "GET" and each.path != "/api/metrics"),
    "/api/queues/{queue}/scheduled_tasks?size=2&page=2",
    "/api/queues/{queue}/archived_tasks?size=1&page=3",
    "/api/queues/{queue}/pending_tasks?size=two&page=x",
    "/api/queues/{queue}/retry_tasks?page=-2&size=2",
    "/api/scheduler_entries/{entry_id}/enqueue_events?size=3&page=2",
]
ACTS = [(each.method, each.path) for each in ROUTES if each.action]
STATES = every_state.STATES
RECORDED = Path(__file__).parents[1] / "web" / "rest" / "recorded.json"
MOMENT_S = 300  # what is done within so many seconds is done at the same time
UNORDERED = ("queues", "servers", "active_workers", "entries", "queue_locations")
VOLATILE = {"latency_msec": 100_000, "ttl_seconds": 200, "memory_usage_bytes": 10**9}
PASSING = ("timestamp", "display_latency", "raw_info")


@pytest.fixture(scope="module")
def asynqmon(redis_server, tmp_path_factory):
    binary = installed(tmp_path_factory.getbasetemp().parent)
    started = Asynqmon(binary, f"127.0.0.1:{redis_server.port}")
    yield started
    started.stop()


@pytest.fixture
async def web(redis_server, redis_url):
    web = Web(create_app(redis_server.tcp_url))
    yield web
    await web.close()


def state_in(path: str) -> str:
    return next((each for each in STATES if f"/{each}_tasks" in path), "pending")


def filled(path: str) -> str:
    queue = "empty" if path == "/api/queues/{queue}" else "mail"
    queue = "orders" if path.endswith(":resume") else queue
    return path_of(path, queue=queue, task_id=f"{state_in(path)}-1")


def looked_at(path: str) -> str:
    return path_of(path, task_id="retry-2")


async def test_every_look_answers_the_same(asynqmon, web, redis_client):
    every_state.fill(redis_client, int(time.time()))
    details = [f"/api/queues/mail/tasks/{each}-{number}" for each in STATES for number in (1, 2, 3)]
    wrong = {}

    for path in [*map(looked_at, LOOKS), *details]:
        theirs, ours = asynqmon.ask("GET", path), await web.ask("GET", path)
        if steady(theirs) != steady(ours):
            wrong[path] = (steady(theirs), steady(ours))

    print(f"{len(LOOKS) + len(details)} looks")
    assert wrong == {}, json.dumps({str(key): each for key, each in wrong.items()}, default=str)


def test_what_was_recorded_is_what_asynqmon_answers(asynqmon, redis_client):
    every_state.fill(redis_client, int(time.time()))

    shapes = {path: shape_of(asynqmon.ask("GET", looked_at(path)).json()) for path in LOOKS}

    if os.environ.get("RECORD"):
        RECORDED.write_text(json.dumps(shapes, indent=1, ensure_ascii=False) + "\n")
    assert shapes == json.loads(RECORDED.read_text())


async def test_every_act_has_the_same_answer_and_the_same_effect(asynqmon, web, redis_client):
    now_s = int(time.time())
    refill(redis_client, now_s)
    before = comparable(redis_client, now_s)
    wrong = {}
    without_effect = set()
    signals = redis_client.pubsub(ignore_subscribe_messages=True)
    signals.subscribe("asynq:cancel")

    for method, path in ACTS:
        ids = {"task_ids": [f"{state_in(path)}-{number}" for number in (1, 2, 9)]}
        given = {"json": ids} if ":batch_" in path else {}
        refill(redis_client, now_s)
        theirs = asynqmon.ask(method, filled(path), **given)
        after_theirs = comparable(redis_client, now_s) | {"signals": heard(signals)}
        refill(redis_client, now_s)
        ours = await web.ask(method, filled(path), **given)
        after_ours = comparable(redis_client, now_s) | {"signals": heard(signals)}
        if after_theirs == before | {"signals": []}:
            without_effect.add(path)
        if steady(theirs) != steady(ours):
            wrong[method, path] = (theirs.text, ours.text)
        elif after_theirs != after_ours:
            wrong[method, path] = differing(after_theirs, after_ours)

    signals.close()
    print(f"{len(ACTS)} acts, {len(without_effect)} of them without an effect")
    assert without_effect == set()
    assert wrong == {}, json.dumps({str(key): each for key, each in wrong.items()}, default=str)


def heard(signals) -> list[bytes]:
    """Return the IDs of the tasks that servers were asked to cancel."""
    messages = iter(lambda: signals.get_message(timeout=0.001), None)
    return sorted(each["data"] for each in messages)


def refill(client, now_s):
    client.flushall()
    every_state.fill(client, now_s)


def steady(answer: httpx.Response) -> tuple[int, Any]:
    """Return the status and what does not depend on when, or in which order, it was asked."""
    if not answer.content or not answer.is_success:
        return answer.status_code, None
    return answer.status_code, steadied(answer.json())


def steadied(value: Any, name: str = "") -> Any:
    match value:
        case dict() if name == "info":  # what Redis counts goes on
            return sorted(value)
        case dict():
            return {key: steadied(each, key) for key, each in value.items()}
        case list():
            each = [steadied(item, name) for item in value]
            return sorted(each, key=json.dumps) if name in UNORDERED else each
        case int() | float() if name in VOLATILE:
            return round(value / VOLATILE[name])
        case str() if name in PASSING:
            return type(value).__name__
    return value


def comparable(client, now_s: int) -> dict[str, Any]:
    """Return all of Redis, with every time of this moment as the same word."""
    found = {name: each for name, each in dump(client).items() if ":x:" not in name}
    return {name: timeless(each, now_s) for name, each in found.items()}


def timeless(value: Any, now_s: int) -> Any:
    match value:
        case dict():
            kept = {name: each for name, each in value.items() if name not in PASSING_FIELDS}
            return {name: timeless(each, now_s) for name, each in kept.items() if each != b""}
        case list() | tuple():
            return [timeless(each, now_s) for each in value]
        case bytes() if value.isdigit():
            return timeless(float(value), now_s)
        case float() if abs(value - now_s) < MOMENT_S:
            return "now"
    return value


def differing(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    names = theirs.keys() | ours.keys()
    return {
        name: (theirs.get(name), ours.get(name))
        for name in sorted(names)
        if theirs.get(name) != ours.get(name)
    }
