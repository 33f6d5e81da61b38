"""The Redis that pages show here and in pictures: a shop, and for tests tasks with odd names."""

import json
import time
from math import sin

import redis

from pyasynq.wire.keys import queue_keys
from pyasynq.wire.records import SchedulerEntryRecord, encode_scheduler_entry
from pyasynq.wire.type_counts import TypeCountsRecord, encode
from tests.support import shop
from tests.support.stored_tasks import store

DAY_S = 86_400
STATES = ("active", "pending", "scheduled", "retry", "archived", "completed", "aggregating")
HISTORY = {"mail": (8400, 40), "orders": (1300, 3), "reports": (50, 0), "images": (2600, 110)}
HANDLED = "asynq:x:handled:{{{host}}}"
SERVERS = {
    "web-1:4117:web-1": ["email:newsletter", "email:receipt", "email:welcome"],
    "web-2:4209:web-2": ["email:receipt", "order:import", "order:ship"],
}
# Queue, type, attempts a minute, failures a minute, and how long the most run and wait, as buckets.
TYPES = (
    ("mail", "email:newsletter", 90, 1, 38, 66),
    ("mail", "email:receipt", 24, 3, 41, 40),
    ("mail", "email:welcome", 6, 0, 36, 38),
    ("orders", "order:ship", 18, 0, 30, 29),
    ("orders", "order:import", 1, 0, 88, 33),
)
MINUTE_S, MINUTES = 60, 61
FAILURES = (
    ("image:thumbnail", "cannot identify image file 'upload-{}.heic'"),
    ("image:thumbnail", "decompression bomb: {} pixels"),
    ("image:upload", "PUT https://media.example.com/{}: 503 Service Unavailable"),
)

USUAL = {
    "queue": "mail",
    "task_id": shop.task_id(400),
    "group": "digest:ann",
    "entry_id": shop.task_id(700),
    "type": "email:receipt",
}
NAME = """<img src=x onerror=alert(1)>"' && {{7*7}} ../%2e%2e/?a=b#c 日本語 \u202eabc\x1b[2J """
ODD = {
    "queue": NAME + "q" * 150,
    "task_id": NAME + "t" * 700,
    "group": NAME + "g" * 300,
    "entry_id": NAME + "s" * 300,
    "type": NAME + "y" * 200,
}


def fill(client: redis.Redis, now_s: int | None = None) -> int:
    """Store the shop with the history of its days; returns when that is."""
    now_s = now_s or int(time.time())
    with client.pipeline(transaction=False) as pipeline:
        shop.fill(pipeline, now_s)
        _images(pipeline, now_s)
        _days(pipeline, now_s)
        _types(pipeline, now_s)
        pipeline.execute()
    return now_s


def fill_odd(client: redis.Redis, now_s: int) -> None:
    """Store tasks of every state whose every part is odd and long."""
    for state in STATES:
        name = ODD["task_id"] if state == "retry" else f"{NAME}{state}"
        store(
            client,
            state,
            name,
            queue=ODD["queue"],
            type=ODD["type"],
            group=ODD["group"] if state == "aggregating" else "",
            payload=f'{{"{NAME[:20]!a}": "{"p" * 900}"}}'.encode(),
            headers={NAME: "h" * 300},
            error_msg=f"{NAME}{'e' * 500}\nTraceback {'_' * 300}",
            last_failed_at=2**53,
            retried=2**31 - 1,
            retry=2**31 - 1,
            timeout=2**40,
            score=now_s + 2**33,
            result=b"\xff\x00" * 300,
        )
    entry = SchedulerEntryRecord(
        id=ODD["entry_id"],
        spec=f"@every {'9' * 300}h",
        task_type=ODD["type"],
        task_payload=b"\xff" * 300,
        enqueue_options=(f'Queue("{"o" * 300}")',),
        next_enqueue_ns=now_s * 10**9,
        previous_enqueue_ns=None,
    )
    client.rpush("asynq:schedulers:{shop}", encode_scheduler_entry(entry))


def _images(client: redis.Redis, now_s: int) -> None:
    for number in range(900, 917):
        task_type, error = FAILURES[number % 3]
        store(
            client,
            "archived" if number % 4 else "retry",
            shop.task_id(number),
            queue="images",
            score=now_s - 420 * (number - 899) if number % 4 else now_s + 60 * (number - 899),
            type=task_type,
            payload=b'{"path": "upload-%d.heic", "width": 640}' % number,
            retried=5,
            retry=5 if number % 4 else 25,
            error_msg=error.format(number * 7),
            last_failed_at=now_s - 420 * (number - 899),
        )
    for number in range(930, 996):
        fields = {"type": "image:thumbnail", "payload": b'{"path": "%d.jpg"}' % number}
        store(client, "pending", shop.task_id(number), queue="images", **fields)


def _days(client: redis.Redis, now_s: int) -> None:
    """Count what each day has processed: fewer at weekends, and a bad day a week ago."""
    for queue, (processed, failed) in HISTORY.items():
        keys = queue_keys(queue)
        for days in range(90):
            at_s = now_s - days * DAY_S
            is_weekend = (at_s // DAY_S + 4) % 7 in (0, 6)
            share = (0.35 if is_weekend else 1) * (0.9 + 0.1 * sin(days)) * (1 - days / 300)
            worse = 6 if days == 7 else 1
            client.set(keys.processed_on(at_s), int(processed * share * (0.6 if not days else 1)))
            client.set(keys.failed_on(at_s), int(failed * share * worse))


def _types(client: redis.Redis, now_s: int) -> None:
    """Count what was done of each type in the last hour, more and less as time goes by."""
    for server, patterns in SERVERS.items():
        client.set(HANDLED.format(host=server), json.dumps({"types": patterns}))
    for queue, task_type, attempts, failures, run, wait in TYPES:
        keys = queue_keys(queue)
        minutes = {}
        for ago in range(1, MINUTES):
            count = max(1, int(attempts * (1 + 0.4 * sin(ago / 5))))
            slow = min(count - 1, max(1, count // 8))
            record = TypeCountsRecord(
                count=count,
                failures=failures * (3 if 20 < ago < 26 else 1),
                run={str(run): count - slow, str(run + 9): slow},
                wait={str(wait): count - slow, str(wait + 6): slow},
            )
            minutes[now_s // MINUTE_S - ago] = encode(record)
        client.zadd(keys.types, {task_type: now_s // MINUTE_S - 1})
        client.hset(keys.type_counts(task_type), mapping=minutes)
