"""Stores attempts of tasks and statistics of types, as workers that keep them do."""

from pyasynq.broker.operations import attempts, type_counts
from pyasynq.broker.operations.attempts import StoredAttempt
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock, redis_now_s
from pyasynq.connection.connector import Connector
from pyasynq.wire.attempts import AttemptRecord, encode
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.type_counts import TypeCountsRecord

S = 1_000_000_000
START_NS = 2_000_000_000 * S
ATTEMPT = AttemptRecord(
    number=1,
    outcome="failed",
    then="retried",
    started_ns=START_NS,
    ended_ns=START_NS + S // 4,
    waited_ns=S,
    error="ValueError: <b>password=hunter2</b>",
    traceback='Traceback:\n  open("redis://ann:hunter2@db")',
    worker="host:41:6f1c",
)


def run(redis_url, *operations):
    """Run operations; return their results."""
    runner = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())
    try:
        return [runner.run(each) for each in operations]
    finally:
        runner.close()


def keep_attempt(redis_url, redis_client, task_id="a", record=ATTEMPT, *, queue="mail"):
    """Store an attempt of a task, which need not exist."""
    redis_client.sadd("asynq:queues", queue)
    at_us = (record.started_ns or record.ended_ns) // 1000
    stored = StoredAttempt(
        task_id=task_id, at_us=at_us, ends_at_s=START_NS // S + 60, data=encode(record)
    )
    operation = attempts.record_attempts(
        queue_keys(queue), [stored], kept=20, most_histories=9, now_s=START_NS // S
    )
    run(redis_url, operation)


def count_type(redis_url, redis_client, task_type="email:welcome", *, queue="mail"):
    """Count a type in the last minute that is over: 4 attempts, of which one failed."""
    redis_client.sadd("asynq:queues", queue)
    minute = redis_now_s(SystemClock()) // 60 - 1
    counts = TypeCountsRecord(count=4, failures=1, run={"14": 4}, wait={"0": 3})
    run(redis_url, type_counts.count_types(queue_keys(queue), minute, {task_type: counts}))
