"""What is ours: health, searches, failures, explanations, and all that is known of a task."""

import json

import pytest

from pyasynq.admin.redaction import SecretWords
from pyasynq.web.formatting import Formatters
from pyasynq.web.rest.table import endpoints
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import decode
from pyasynq.wire.progress import ProgressRecord, encode
from tests.support.redis_dump import dump
from tests.support.stored_tasks import store

TASK = "/api/x/queues/mail/tasks"
ROUTES = endpoints(Formatters())


async def test_health_tells_what_is_wrong(web, redis_client):
    sick = await web.ask("GET", "/api/x/health?queue=mail")

    assert sick.status_code == 503
    assert sick.json() == {
        "healthy": False,
        "redis": True,
        "latency": pytest.approx(0, abs=5),
        "servers": 0,
        "queues": {"mail": 0},
        "problems": [
            "no server is alive; `pyasynq worker` starts one",
            "no server serves queue 'mail'",
        ],
    }


async def test_health_is_good_if_servers_serve_what_is_asked_for(web, now_s):
    found = await web.get("/api/x/health?queue=mail&queue=orders")

    assert (found["healthy"], found["servers"], found["problems"]) == (True, 2, [])
    assert found["queues"] == {"mail": 2, "orders": 2}


async def test_all_that_is_known_of_a_task_is_shown(web, redis_client, now_s):
    store(redis_client, "retry", "a", payload=b"\xff", headers={"k": "v"}, timeout=60, retry=3)
    progress = ProgressRecord(done=1, total=4, note="rows", attempt=1, at_ns=now_s * 10**9)
    redis_client.hset(queue_keys("mail").task("a"), "progress", encode(progress))

    found = await web.get(f"{TASK}/a")

    assert (found["payload"], found["payload_base64"], found["headers"]) == (
        None,
        "/w==",
        {"k": "v"},
    )
    assert (found["timeout"], found["state"], found["deadline"]) == (60.0, "retry", None)
    assert found["next_process_at"] == "2100-01-01T00:00:00Z"
    assert found["progress"].items() >= {"done": 1, "total": 4, "note": "rows"}.items()


async def test_a_search_goes_on_at_its_cursor(web, now_s):
    first = await web.get("/api/x/search?query=queue:mail+state:retry&limit=2")
    second = await web.get(
        f"/api/x/search?query=queue:mail+state:retry&limit=2&cursor={first['cursor']}"
    )

    ids = [each["id"] for each in (*first["tasks"], *second["tasks"])]
    assert ids == ["retry-1", "retry-2", "retry-3"]
    assert second["cursor"] is None


async def test_failures_are_grouped_by_what_went_wrong(web, now_s):
    found = await web.get("/api/x/errors?query=queue:mail")

    (group, other) = found["groups"]
    assert (found["failures"], found["is_complete"]) == (6, True)
    assert (group["count"], group["signature"]) == (3, "mailbox <full>: <n> over quota")
    assert group["newest_at"].endswith("Z")
    assert {group["type"], other["type"]} == {"email:retry", "email:archived"}
    assert group["tasks"][0].keys() == {"queue", "id"}


async def test_why_a_task_does_not_run_is_told(web, now_s):
    found = await web.get(f"{TASK}/scheduled-1/explain")
    absent = await web.get(f"{TASK}/nobody/explain")

    assert found["findings"][0].keys() == {"code", "severity", "sentence", "evidence", "advice"}
    assert absent["findings"][0]["severity"] in ("error", "warning")


async def test_what_needs_a_person_is_told(web, now_s):
    found = await web.get("/api/x/attention")

    codes = {(each["code"], each["evidence"]["queue"]) for each in found["findings"]}
    assert {("paused", "orders"), ("queue_unserved", "идеи"), ("orphaned", "mail")} <= codes


async def test_a_task_is_run_archived_deleted_rescheduled_and_cancelled(web, redis_client, now_s):
    at = {"at": "2090-01-01T00:00:00+02:00"}

    answers = [
        await web.ask("POST", f"{TASK}/retry-1:run"),
        await web.ask("POST", f"{TASK}/retry-2:archive"),
        await web.ask("DELETE", f"{TASK}/retry-3"),
        await web.ask("POST", f"{TASK}/scheduled-1:reschedule", json=at),
        await web.ask("POST", f"{TASK}/active-1:cancel", json={"then": "archive"}),
    ]
    states = [
        redis_client.hget(queue_keys("mail").task(each), "state")
        for each in ("retry-1", "retry-2", "retry-3", "scheduled-1", "active-1")
    ]

    assert [each.status_code for each in answers] == [204, 204, 204, 204, 200]
    assert answers[-1].json() == {"servers": 0}
    assert states == [b"pending", b"archived", None, b"scheduled", b"active"]
    due = (await web.get(f"{TASK}/scheduled-1"))["next_process_at"]
    assert due == "2089-12-31T22:00:00Z"


@pytest.mark.parametrize(
    ("body", "status", "payload"),
    [
        ({"payload": "é"}, 204, "é".encode()),
        ({"payload_base64": "/w=="}, 204, b"\xff"),
        ({"payload": ""}, 204, b""),
        ({"payload": "new", "expected": '{"n": 1}'}, 204, b"new"),
        ({"payload": "new", "expected_base64": "/w=="}, 409, b'{"n": 1}'),
        ({"payload": "new", "payload_base64": "/w=="}, 400, b'{"n": 1}'),
        ({"payload_base64": "!"}, 400, b'{"n": 1}'),
        ({"payload": "\ud800"}, 400, b'{"n": 1}'),
        ({}, 400, b'{"n": 1}'),
    ],
)
async def test_a_payload_is_changed_if_it_is_what_was_expected(
    web, redis_client, now_s, body, status, payload
):
    answer = await web.ask("POST", f"{TASK}/retry-1:edit", content=json.dumps(body))

    stored = decode(redis_client.hget(queue_keys("mail").task("retry-1"), "msg")).payload
    assert (answer.status_code, stored) == (status, payload)


