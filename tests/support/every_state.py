"""Tasks in every state, servers, schedulers and counters, as they stand in Redis at one moment."""

import redis

from pyasynq.wire.keys import queue_keys
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

SECOND = 10**9
DAY = 86_400
QUEUES = ("mail", "orders", "empty", "идеи")
STATES = ("active", "pending", "scheduled", "retry", "archived", "completed", "aggregating")


def fill(client: redis.Redis, now_s: int) -> None:
    """Store everything; each state of "mail" has three tasks, those of "orders" one."""
    with client.pipeline(transaction=False) as pipeline:
        _fill(pipeline, now_s)
        pipeline.execute()


def _fill(client: redis.Redis, now_s: int) -> None:
    for queue, count in (("mail", 3), ("orders", 1)):
        for state in STATES:
            for number in range(1, count + 1):
                _task(client, queue, state, number, now_s)
        keys = queue_keys(queue)
        for days, processed, failed in ((0, 40, 3), (1, 500, 20), (9, 7, 7)):
            client.set(keys.processed_on(now_s - days * DAY), processed)
            client.set(keys.failed_on(now_s - days * DAY), failed)
    client.hset(queue_keys("mail").task("pending-1"), "pending_since", (now_s - 95) * SECOND)
    client.sadd("asynq:queues", "empty")
    store(client, "pending", "идея-1", queue="идеи", type="idea:<b>&", payload='{"é":1}'.encode())
    client.set(queue_keys("orders").paused, now_s - 60)
    _servers(client, now_s)
    _schedulers(client, now_s)


def _task(client: redis.Redis, queue: str, state: str, number: int, now_s: int) -> None:
    scores = {
        "active": now_s + 25 if number < 3 else now_s - 90,
        "scheduled": now_s + 3600 * number,
        "retry": now_s + 900 * number,
        "archived": now_s - 600 * number,
        "completed": now_s + 7200 - number,
        "aggregating": now_s - number,
    }
    failed = state in ("retry", "archived")
    store(
        client,
        state,
        f"{state}-{number}",
        queue=queue,
        group="daily" if state == "aggregating" else "",
        score=scores.get(state, 0),
        type=f"email:{state}",
        payload=(b'{"n": %d}' % number, b"\x00\xff", b"x" * 300)[number - 1],
        retry=25,
        retried=number if failed else 0,
        error_msg=f"mailbox <full>: {number} over quota" if failed else "",
        last_failed_at=now_s - 600 * number if failed else 0,
        timeout=1800 if number == 1 else 0,
        deadline=now_s + 4 * 3600 if number == 2 else 0,
        retention=7200 if state == "completed" else 0,
        completed_at=now_s - number if state == "completed" else 0,
        result=b'{"ok":true}' if state == "completed" and number != 2 else b"",
    )
    if state == "aggregating":  # asynq v0.26 rdb.go addToGroupCmd: scripts of Go need it
        client.hset(queue_keys(queue).task(f"{state}-{number}"), "group", "daily")


def _servers(client: redis.Redis, now_s: int) -> None:
    for host, pid, running in (("web-1", 4117, ("active-1", "active-2")), ("web-2", 42, ())):
        name = f"{{{host}:{pid}:{host}}}"
        record = ServerRecord(
            host=host,
            pid=pid,
            server_id=host,
            concurrency=10,
            queues={"mail": 3, "orders": 6},
            strict_priority=bool(running),
            status="active",
            started_ns=(now_s - 93_600) * SECOND,
            active_worker_count=len(running),
        )
        client.zadd("asynq:servers", {f"asynq:servers:{name}": now_s + 1000})
        client.set(f"asynq:servers:{name}", encode_server(record))
        client.zadd("asynq:workers", {f"asynq:workers:{name}": now_s + 1000})
        for task_id in running:
            worker = WorkerRecord(
                host=host,
                pid=pid,
                server_id=host,
                task_id=task_id,
                task_type="email:active",
                task_payload=b'{"n": 1}',
                queue="mail",
                started_ns=(now_s - 5) * SECOND,
                deadline_ns=(now_s + 600) * SECOND,
            )
            client.hset(f"asynq:workers:{name}", task_id, encode_worker(worker))


def _schedulers(client: redis.Redis, now_s: int) -> None:
    entries = [
        SchedulerEntryRecord(
            id=f"entry-{number}",
            spec=spec,
            task_type="order:sweep",
            task_payload=b"{}",
            enqueue_options=options,
            next_enqueue_ns=(now_s + 100) * SECOND,
            previous_enqueue_ns=previous_ns,
        )
        for number, spec, options, previous_ns in (
            (1, "*/5 * * * *", ('Queue("orders")', "MaxRetry(5)", "Timeout(30s)"), now_s * SECOND),
            (2, "@every 1h", (), None),
        )
    ]
    client.zadd("asynq:schedulers", {"asynq:schedulers:{shop}": now_s + 1000})
    client.rpush("asynq:schedulers:{shop}", *map(encode_scheduler_entry, entries))
    for number in range(25):
        event = EnqueueEventRecord(
            task_id=f"swept-{number}", enqueued_ns=(now_s - number * 300) * SECOND
        )
        client.zadd(
            "asynq:scheduler_history:entry-1", {encode_enqueue_event(event): now_s - number * 300}
        )
