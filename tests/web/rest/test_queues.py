"""Queues, in asynqmon's shapes."""

import json

import pytest

from pyasynq.wire.keys import queue_keys
from tests.support.stored_tasks import store

COUNTS = {
    "size": 21,
    "groups": 1,
    "active": 3,
    "pending": 3,
    "aggregating": 3,
    "scheduled": 3,
    "retry": 3,
    "archived": 3,
    "completed": 3,
    "processed": 40,
    "succeeded": 37,
    "failed": 3,
    "paused": False,
}


async def test_all_queues_are_listed_with_their_counts(web, now_s):
    queues = {each["queue"]: each for each in (await web.get("/api/queues"))["queues"]}

    assert sorted(queues) == ["empty", "mail", "orders", "идеи"]
    assert queues["mail"].items() >= COUNTS.items()
    assert (queues["orders"]["paused"], queues["empty"]["size"]) == (True, 0)
    assert queues["mail"]["memory_usage_bytes"] > 1000
    assert queues["mail"]["latency_msec"] >= 95_000
    assert queues["mail"]["display_latency"].startswith("1m3")
    assert queues["empty"]["display_latency"] == "0s"


async def test_no_queue_is_an_empty_list(web):
    assert await web.get("/api/queues") == {"queues": []}


async def test_a_queue_that_cannot_be_read_hides_no_other(web, redis_client):
    store(redis_client, "pending", "a", queue="good")
    store(redis_client, "pending", "a", queue="bad")
    redis_client.delete("asynq:{bad}:pending")
    redis_client.set("asynq:{bad}:pending", "no list")

    bad, good = (await web.get("/api/queues"))["queues"]

    assert (good["queue"], good["pending"], "error" in good) == ("good", 1, False)
    assert (bad["queue"], bad["pending"]) == ("bad", 0)
    assert "wrong type: asynq:{bad}:pending" in bad["error"]


async def test_a_queue_comes_with_ten_days_and_all_queues_with_ninety(web, now_s):
    one = await web.get("/api/queues/mail")
    every = (await web.get("/api/queue_stats"))["stats"]

    today, yesterday, *_, last = one["history"]
    assert len(one["history"]) == 10
    assert one["current"]["queue"] == "mail"
    assert (today["processed"], today["succeeded"], today["failed"]) == (40, 37, 3)
    assert (yesterday["processed"], last["failed"]) == (500, 7)
    assert set(every) == {"mail", "orders", "empty", "идеи"}
    assert [len(days) for days in every.values()] == [90] * 4
    assert every["mail"][:10] == one["history"]


async def test_a_day_that_cannot_be_read_hides_no_other(web, redis_client, now_s):
    key = queue_keys("orders").processed_on(now_s)
    redis_client.delete(key)
    redis_client.lpush(key, "no number")

    every = (await web.get("/api/queue_stats"))["stats"]

    assert (every["orders"][0]["processed"], every["orders"][1]["processed"]) == (0, 500)
    assert every["mail"][0]["processed"] == 40


async def test_groups_have_their_sizes(web, now_s):
    found = await web.get("/api/queues/mail/groups")

    assert found["groups"] == [{"group": "daily", "size": 3}]
    assert found["stats"]["queue"] == "mail"


async def test_pausing_and_resuming_is_what_workers_see(make_web, redis_client, now_s):
    web = make_web()

    paused = await web.ask("POST", "/api/queues/mail:pause")
    again = await web.ask("POST", "/api/queues/mail:pause")
    is_paused = redis_client.exists(queue_keys("mail").paused)
    resumed = await web.ask("POST", "/api/queues/mail:resume")
    not_paused = await web.ask("POST", "/api/queues/mail:resume")

    assert (paused.status_code, paused.content, again.status_code) == (204, b"", 409)
    assert is_paused
    assert (resumed.status_code, not_paused.status_code) == (204, 409)
    assert not redis_client.exists(queue_keys("mail").paused)


async def test_only_an_empty_queue_is_deleted(web, redis_client, now_s):
    full = await web.ask("DELETE", "/api/queues/mail")
    empty = await web.ask("DELETE", "/api/queues/empty")

    assert (full.status_code, empty.status_code) == (400, 204)
    assert full.text == "queue 'mail' is not empty (21 tasks); delete its tasks first\n"
    assert redis_client.smembers("asynq:queues") == {b"mail", b"orders", "идеи".encode()}


@pytest.mark.parametrize(
    "queue", ["a/b", "50%", "a%2Fb", "a:pause", "идеи", "a b", "%", "?#&", ".."]
)
async def test_a_queue_with_any_name_can_be_asked_for(web, redis_client, queue):
    store(redis_client, "pending", queue, queue=queue)
    name = "".join(f"%{each:02X}" for each in queue.encode())

    one = await web.get(f"/api/queues/{name}")
    task = await web.get(f"/api/queues/{name}/tasks/{name}")

    assert one["current"]["queue"] == queue
    assert (task["queue"], task["id"]) == (queue, queue)


async def test_answers_are_json_that_no_browser_takes_for_a_page(web, redis_client):
    store(redis_client, "pending", "a", type="<script>&", payload=b"<b>")

    answer = await web.ask("GET", "/api/queues/mail/tasks/a")

    assert answer.headers["content-type"] == "application/json"
    assert b"<" not in answer.content
    assert rb"\u003cscript\u003e\u0026" in answer.content
    assert answer.content.endswith(b"}\n")
    assert json.loads(answer.content)["type"] == "<script>&"
