"""Every route of asynqmon: what it answers to good and to bad requests."""

import json
from pathlib import Path

import pytest

from pyasynq.web.formatting import Formatters
from pyasynq.web.rest.table import endpoints
from tests.support.every_state import STATES
from tests.support.json_shape import shape_of
from tests.support.redis_dump import dump
from tests.support.stored_tasks import store
from tests.support.web import path_of

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS")
OURS = ("/api/x/", "/healthz", "/readyz", "/metrics")
ROUTES = [
    each for each in endpoints(Formatters()) if not each.path.startswith(OURS) and each.path != "/"
]
ACTS = [each for each in ROUTES if each.action]
BATCHES = [each for each in ROUTES if ":batch_" in each.path]
OF_TASKS = [each for each in ACTS if "{task_id}" in each.path]
IN_QUEUES = [each for each in ROUTES if "{queue}" in each.path and each not in BATCHES]
GIVEN = {"task_ids": ["nobody"]}
BAD_BODIES = {
    "nothing": b"",
    "no JSON": b"task_ids=a",
    "an array": b'["a"]',
    "another field": b'{"task_ids": [], "force": true}',
    "a text": b'{"task_ids": "a"}',
    "numbers": b'{"task_ids": [1]}',
    "not UTF-8": b'{"task_ids": ["\xff"]}',
    "too much": b'{"task_ids": ["' + b"a" * 1_000_000 + b'"]}',
    "too deep": b"[" * 100_000,
}


def name_of(route) -> str:
    return f"{route.method} {route.path}"


def state_in(path: str) -> str:
    return next((each for each in STATES if f"/{each}_tasks" in path), "pending")


def body_of(route) -> dict:
    return {"json": {"task_ids": [f"{state_in(route.path)}-1", "nobody"]}} if route.body else {}


def test_the_routes_are_those_of_asynqmon():
    listed = {name_of(each) for each in ROUTES}

    assert len(ROUTES) == len(listed) == 65
    assert {each.path for each in ROUTES if each.method == "GET"} == {
        *(path for path in RECORDED if "?" not in path),
        "/api/metrics",
    }


@pytest.mark.parametrize("path", RECORDED)
async def test_a_look_answers_in_the_shape_that_was_recorded(web, now_s, path):
    answer = await web.ask("GET", path_of(path, task_id="retry-2"))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert shape_of(answer.json()) == RECORDED[path]


@pytest.mark.parametrize("route", ACTS, ids=name_of)
async def test_an_act_is_done_and_answers_what_it_did(web, now_s, route):
    queue = "empty" if route.path == "/api/queues/{queue}" else "mail"
    queue = "orders" if route.path.endswith(":resume") else queue
    path = path_of(route.path, queue=queue, task_id=f"{state_in(route.path)}-1")

    answer = await web.ask(route.method, path, **body_of(route))

    if route.answer is None:
        assert (answer.status_code, answer.content) == (204, b"")
    else:
        assert answer.status_code == 200
        assert answer.json() == expected(route.path)


def expected(path: str) -> dict:
    done = [f"{state_in(path)}-1"]
    return {
        "batch_cancel": {"canceled_ids": [*done, "nobody"], "error_ids": []},
        "batch_delete": {"deleted_ids": done, "failed_ids": ["nobody"]},
        "batch_archive": {"archived_ids": done, "error_ids": ["nobody"]},
        "batch_run": {"pending_ids": done, "error_ids": ["nobody"]},
        "delete_all": {"deleted": 3},
        "archive_all": {"archived": 3},
        "run_all": {"scheduled": 3},
    }[path.rpartition(":")[2]]


@pytest.mark.parametrize("route", IN_QUEUES, ids=name_of)
async def test_an_unknown_queue_is_not_found(web, now_s, redis_client, route):
    before = dump(redis_client)

    answer = await web.ask(route.method, path_of(route.path, queue="nowhere"))

    # asynqmon publishes a cancellation and does not look; it says that nothing is not paused.
    others = {"{task_id}:cancel": 204, "{queue}:resume": 409}
    wanted = next((others[end] for end in others if route.path.endswith(end)), 404)
    assert answer.status_code == wanted
    assert wanted != 404 or answer.text == "queue 'nowhere' does not exist\n"
    assert dump(redis_client) == before