async def test_dropping_a_task_needs_the_role_that_deleting_needs(make_web, now_s):
    web = make_web(access="operate")

    drop = await web.ask("POST", f"{TASK}/active-1:cancel", json={"then": "drop"})
    retry = await web.ask("POST", f"{TASK}/active-1:cancel", json={"then": "retry"})

    assert (drop.status_code, retry.status_code) == (403, 200)
    assert drop.json() == {"error": "this needs the role 'admin', and yours is 'operate'"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/x/search?limit=0", 400),
        ("GET", "/api/x/search?limit=1001", 400),
        ("GET", "/api/x/search?scan=many", 400),
        ("GET", "/api/x/search?cursor=x", 400),
        ("GET", "/api/x/search?query=state:nowhere", 400),
        ("GET", "/api/x/search?query=queue:nowhere", 404),
        ("GET", "/api/x/errors?most=0", 400),
        ("GET", f"{TASK}/nobody", 404),
        ("GET", "/api/x/queues/nowhere/tasks/a", 404),
        ("POST", f"{TASK}/nobody:run", 404),
        ("POST", f"{TASK}/active-1:run", 409),
        ("POST", f"{TASK}/nobody:cancel", 400),
        ("POST", f"{TASK}/retry-1:reschedule", 400),
        ("DELETE", f"{TASK}/active-1", 409),
        ("POST", f"{TASK}/retry-1", 405),
        ("GET", "/api/x/nowhere", 404),
    ],
)
async def test_a_refusal_is_a_json_document_and_changes_nothing(
    web, redis_client, now_s, method, path, status
):
    before = dump(redis_client)

    answer = await web.ask(method, path)

    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert dump(redis_client) == before


@pytest.mark.parametrize("body", ['{"at": "2090-01-01T00:00:00"}', '{"at": 5}', "{}", '{"at":"x"}'])
async def test_a_time_without_a_zone_is_refused(web, now_s, body):
    answer = await web.ask("POST", f"{TASK}/retry-1:reschedule", content=body)

    assert answer.status_code == 400


async def test_the_description_names_every_route_and_the_role_that_it_needs(make_web):
    web = make_web(root_path="/tasks")

    found = await web.get("/tasks/api/x/openapi.json")

    described = {
        (method.upper(), path): operation
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    }
    assert set(described) == {(each.method, each.path) for each in ROUTES}
    for each in ROUTES:
        operation = described[each.method, each.path]
        assert operation["x-role"] == each.needs.name.lower()
        assert operation["summary"].endswith(".")
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": "/tasks"}]


async def test_every_reference_of_the_description_leads_somewhere(web):
    text = (await web.ask("GET", "/api/x/openapi.json")).text
    found = json.loads(text)

    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert {"Queue", "Day", "TaskDetails", "Server"} <= names <= set(found["components"]["schemas"])
    answer = found["paths"]["/api/queues"]["get"]["responses"]["200"]["content"]
    assert answer["application/json"]["schema"] == {"$ref": "#/components/schemas/Queues"}


async def test_an_explanation_hides_what_a_redactor_hides(make_web, redis_client):
    store(redis_client, "retry", "a", error_msg="login failed: password=hunter2", last_failed_at=9)
    web = make_web(redactor=SecretWords())

    found = await web.get("/api/x/queues/mail/tasks/a/explain")
    told = next(each for each in found["findings"] if each["code"] == "last_error")

    assert "hunter2" not in str(found)
    assert told["sentence"].endswith("login failed: password=[hidden]")
    assert told["evidence"]["error"] == "login failed: password=[hidden]"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
async def test_a_time_out_of_range_is_told_in_plain_words(web, now_s, at):
    answer = await web.ask("POST", "/api/x/queues/mail/tasks/retry-1:reschedule", json={"at": at})

    assert answer.status_code == 400
    assert "out of range: " in answer.text
    assert "datetime" not in answer.text


async def test_bytes_of_a_query_that_are_not_utf_8_stay_what_they_are(web, redis_client):
    store(redis_client, "pending", "a", payload=b"na\xefve")
    store(redis_client, "pending", "b", payload="na\ufffdve".encode())

    found = await web.get("/api/x/search?query=payload~na%EFve")
    wrong = await web.ask("GET", "/api/x/search?query=na%EFve:%FF")

    assert [each["id"] for each in found["tasks"]] == ["a"]
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/api/x/health?queue=%FF",
        "/api/x/queues?part=%FF",
        "/api/x/search?query=queue:%FF",
        "/api/x/search?query=%FF&cursor=%FF",
        "/api/x/export?query=%FF",
        "/api/x/export?format=%FF",
        "/api/x/export?queue=%FF&format=import",
        "/api/x/queues/mail/tasks?state=%FF",
        "/api/x/queues/mail/tasks?state=aggregating&group=%FF",
        "/api/metrics?queues=%FF&duration=%FF",
        "/api/x/metrics?queues=%FF&end=%FF",
    ],
)
async def test_such_bytes_are_no_failure_of_the_server(web, now_s, path):
    answer = await web.ask("GET", path)

    assert answer.status_code in (200, 400, 404, 503), answer.text
