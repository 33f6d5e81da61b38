"""What asynqmon cannot do: pauses with a reason, deletion by name, periodic tasks, new tasks."""

import pytest

from pyasynq.wire.message import decode
from tests.support.redis_dump import dump
from tests.support.web import SAME_ORIGIN

QUEUES, ENTRIES = "/api/x/queues", "/api/x/scheduler_entries"
TASKS = f"{QUEUES}/mail/tasks"


async def test_the_names_of_queues_are_completed(web, now_s):
    assert await web.get(QUEUES) == {"queues": ["empty", "mail", "orders", "идеи"]}
    assert await web.get(f"{QUEUES}?part=M") == {"queues": ["mail", "empty"]}
    assert await web.get(f"{QUEUES}?part=м") == {"queues": []}
    assert await web.get(f"{QUEUES}?part=И&limit=1") == {"queues": ["идеи"]}
    assert (await web.ask("GET", f"{QUEUES}?limit=1001")).status_code == 400


async def test_a_queue_is_paused_with_a_reason_and_an_end(make_web, now_s, redis_client):
    web = make_web(auth=lambda request: "ann")
    body = {"reason": "the mail server is away", "until": "2099-01-01T00:00:00Z"}

    first = await web.ask("POST", f"{QUEUES}/mail:pause", json=body)
    info = (await web.get("/api/queues/mail"))["current"]
    second = await web.ask("POST", f"{QUEUES}/mail:pause", json=body)
    third = await web.ask("POST", f"{QUEUES}/mail:resume")

    assert [each.status_code for each in (first, second, third)] == [204, 409, 204]
    assert info["paused"] is True
    assert redis_client.exists("asynq:{mail}:paused") == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"until": "2001-01-01T00:00:00Z"}, "until must be in the future"),
        ({"until": "2099-01-01T00:00:00"}, "timezone"),
        ({"reason": "x" * 1001}, "reason must have at most 1000 characters"),
        ({"by": "eve"}, "unknown field `by`"),
    ],
)
async def test_a_wrong_pause_is_refused(web, now_s, redis_client, body, error):
    before = dump(redis_client)

    answer = await web.ask("POST", f"{QUEUES}/mail:pause", json=body)

    assert (answer.status_code, error in answer.json()["error"]) == (400, True)
    assert dump(redis_client) == before


@pytest.mark.parametrize(
    ("queue", "query", "status"),
    [
        ("идеи", "", 400),
        ("идеи", "?confirm=", 409),
        ("идеи", "?confirm=mail", 409),
        ("идеи", "?confirm=идеи", 204),
        ("empty", "", 204),
        ("mail", "?confirm=mail", 409),
        ("nowhere", "?confirm=nowhere", 404),
    ],
)
async def test_a_queue_is_deleted_with_its_tasks_if_its_name_is_confirmed(
    web, now_s, redis_client, queue, query, status
):
    before = dump(redis_client)

    answer = await web.ask("DELETE", f"{QUEUES}/{queue}{query}")

    assert answer.status_code == status, answer.text
    assert (await web.get(QUEUES))["queues"].count(queue) == (status in (400, 409))
    assert (dump(redis_client) == before) is (status != 204)


async def test_a_periodic_task_is_run_paused_and_resumed(make_web, now_s, redis_client, caplog):
    caplog.set_level("INFO", "pyasynq.admin")
    web = make_web(auth=lambda request: "ann")
    redis_client.hset("asynq:{orders}:x:tick:entry-1", mapping={"at": now_s - 60, "task": "t1"})

    run = await web.ask("POST", f"{ENTRIES}/entry-1:run")
    paused = await web.ask("POST", f"{ENTRIES}/entry-1:pause", json={"reason": "too many"})
    again = await web.ask("POST", f"{ENTRIES}/entry-1:pause", json={})
    found = (await web.get(ENTRIES))["entries"]
    resumed = await web.ask("POST", f"{ENTRIES}/entry-1:resume")
    of_go = await web.ask("POST", f"{ENTRIES}/entry-2:pause", json={})

    assert (run.json()["type"], run.json()["queue"]) == ("order:sweep", "orders")
    assert redis_client.lrange("asynq:{orders}:pending", 0, 0) == [run.json()["id"].encode()]
    statuses = [each.status_code for each in (run, paused, again, resumed, of_go)]
    assert statuses == [200, 204, 409, 204, 409]
    (entry,) = (each for each in found if each["id"] == "entry-1")
    assert entry["payload"] == "{}"
    assert (entry["is_paused"], entry["paused_by"], entry["pause_reason"]) == (
        True,
        "ann",
        "too many",
    )
    assert "run by ann from 127.0.0.1: done, scheduler entry 'entry-1'" in caplog.text


@pytest.mark.parametrize("act", ["run", "pause", "resume"])
async def test_an_entry_that_is_not_there_is_not_found(web, now_s, act):
    answer = await web.ask("POST", f"{ENTRIES}/no%2Fbody:{act}", json={})

    assert answer.status_code == 404
    assert "'no/body'" in answer.json()["error"]