@pytest.mark.parametrize("route", OF_TASKS, ids=name_of)
async def test_an_unknown_task_is_not_found(web, now_s, redis_client, route):
    before = dump(redis_client)

    answer = await web.ask(route.method, path_of(route.path))

    if route.path.endswith(":cancel"):
        assert answer.status_code == 204
    else:
        assert (answer.status_code, answer.text) == (404, "task 'nobody' is not in queue 'mail'\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert dump(redis_client) == before


@pytest.mark.parametrize("route", BATCHES, ids=name_of)
async def test_in_an_unknown_queue_all_of_a_batch_fail(web, now_s, route):
    answer = await web.ask(route.method, path_of(route.path, queue="nowhere"), json=GIVEN)

    done, failed = answer.json().values()
    assert answer.status_code == 200
    assert ["nobody"] in (done, failed)
    assert (failed == ["nobody"]) is not route.path.endswith("cancel")


@pytest.mark.parametrize("route", BATCHES, ids=name_of)
async def test_a_bad_body_is_refused_and_changes_nothing(web, now_s, redis_client, route):
    before = redis_client.dbsize()

    answers = {
        what: await web.ask(route.method, path_of(route.path), content=body)
        for what, body in BAD_BODIES.items()
    }

    assert {what: each.status_code for what, each in answers.items()} == dict.fromkeys(answers, 400)
    assert [each.text for each in answers.values() if not each.text.startswith("the body ")] == []
    assert redis_client.dbsize() == before


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"task_ids": null}', b'{"task_ids": []}'])
async def test_a_batch_without_ids_does_nothing(web, now_s, body):
    path = "/api/queues/mail/retry_tasks:batch_run"

    answer = await web.ask("POST", path, content=body)

    assert answer.json() == {"pending_ids": [], "error_ids": []}


async def test_a_batch_of_thousands_is_done_in_the_order_in_which_it_was_given(web, now_s):
    ids = ["", "archived-3", *(f"absent-{number}" for number in range(1200)), "archived-1", " "]

    answer = await web.ask(
        "POST", "/api/queues/mail/archived_tasks:batch_delete", json={"task_ids": ids}
    )

    found = answer.json()
    assert found["deleted_ids"] == ["archived-3", "archived-1"]
    assert found["failed_ids"] == [each for each in ids if not each.startswith("archived")]


@pytest.mark.parametrize("path", dict.fromkeys(each.path for each in ROUTES))
async def test_a_wrong_method_is_refused_without_a_word(web, path):
    allowed = {each.method for each in ROUTES if each.path == path}
    # One path fits two routes: "{queue}:pause" is the name of a queue for GET and DELETE.
    if path.endswith((":pause", ":resume")):
        allowed |= {"GET", "DELETE"}
    if "{task_id}:" in path and "/active_tasks/" not in path:
        allowed |= {"DELETE"}
    refused = sorted(set(METHODS) - allowed)

    answers = [await web.ask(method, path_of(path)) for method in refused]

    assert [(each.status_code, each.content) for each in answers] == [(405, b"")] * len(refused)
    assert {each.headers["allow"] for each in answers} == {", ".join(sorted(allowed))}


async def test_a_read_only_web_refuses_every_act(make_web, now_s, redis_client):
    web = make_web(read_only=True)
    before = dump(redis_client)

    for route in ACTS:
        answer = await web.ask(route.method, path_of(route.path), content=b"no JSON")
        text = "API Server is running in read-only mode: {} request is not allowed\n"
        assert (answer.status_code, answer.text) == (405, text.format(route.method))

    assert dump(redis_client) == before


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 2, 3]),
        ("?size=2&page=2", [3]),
        ("?size=two&page=1.5", [1, 2, 3]),
        ("?size=2&page=-5", [1, 2]),
        ("?size=-1", []),
        ("?size=0", []),
        ("?page=0", [1, 2, 3]),
        ("?size=99999999999999999999", [1, 2, 3]),
        ("?size=5000&page=1", [1, 2, 3]),
        ("?page=9223372036854775807", []),
    ],
)
async def test_pages_are_as_asked_for_and_what_is_no_number_is_ignored(web, now_s, query, ids):
    found = await web.get(f"/api/queues/mail/scheduled_tasks{query}")

    assert [each["id"] for each in found["tasks"]] == [f"scheduled-{number}" for number in ids]


async def test_a_page_has_at_most_a_thousand_tasks(web, redis_client):
    with redis_client.pipeline(transaction=False) as pipeline:
        for number in range(1100):
            store(pipeline, "pending", f"{number:04}")
        pipeline.execute()

    first = await web.get("/api/queues/mail/pending_tasks?size=2000")
    second = await web.get("/api/queues/mail/pending_tasks?size=1000&page=2")

    ids = [each["id"] for each in (*first["tasks"], *second["tasks"])]
    assert len(first["tasks"]) == 1000
    assert ids == [f"{number:04}" for number in range(1100)]
