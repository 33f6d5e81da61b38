"""A shop as it stands in Redis at one moment: what the pictures of the guides show."""

from datetime import UTC, datetime

import redis

from pyasynq.inspector import pauses
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.progress import ProgressRecord
from pyasynq.wire.progress import encode as encode_progress
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
from tests.support.stored_tasks import store

NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
NOW_S = 2_000_000_000
SECOND = 10**9
LIVE_S = 3600  # how long servers and schedulers seem to be alive
TIMEOUTS = ("connect to smtp.example.com: timed out", "mailbox full: 452 4.2.2 over quota")


def fill(client: redis.Redis, now_s: int = NOW_S) -> None:
    """Store the shop as it is at a time."""
    for part in (_mail, _orders, _reports, _servers, _schedulers):
        part(client, now_s)
    for queue, processed, failed in (("mail", 8412, 37), ("orders", 1290, 2), ("reports", 48, 0)):
        keys = queue_keys(queue)
        client.set(keys.processed_on(now_s), processed)
        client.set(keys.failed_on(now_s), failed)


def task_id(number: int) -> str:
    return f"{number * 2654435761 % 2**32:08x}-5f0c-4d1e-9a77-{number:012x}"


def _mail(client: redis.Redis, now_s: int) -> None:
    for number in range(140):
        payload = b'{"user_id": %d, "template": "spring"}' % (4100 + number)
        store(client, "pending", task_id(number), type="email:newsletter", payload=payload)
    client.hset(queue_keys("mail").task(task_id(0)), "pending_since", (now_s - 95) * SECOND)
    for number in range(200, 203):
        fields = {"type": "email:welcome", "payload": b'{"user_id": %d}' % number, "timeout": 30}
        store(client, "active", task_id(number), score=now_s + 25, **fields)
    for number in range(300, 309):
        store(
            client,
            "retry",
            task_id(number),
            score=now_s + 40 * (number - 299),
            type="email:receipt",
            retried=1 + number % 3,
            retry=10,
            error_msg=TIMEOUTS[number % 2],
            last_failed_at=now_s - 70 * (number - 299),
        )
    for number in range(400, 428):
        store(
            client,
            "archived",
            task_id(number),
            score=now_s - 600 * (number - 399),
            type="email:receipt" if number % 3 else "email:welcome",
            payload=b'{"user_id":%d,"order":{"id":"A-%d","total":49.9,"currency":"EUR"}}'
            % (number, 7000 + number),
            headers={"trace": f"4bf92f35-{number}", "tenant": "north"},
            retried=10,
            retry=10,
            error_msg=TIMEOUTS[number % 2],
            last_failed_at=now_s - 600 * (number - 399),
        )
    for group, size in (("digest:ann", 4), ("digest:bob", 11)):
        for number in range(size):
            fields = {"group": group, "score": now_s - 50 * (size - number), "type": "email:digest"}
            store(client, "aggregating", f"{group}-{number}", **fields)


def _orders(client: redis.Redis, now_s: int) -> None:
    for number in range(500, 506):
        store(client, "pending", task_id(number), queue="orders", type="order:ship")
    store(
        client,
        "active",
        task_id(510),
        queue="orders",
        score=now_s + 20,
        type="order:import",
        payload=b'{"file":"orders-2033-05-18.csv"}',
        retry=3,
        timeout=600,
    )
    progress = ProgressRecord(
        done=1840, total=2600, note="line 1840", attempt=1, at_ns=(now_s - 2) * SECOND
    )
    key = queue_keys("orders").task(task_id(510))
    client.hset(key, "progress", encode_progress(progress))
    store(client, "active", task_id(511), queue="orders", score=now_s - 90, type="order:ship")
    for number in range(520, 532):
        due = now_s + 900 * (number - 519)
        store(client, "scheduled", task_id(number), queue="orders", score=due, type="order:remind")
    for number in range(540, 560):
        fields = {"type": "order:ship", "retention": 86_400, "completed_at": now_s - 30}
        shipped = b'{"parcel":"DE%d"}' % number
        store(client, "completed", task_id(number), queue="orders", result=shipped, **fields)


def _reports(client: redis.Redis, now_s: int) -> None:
    for number in range(600, 604):
        store(client, "pending", task_id(number), queue="reports", type="report:monthly")
    since_s = now_s - 7300
    keys = queue_keys("reports")
    details = pauses.PauseDetails(by="ann", reason="the warehouse moves")
    client.set(keys.paused, since_s)
    client.set(keys.pause_details, pauses.encode(details, since_s))


def _servers(client: redis.Redis, now_s: int) -> None:
    running = [
        ("mail", "email:welcome", b'{"user_id": %d}' % number, task_id(number), 3)
        for number in range(200, 203)
    ]
    imported = b'{"file":"orders-2033-05-18.csv"}'
    running.append(("orders", "order:import", imported, task_id(510), 192))
    for host, pid, slots, mine in (("web-1", 4117, 10, running), ("web-2", 4209, 10, [])):
        name = f"{{{host}:{pid}:{host}}}"
        record = ServerRecord(
            host=host,
            pid=pid,
            server_id=host,
            concurrency=slots,
            queues={"mail": 3, "orders": 6},
            status="active",
            started_ns=(now_s - 93_600) * SECOND,
            active_worker_count=len(mine),
        )
        client.zadd("asynq:servers", {f"asynq:servers:{name}": now_s + LIVE_S})
        client.set(f"asynq:servers:{name}", encode_server(record))
        client.zadd("asynq:workers", {f"asynq:workers:{name}": now_s + LIVE_S})
        for queue, task_type, payload, each, age_s in mine:
            worker = WorkerRecord(
                host=host,
                pid=pid,
                server_id=host,
                task_id=each,
                task_type=task_type,
                task_payload=payload,
                queue=queue,
                started_ns=(now_s - age_s) * SECOND,
                deadline_ns=(now_s - age_s + 600) * SECOND,
            )
            client.hset(f"asynq:workers:{name}", each, encode_worker(worker))


def _schedulers(client: redis.Redis, now_s: int) -> None:
    entries = [
        SchedulerEntryRecord(
            id=task_id(number),
            spec=spec,
            task_type=task_type,
            task_payload=b"{}",
            enqueue_options=(f'Queue("{queue}")',),
            next_enqueue_ns=(now_s + due_s) * SECOND,
            previous_enqueue_ns=(now_s - ago_s) * SECOND,
        )
        for number, spec, task_type, queue, due_s, ago_s in (
            (700, "*/5 * * * *", "order:sweep", "orders", 100, 200),
            (701, "0 6 1 * *", "report:monthly", "reports", 1_218_400, 1_459_600),
            (702, "@every 1h", "email:digest", "mail", 1_240, 2_360),
        )
    ]
    client.zadd("asynq:schedulers", {"asynq:schedulers:{shop}": now_s + LIVE_S})
    client.rpush("asynq:schedulers:{shop}", *map(encode_scheduler_entry, entries))
    for number in range(12):
        at_s = now_s - 200 - 300 * number
        event = EnqueueEventRecord(task_id=task_id(800 + number), enqueued_ns=at_s * SECOND)
        name = f"asynq:scheduler_history:{task_id(700)}"
        client.zadd(name, {encode_enqueue_event(event): at_s})