async def test_more_than_the_payload_of_a_task_is_changed_at_once(web, now_s, redis_client):
    body = {
        "type": "email:late",
        "max_retry": 3,
        "timeout": 60,
        "retention": 3600.5,
        "headers": {"k": "v"},
        "deadline": "2099-01-01T00:00:00Z",
    }

    answer = await web.ask("POST", f"{TASKS}/retry-1:edit", json=body)
    task = await web.get(f"{TASKS}/retry-1")

    assert answer.status_code == 204
    assert task.items() >= {**body, "retention": 3601.0, "payload": '{"n": 1}'}.items()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"max_retry": -1}, "max_retry"),
        ({"type": " "}, "task type must not be blank"),
        ({"timeout": -1}, "timeout"),
        ({"deadline": "0001-01-01T00:00:00Z"}, "deadline"),
    ],
)
async def test_a_wrong_edit_is_refused(web, now_s, redis_client, body, error):
    before = dump(redis_client)

    answer = await web.ask("POST", f"{TASKS}/retry-1:edit", json=body)

    assert (answer.status_code, error in answer.json()["error"]) == (400, True)
    assert dump(redis_client) == before


async def test_a_page_of_tasks_comes_in_both_orders_with_what_cannot_be_read(
    web, now_s, redis_client
):
    redis_client.hset("asynq:{mail}:t:retry-3", "msg", b"\xff")

    oldest = await web.get(f"{TASKS}?state=retry&size=2")
    newest = await web.get(f"{TASKS}?state=retry&size=2&order=newest")
    second = await web.get(f"{TASKS}?state=aggregating&group=daily&size=2&page=2")

    assert [each["id"] for each in oldest["tasks"]] == ["retry-1", "retry-2"]
    assert [each["id"] for each in newest["tasks"]] == ["retry-2"]
    assert [(each["id"], each["state"]) for each in newest["damaged"]] == [("retry-3", "retry")]
    assert (oldest["total"], second["total"], len(second["tasks"])) == (3, 3, 1)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(("", 400), ("state=dead", 400), ("state=retry&size=0", 400), ("state=retry&page=x", 400)),
        *(("state=retry&order=up", 400), ("state=retry&group=a", 400)),
        *(("state=aggregating&group=%20", 400), ("state=aggregating&group=none", 200)),
    ],
)
async def test_a_wrong_page_of_tasks_is_refused(web, now_s, query, status):
    assert (await web.ask("GET", f"{TASKS}?{query}")).status_code == status


async def test_nobody_enqueues_unless_the_application_allows_it(web, redis_client):
    answer = await web.ask("POST", TASKS, json={"type": "a"})

    assert answer.status_code == 403
    assert "create_app(enqueue_enabled=True)" in answer.json()["error"]
    assert dump(redis_client) == {}


async def test_an_admin_enqueues_a_task_with_its_options(make_web, redis_client, caplog):
    caplog.set_level("INFO", "pyasynq.admin")
    web = make_web(enqueue_enabled=True)
    body = {
        "type": "email:send",
        "payload": '{"to": "é"}',
        "headers": {"k": "v"},
        "id": "7",
        "max_retry": 2,
        "process_in": 3600,
        "unique": 60,
    }

    made = await web.ask("POST", TASKS, json=body)
    again = await web.ask("POST", TASKS, json=body)

    assert (made.status_code, again.status_code) == (200, 409)
    assert (
        made.json().items() >= {"id": "7", "state": "scheduled", "payload": '{"to": "é"}'}.items()
    )
    stored = decode(redis_client.hget("asynq:{mail}:t:7", "msg"))
    assert (stored.retry, stored.headers) == (2, {"k": "v"})
    assert "enqueue by anybody from 127.0.0.1: done, task of type 'email:send'" in caplog.text
    assert "é" not in caplog.text


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "missing required field `type`"),
        ({"type": ""}, "task type must not be blank"),
        ({"type": "a", "payload": "x", "payload_base64": "eA=="}, "contradict each other"),
        ({"type": "a", "max_retry": -1}, "max_retry"),
        ({"type": "a", "process_in": 1, "process_at": "2099-01-01T00:00:00Z"}, "process_in"),
        ({"type": "a", "unique": 0.1}, "unique"),
        ({"type": "a", "group": " "}, "group"),
        ({"type": "a", "queue": "other"}, "unknown field `queue`"),
    ],
)
async def test_a_wrong_task_is_not_enqueued(make_web, redis_client, body, error):
    web = make_web(enqueue_enabled=True)

    answer = await web.ask("POST", TASKS, json=body)

    assert answer.status_code == 400
    assert error in answer.json()["error"]
    assert dump(redis_client) == {}


async def test_enqueueing_needs_the_role_admin_and_the_same_origin(make_web, redis_client):
    operator = make_web(enqueue_enabled=True, access="operate")
    admin = make_web(enqueue_enabled=True)

    refused = await operator.ask("POST", TASKS, json={"type": "a"})
    foreign = await admin.ask("POST", TASKS, json={"type": "a"}, headers={"Origin": "http://x"})
    good = await admin.ask("POST", TASKS, json={"type": "a"}, headers=SAME_ORIGIN)

    assert [each.status_code for each in (refused, foreign, good)] == [403, 403, 200]
