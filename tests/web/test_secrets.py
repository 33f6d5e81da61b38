"""With a redactor, what is hidden stands in no answer, and no filter finds it."""

import asyncio
import hashlib
import json
import time

import pytest

from pyasynq.admin.redaction import SecretWords
from pyasynq.web.formatting import Formatters
from pyasynq.web.table import endpoints
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.progress import ProgressRecord, encode
from pyasynq.wire.records import (
    SchedulerEntryRecord,
    ServerRecord,
    WorkerRecord,
    encode_scheduler_entry,
    encode_server,
    encode_worker,
)
from tests.support.stored_tasks import store
from tests.support.web import path_of

SECRET = "zebra"
PAYLOAD = b'{"password":"hunter2zebra","user":7}'
LOCK = hashlib.md5(PAYLOAD, usedforsecurity=False).hexdigest()
STATES = ("active", "pending", "scheduled", "retry", "archived", "completed", "aggregating")
STREAMS = "/events"
GUESSES = (
    "hunter2z",
    "payload~hunter2z",
    'payload~"hunter2zebra"',
    "payload.password=hunter2zebra",
    "payload.password:hunter2z*",
    "payload.password~hunter2z",
    'payload.password>"hunter2y"',
    "result~rzebra",
    "result.token=rzebra",
    "error~ezebra",
    'error:"*ezebra*"',
    "headers.authorization~hzebra",
    'headers.authorization="Bearer hzebra"',
    f"size={len(PAYLOAD)}",
)


@pytest.fixture
def guarded(make_web, redis_client):
    """Tasks in all states, a server and a scheduler, all with secrets, behind a redactor."""
    now_s = int(time.time())
    keys = queue_keys("mail")
    for state in STATES:
        store(
            redis_client,
            state,
            f"{state}-1",
            group="daily" if state == "aggregating" else "",
            score=now_s + 60,
            type="email",
            payload=PAYLOAD,
            headers={"authorization": "Bearer hzebra"},
            error_msg="login failed: password=ezebra",
            last_failed_at=now_s - 60,
            completed_at=now_s - 60 if state == "completed" else 0,
            retention=7200,
            unique_key=f"asynq:{{mail}}:unique:email:{LOCK}",
            result=b'{"token":"rzebra"}',
        )
        note = ProgressRecord(done=1, total=4, note="token=nzebra", attempt=1, at_ns=now_s * 10**9)
        redis_client.hset(keys.task(f"{state}-1"), "progress", encode(note))
    _server(redis_client, now_s)
    _scheduler(redis_client, now_s)
    return make_web(redactor=SecretWords())


def _server(client, now_s):
    name = "{web-1:4117:web-1}"
    server = ServerRecord(
        host="web-1",
        pid=4117,
        server_id="web-1",
        concurrency=10,
        queues={"mail": 1},
        strict_priority=False,
        status="active",
        started_ns=now_s * 10**9,
        active_worker_count=1,
    )
    worker = WorkerRecord(
        host="web-1",
        pid=4117,
        server_id="web-1",
        task_id="active-1",
        task_type="email",
        task_payload=PAYLOAD,
        queue="mail",
        started_ns=now_s * 10**9,
        deadline_ns=(now_s + 600) * 10**9,
    )
    client.zadd("asynq:servers", {f"asynq:servers:{name}": now_s + 1000})
    client.set(f"asynq:servers:{name}", encode_server(server))
    client.zadd("asynq:workers", {f"asynq:workers:{name}": now_s + 1000})
    client.hset(f"asynq:workers:{name}", "active-1", encode_worker(worker))


def _scheduler(client, now_s):
    entry = SchedulerEntryRecord(
        id="entry-1",
        spec="@every 1h",
        task_type="sweep",
        task_payload=PAYLOAD,
        enqueue_options=(
            'Queue("mail")',
            "Header([password=0zebra])",
            'TaskID("token=tzebra")',
            'Group("secret: gzebra")',
            "Odd(token=ozebra)",
            "MaxRetry(5) token=mzebra",
            'TaskID("a") token=azebra)',
        ),
        next_enqueue_ns=(now_s + 100) * 10**9,
        previous_enqueue_ns=None,
    )
    client.zadd("asynq:schedulers", {"asynq:schedulers:{shop}": now_s + 1000})
    client.rpush("asynq:schedulers:{shop}", encode_scheduler_entry(entry))


def readable():
    return sorted(
        each.path
        for each in endpoints(Formatters())
        if each.method == "GET" and not each.path.endswith(STREAMS)
    )


@pytest.mark.parametrize("path", readable())
async def test_no_answer_holds_what_is_hidden(guarded, path):
    named = [f"{state}-1" for state in STATES] if "{task_id}" in path else ["nobody"]
    queries = [""]
    if path in ("/queues/{queue}", "/api/x/queues/{queue}/tasks"):
        queries = [f"?status={state}&state={state}" for state in STATES]

    for task_id in named:
        for query in queries:
            answer = await guarded.ask("GET", path_of(path, task_id=task_id) + query)

            assert SECRET not in answer.text, (task_id, query)
            assert LOCK not in answer.text, (task_id, query)


@pytest.mark.parametrize("query", GUESSES)
async def test_no_filter_finds_what_is_hidden(guarded, query):
    wanted = {"verb": "archive", "query": query}

    found = await guarded.get("/api/x/search", params={"query": query})
    errors = await guarded.get("/api/x/errors", params={"query": query})
    exported = await guarded.ask("GET", "/api/x/export", params={"query": query})
    preview = await guarded.ask("POST", "/api/x/jobs:preview", json=wanted)
    page = await guarded.page("/tasks", params={"query": query})

    assert found["tasks"] == []
    assert errors["groups"] == []
    assert exported.text == ""
    assert preview.json()["count"] == 0
    assert "archived-1" not in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("payload~password", 7),
        ("payload.user=7", 7),
        ('payload.password="[hidden]"', 7),
        ("error~login", 7),
        ("state:completed result~token", 1),
        ("id:retry-1", 1),
        ("type:email", 7),
        ("!payload~hunter2z", 7),
    ],
)
async def test_what_may_be_shown_is_found(guarded, query, count):
    found = await guarded.get("/api/x/search", params={"query": query})

    assert len(found["tasks"]) == count


async def test_a_job_changes_nothing_that_only_its_secret_would_find(guarded):
    wanted = {"verb": "archive", "query": "payload~hunter2z"}

    job = (await guarded.ask("POST", "/api/x/jobs", json=wanted)).json()
    async with asyncio.timeout(10):
        while job["state"] in ("waiting", "running"):
            await asyncio.sleep(0)
            job = await guarded.get(f"/api/x/jobs/{job['id']}")

    assert (job["state"], job["done"]) == ("done", 0)


async def test_fingerprints_are_those_of_what_is_shown(guarded, redis_client):
    store(redis_client, "archived", "other", type="email", error_msg="login failed: password=other")

    groups = (await guarded.get("/api/x/errors"))["groups"]
    found = await guarded.get(
        "/api/x/search", params={"query": f"state:archived fingerprint={groups[0]['fingerprint']}"}
    )

    assert [each["count"] for each in groups] == [3]
    assert len(found["tasks"]) == 2


async def test_an_entry_that_cannot_be_run_is_refused_without_its_secrets(guarded):
    answer = await guarded.ask("POST", "/api/x/scheduler_entries/entry-1:run", json={})

    assert answer.status_code == 409
    assert SECRET not in json.dumps(answer.json())
