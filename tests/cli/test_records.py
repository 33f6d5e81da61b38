"""`pyasynq group`, `server` and `cron` as people and programs see them."""

import json
import time

import pytest

from pyasynq.wire.records import (
    EnqueueEventRecord,
    SchedulerEntryRecord,
    ServerRecord,
    WorkerRecord,
    encode_enqueue_event,
    encode_scheduler_entry,
    encode_server,
    encode_worker,
)
from tests.support.stored_tasks import FAR_S, PAST_S, store

SECOND = 1_000_000_000
DAYS = (9 * 86_400 + 5 * 3600 + 1800) * SECOND  # 9d 5h and as much as a slow test may take
SERVERS = """\
Host  PID  State   Active Workers  Queues       Started
----  ---  -----   --------------  ------       -------
box   7    active  1/10            top:6 low:1  9d 5h ago
"""
ENTRIES = """\
EntryID  Spec       Type   Payload  Options       Next      Prev
-------  ----       ----   -------  -------       ----      ----
e1       @every 1h  sweep  {"n":1}  Queue("low")  in 9d 5h  -
e2       @hourly    bin    0xff                   in 9d 5h  9d 5h ago
"""


@pytest.fixture
def now_ns():
    return time.time_ns()


@pytest.fixture
def server(redis_client, now_ns):
    key = "asynq:servers:{box:7:s1}"
    record = ServerRecord(
        host="box",
        pid=7,
        server_id="s1",
        concurrency=10,
        queues={"top": 6, "low": 1},
        status="active",
        started_ns=now_ns - DAYS,
        active_worker_count=1,
    )
    worker = WorkerRecord(
        host="box", pid=7, server_id="s1", task_id="a", task_type="bin", task_payload=b"\xff"
    )
    workers_key = "asynq:workers:{box:7:s1}"
    redis_client.zadd("asynq:servers", {key: FAR_S})
    redis_client.zadd("asynq:workers", {workers_key: FAR_S})
    redis_client.set(key, encode_server(record))
    redis_client.hset(workers_key, "a", encode_worker(worker))


@pytest.fixture
def scheduler(redis_client, now_ns):
    key = "asynq:schedulers:{box:7:c1}"
    first = SchedulerEntryRecord(
        id="e1",
        spec="@every 1h",
        task_type="sweep",
        task_payload=b'{"n":1}',
        enqueue_options=('Queue("low")',),
        next_enqueue_ns=now_ns + DAYS,
    )
    second = SchedulerEntryRecord(
        id="e2",
        spec="@hourly",
        task_type="bin",
        task_payload=b"\xff",
        next_enqueue_ns=now_ns + DAYS,
        previous_enqueue_ns=now_ns - DAYS,
    )
    redis_client.zadd("asynq:schedulers", {key: FAR_S})
    redis_client.rpush(key, *map(encode_scheduler_entry, (first, second)))
    event = EnqueueEventRecord(task_id="t1", enqueued_ns=PAST_S * SECOND)
    redis_client.zadd("asynq:scheduler_history:e1", {encode_enqueue_event(event): PAST_S})


def test_groups_are_listed_with_their_sizes(cli, redis_client):
    store(redis_client, "aggregating", "a", group="g")
    store(redis_client, "aggregating", "b", group="g")
    store(redis_client, "aggregating", "c", group="h")

    assert cli("group", "ls", "-q", "mail") == (
        0,
        "Group  Size\n-----  ----\ng      2\nh      1\n",
        "",
    )
    assert cli("group", "list", "-q", "mail", "--quiet").out == "g\nh\n"
    assert json.loads(cli("group", "ls", "-q", "mail", "-o", "json").out) == [
        {"group": "g", "size": 2},
        {"group": "h", "size": 1},
    ]


def test_no_groups_are_told_apart_from_no_queue(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail")

    assert cli("group", "ls", "-q", "mail") == (0, "", "No groups.\n")
    assert cli("group", "ls", "-q", "mal") == (
        3,
        "",
        "Error: queue 'mal' does not exist; did you mean 'mail'?\n",
    )


def test_servers_are_listed(cli, server):
    done = cli("server", "ls")
    (row,) = json.loads(cli("server", "list", "-o", "json").out)

    assert done == (0, SERVERS, "")
    assert (row["id"], row["queues"]) == ("s1", {"low": 1, "top": 6})
    assert row["active_workers"] == [
        {
            "task_id": "a",
            "task_type": "bin",
            "payload": None,
            "payload_base64": "/w==",
            "queue": "",
            "started_at": None,
            "deadline": None,
        }
    ]
    assert cli("server", "ls", "--quiet").out == "s1\n"


def test_entries_of_schedulers_are_listed(cli, scheduler):
    done = cli("cron", "ls", "--hex")
    first, second = json.loads(cli("cron", "list", "-o", "json").out)

    assert done == (0, ENTRIES, "")
    assert (first["id"], first["payload"], first["options"]) == (
        "e1",
        '{"n":1}',
        ['Queue("low")'],
    )
    assert (second["payload"], second["payload_base64"]) == (None, "/w==")
    assert cli("cron", "ls", "--quiet").out == "e1\ne2\n"


def test_the_history_of_an_entry_is_shown(cli, scheduler):
    done = cli("cron", "history", "e1", "e2")
    rows = json.loads(cli("cron", "history", "e1", "-o", "json").out)

    title, blank, headings, _dashes, row = done.out.splitlines()
    assert (title, blank, headings) == ("Entry: e1", "", "TaskID  EnqueuedAt")
    assert row.startswith("t1      ")
    assert row.endswith(" ago")
    assert done.err == "Entry e2 has enqueued nothing, or there is none.\n"
    assert rows == [{"entry_id": "e1", "task_id": "t1", "enqueued_at": "2001-09-09T01:46:40Z"}]


@pytest.mark.parametrize(
    ("noun", "told"), [("server", "No server is alive.\n"), ("cron", "No scheduler is alive.\n")]
)
def test_nobody_alive_is_no_error(cli, noun, told):
    assert cli(noun, "ls") == (0, "", told)
    assert cli(noun, "ls", "-o", "json") == (0, "[]\n", "")
