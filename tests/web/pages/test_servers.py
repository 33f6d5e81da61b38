"""The page of servers, and what they run."""

import json
import re

from pyasynq.wire.records import ServerRecord, WorkerRecord, encode_server, encode_worker
from tests.support import hostile


def add_server(client, now_s, *, host="web-9", status="active", handled=None, running=()):
    """Store a server that is alive, and what it runs."""
    key = f"asynq:servers:{{{host}:9:{host}}}"
    record = ServerRecord(
        host=host,
        pid=9,
        server_id=host,
        concurrency=4,
        queues={"mail": 1},
        strict_priority=False,
        status=status,
        started_ns=now_s * 10**9,
        active_worker_count=len(running),
    )
    client.zadd("asynq:servers", {key: now_s + 1000})
    client.set(key, encode_server(record))
    if handled is not None:
        client.set(key.replace(":servers:", ":x:handled:"), handled)
    for task_id, task_type, payload in running:
        worker = WorkerRecord(
            host=host,
            pid=9,
            server_id=host,
            task_id=task_id,
            task_type=task_type,
            task_payload=payload,
            queue="mail",
            started_ns=(now_s - 60) * 10**9,
            deadline_ns=(now_s - 30) * 10**9,
        )
        workers = key.replace(":servers:", ":workers:")
        client.zadd("asynq:workers", {workers: now_s + 1000})
        client.hset(workers, task_id, encode_worker(worker))


async def test_it_shows_every_server_and_what_it_runs(web, now_s):
    page = await web.page("/servers")

    assert "2 servers · 2 of 20 slots taken" in page
    assert re.search(r'<th scope="row"[^>]*>web-1:4117</th>', page)
    assert '<a href="/queues/mail/tasks/active-1">active-1</a>' in page
    assert '<a href="/queues/orders">orders</a>: 6, <a href="/queues/mail">mail</a>: 3' in page
    assert "2 / 10" in page
    assert "Strict: a queue waits" in page


async def test_it_tells_what_a_server_handles_if_that_is_published(web, now_s, redis_client):
    add_server(redis_client, now_s, handled=b'{"types":["email:*","report"]}')

    page = await web.page("/servers?sort=-host")

    assert '<a href="/types/email%3A%2A"><code>email:*</code></a>' in page
    assert page.index("<dd>pyasynq</dd>") < page.index("Go Asynq, or one that does not tell")


async def test_a_server_that_stops_and_a_task_past_its_deadline_are_marked(
    web, now_s, redis_client
):
    add_server(redis_client, now_s, status="stopped", running=[("late", "report", b"{}")])

    page = await web.page("/servers")

    assert "Stopping" in page
    assert page.count("past its deadline") == 1


async def test_servers_are_sorted_by_what_they_run(web, now_s):
    most, least = await web.page("/servers?sort=-active"), await web.page("/servers?sort=active")

    assert most.index("web-1:4117<") < most.index("web-2:42<")
    assert least.index("web-2:42<") < least.index("web-1:4117<")


async def test_without_a_server_it_teaches_how_to_start_one(web):
    page = await web.page("/servers")

    assert "No server is alive" in page
    assert "pyasynq worker" in page


async def test_hostile_names_and_payloads_are_shown_as_text(web, now_s, redis_client):
    for text in hostile.VECTORS:
        add_server(
            redis_client,
            now_s,
            host=text,
            status=text,
            handled=json.dumps({"types": [text]}).encode(),
            running=[(text, text, text.encode())],
        )

    page = await web.page("/servers")

    assert f"{len(hostile.VECTORS) + 2} servers" in page
    assert hostile.faults(page) == []


async def test_what_is_to_be_hidden_is_hidden_in_payloads_that_run(make_web, now_s):
    web = make_web(redactor=lambda _name, _data: b"hidden!")

    assert "hidden!" in await web.page("/servers")
