"""Replays recorded broker operations of Go Asynq: loads a state, calls ours, compares.

The format is that of tests/golden/operations.json: README.md beside it.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import redis
from msgspec.structs import replace

from pyasynq.broker import enqueue, finish, inspect, maintain, presence, process
from pyasynq.broker.prepare import Prepared
from pyasynq.broker.runner import Runner
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PyasynqError
from pyasynq.inspector.infos import queue_info, task_info
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, decode, encode
from pyasynq.wire.records import GO_ZERO_SECONDS
from tests.golden_data import blob
from tests.unit.wire.test_message import record, task_message

ARCHIVE = {"max_size": 9_999, "max_age_s": 90 * 86_400}
OWNER = "owner"
RELATIVE_TTL_SLACK_S = 3

State = dict[bytes, tuple[str, Any, dict[str, int] | None]]


def names(given: dict[str, Any]) -> list[bytes]:
    step = 1 if given["to"] >= given["from"] else -1
    numbers = range(given["from"], given["to"] + step, step)
    return [f"{given['prefix']}{number:0{given['width']}d}".encode() for number in numbers]


def members(value: list[Any]) -> Iterator[Any]:
    for item in value:
        if isinstance(item, dict) and "range" in item:
            for index, name in enumerate(names(item["range"])):
                score = item.get("score_from")
                yield name if score is None else (name, score + index * item["score_step"])
        elif isinstance(item, list):
            yield blob(item[0]), item[1]
        else:
            yield blob(item)


def expected(entries: list[dict[str, Any]]) -> State:
    """Return a recorded state in the form of `dump`."""
    state: State = {}
    for entry in entries:
        keys = names(entry["key_range"]) if "key_range" in entry else [blob(entry["key"])]
        value = _value(entry["type"], entry["value"])
        state |= dict.fromkeys(keys, (entry["type"], value, entry["ttl"]))
    return state


def _value(kind: str, value: Any) -> Any:
    match kind:
        case "string":
            return blob(value)
        case "hash":
            return {field.encode(): blob(each) for field, each in value.items()}
        case "set":
            return set(members(value))
        case "zset":
            return {name: float(score) for name, score in members(value)}
        case _:
            return list(members(value))


def load(client: redis.Redis, state: State) -> None:
    client.flushdb()
    pipeline = client.pipeline(transaction=False)
    for key, (kind, value, ttl) in state.items():
        match kind:
            case "string":
                pipeline.set(key, value)
            case "hash":
                pipeline.hset(key, mapping=value)
            case "list":
                pipeline.rpush(key, *value)
            case "set":
                pipeline.sadd(key, *value)
            case "zset":
                pipeline.zadd(key, value)
        if ttl:
            pipeline.expire(key, ttl["in"]) if "in" in ttl else pipeline.expireat(key, ttl["at"])
    pipeline.execute()


def dump(client: redis.Redis) -> State:
    keys = client.keys("*")
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.type(key)
    kinds = [kind.decode() for kind in pipeline.execute()]
    for key, kind in zip(keys, kinds, strict=True):
        match kind:
            case "string":
                pipeline.get(key)
            case "hash":
                pipeline.hgetall(key)
            case "list":
                pipeline.lrange(key, 0, -1)
            case "set":
                pipeline.smembers(key)
            case "zset":
                pipeline.zrange(key, 0, -1, withscores=True)
        pipeline.execute_command("EXPIRETIME", key)
        pipeline.ttl(key)
    answers = pipeline.execute()
    state: State = {}
    for index, (key, kind) in enumerate(zip(keys, kinds, strict=True)):
        value, at, left = answers[3 * index : 3 * index + 3]
        value = dict(value) if kind == "zset" else value
        state[key] = (kind, value, None if at == -1 else {"at": at, "in": left})
    return state


def same_expiry(recorded: dict[str, int] | None, found: dict[str, int] | None) -> bool:
    if recorded is None or found is None:
        return recorded is found
    if "at" in recorded:
        return recorded["at"] == found["at"]
    return recorded["in"] - RELATIVE_TTL_SLACK_S <= found["in"] <= recorded["in"]


@dataclass
class Case:
    """A recorded case, with what its call needs."""

    record: dict[str, Any]
    runner: Runner

    @property
    def args(self) -> dict[str, Any]:
        args: dict[str, Any] = self.record["args"]
        return args

    @property
    def now_ns(self) -> int:
        clock = self.record["clock"]
        return int(clock["seconds"]) * NANOSECONDS + int(clock["nanos"])

    @property
    def now_s(self) -> int:
        return self.now_ns // NANOSECONDS

    @property
    def message(self) -> TaskMessage:
        return task_message(self.args["msg"])

    @staticmethod
    def message_of(fields: dict[str, Any]) -> TaskMessage:
        return task_message(fields)

    def run(self, operation: Any) -> Any:
        return self.runner.run(operation, patience_s=0)


def keys_of(queue: str) -> QueueKeys:
    """Keys of any name: the broker of Go refuses none, ours never gets one that is blank."""
    return QueueKeys(queue, "asynq")


def seconds(duration: dict[str, int]) -> int:
    return duration["duration_ns"] // NANOSECONDS


def at_ns(moment: dict[str, int]) -> int:
    return moment["seconds"] * NANOSECONDS + moment["nanos"]


def prepared(message: TaskMessage, **fields: Any) -> Prepared:
    return Prepared(message=message, encoded=encode(message), **fields)


def store(case: Case, item: Prepared) -> None:
    """Register the queue and store the task, as one enqueue does."""
    keys = keys_of(item.message.queue)
    case.run(enqueue.register_queue(keys.queue, namespace="asynq"))
    (refusal,) = case.run(enqueue.place(item, keys, now_ns=case.now_ns))
    if refusal is not None:
        raise refusal


def failed(case: Case, message: TaskMessage, *, is_failure: bool) -> bytes:
    return encode(
        replace(
            message,
            retried=message.retried + is_failure,
            error_msg=blob(case.args["error_msg"]).decode(),
            last_failed_at=case.now_s,
        )
    )


class NotOursError(PyasynqError):
    """The task was not the caller's to finish."""


def verdict(answers: list[bool]) -> None:
    if answers != [True]:
        raise NotOursError


def enqueue_case(case: Case) -> None:
    store(case, prepared(case.message))


def enqueue_unique(case: Case) -> None:
    store(case, prepared(case.message, unique_ttl_s=seconds(case.args["ttl"])))


def schedule(case: Case) -> None:
    due_ns = at_ns(case.args["process_at"])
    store(case, prepared(case.message, process_at_ns=due_ns, group=case.message.group_key))


def schedule_unique(case: Case) -> None:
    due_ns, ttl_s = at_ns(case.args["process_at"]), seconds(case.args["ttl"])
    group = case.message.group_key
    store(case, prepared(case.message, process_at_ns=due_ns, unique_ttl_s=ttl_s, group=group))


def add_to_group(case: Case) -> None:
    _add_to_group(case, unique_ttl_s=0)


def add_to_group_unique(case: Case) -> None:
    _add_to_group(case, unique_ttl_s=seconds(case.args["ttl"]))


def _add_to_group(case: Case, *, unique_ttl_s: int) -> None:
    item = prepared(case.message, group=case.args["group"], unique_ttl_s=unique_ttl_s)
    keys = keys_of(item.message.queue)
    case.run(enqueue.register_queue(keys.queue, namespace="asynq"))
    (refusal,) = case.run(enqueue.add_to_group([item], keys, now_ns=case.now_ns))
    if refusal is not None:
        raise refusal


def batch_enqueue(case: Case) -> int:
    """All are encoded first, then sent together; each has an answer of its own."""
    operations = []
    for item in case.args["items"]:
        message, due = task_message(item["msg"]), item["process_at"]
        ready = prepared(message, process_at_ns=at_ns(due) if due else None)
        keys = keys_of(message.queue)
        operations += [
            enqueue.register_queue(keys.queue, namespace="asynq"),
            enqueue.place(ready, keys, now_ns=case.now_ns),
        ]
    answers = case.runner.run_all(operations, patience_s=0)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return sum(answer == [None] for answer in answers)


def dequeue(case: Case) -> Any:
    for queue in case.args["queues"]:
        operation = process.dequeue_many(
            keys_of(queue), count=1, owner=OWNER, lease_expires_at_s=case.now_s + 30
        )
        fetched = case.run(operation)
        if fetched.tasks:
            return decode(fetched.tasks[0].data)
    raise NotOursError


def done(case: Case) -> None:
    message = case.message
    item = finish.Done(task_id=message.id, fence=finish.Fence(), unique_key=message.unique_key)
    verdict(case.run(finish.done_many(keys_of(message.queue), [item], now_ns=case.now_ns)))


def complete(case: Case) -> None:
    message = case.message
    (stored,) = (each for each in [case.run(inspect.get_task(keys_of(message.queue), message.id))])
    item = finish.Completion(
        task_id=message.id,
        fence=finish.Fence(),
        data=encode(replace(message, completed_at=case.now_s)),
        expires_at_s=case.now_s + message.retention,
        unique_key=message.unique_key,
        result=stored.result if stored else None,
    )
    verdict(case.run(finish.complete_many(keys_of(message.queue), [item], now_ns=case.now_ns)))


def retry(case: Case) -> None:
    message, is_failure = case.message, case.args["is_failure"]
    item = finish.Retrial(
        task_id=message.id,
        fence=finish.Fence(),
        data=failed(case, message, is_failure=is_failure),
        retry_at_ns=at_ns(case.args["process_at"]),
        is_failure=is_failure,
    )
    verdict(case.run(finish.retry_many(keys_of(message.queue), [item], now_ns=case.now_ns)))


def archive(case: Case) -> None:
    message = case.message
    item = finish.Archival(
        task_id=message.id,
        fence=finish.Fence(),
        data=failed(case, message, is_failure=False),
    )
    keys = keys_of(message.queue)
    verdict(case.run(finish.archive_many(keys, [item], now_ns=case.now_ns)))
    while case.run(maintain.trim_archive(keys, now_s=case.now_s, limit=500, **ARCHIVE)):
        pass


def requeue(case: Case) -> None:
    message = case.message
    item = finish.Requeueing(task_id=message.id, fence=finish.Fence())
    verdict(case.run(finish.requeue_many(keys_of(message.queue), [item])))


def forward(case: Case) -> None:
    for queue in case.args["queues"]:
        moved = 100
        while moved:
            operation = maintain.forward(keys_of(queue), now_ns=case.now_ns)
            moved = case.run(operation).moved


def extend_lease(case: Case) -> dict[str, int]:
    tasks = [(task_id, "") for task_id in case.args["ids"]]
    until_s = case.now_s + 30
    case.run(maintain.extend_lease(keys_of(case.args["queue"]), tasks, until_s=until_s))
    return {"seconds": until_s, "nanos": case.record["clock"]["nanos"]}


def list_lease_expired(case: Case) -> list[TaskMessage]:
    found = []
    for queue in case.args["queues"]:
        cutoff_s = case.args["cutoff"]["seconds"]
        answer = case.run(maintain.list_lease_expired(keys_of(queue), cutoff_s=cutoff_s))
        found += [decode(each.data) for each in answer.tasks if each.data is not None]
    return found


def delete_expired_completed(case: Case) -> None:
    limit, count = case.args["batch_size"], -1
    while count:
        operation = maintain.delete_expired_completed(
            keys_of(case.args["queue"]), now_s=case.now_s, limit=limit
        )
        count = case.run(operation)


def write_result(case: Case) -> int:
    data = blob(case.args["data"]) if case.args["data"] is not None else b""
    operation = finish.write_result(keys_of(case.args["queue"]), case.args["id"], "", data)
    if not case.run(operation):
        raise NotOursError
    return len(data)


def write_server_state(case: Case) -> None:
    workers = [record("WorkerInfo", each) for each in case.args["workers"] or []]
    for operation in presence.write_server_state(
        record("ServerInfo", case.args["info"]),
        {each.task_id: each for each in workers},
        namespace="asynq",
        now_s=case.now_s,
        ttl_s=seconds(case.args["ttl"]),
    ):
        case.run(operation)


def clear_server_state(case: Case) -> None:
    args = case.args
    place = args["host"], args["pid"], args["server_id"]
    for operation in presence.clear_server_state(*place, namespace="asynq"):
        case.run(operation)


def publish_cancelation(case: Case) -> dict[str, dict[str, str]]:
    subscription = case.runner._client.pubsub()
    subscription.subscribe("asynq:cancel")
    subscription.get_message(timeout=5)
    case.run(presence.publish_cancel(case.args["id"], namespace="asynq"))
    message = subscription.get_message(timeout=5)
    subscription.close()
    heard = {"channel": message["channel"].decode(), "payload": message["data"].decode()}
    return {"received": heard}


def all_queues(case: Case) -> list[str]:
    names_found: list[str] = case.run(inspect.list_queues("asynq"))
    return names_found


def get_task_info(case: Case) -> dict[str, Any]:
    queue, task_id = case.args["queue"], case.args["id"]
    stored = case.run(inspect.get_task(keys_of(queue), task_id))
    if stored is None or not case.run(inspect.has_queue(queue, "asynq")):
        raise NotOursError
    info = task_info(queue, task_id, stored, case.now_ns)
    due = info.next_process_at
    return {
        "message": decode(stored.data),
        "state": info.state.value,
        "next_process_at": GO_ZERO_SECONDS if due is None else int(due.timestamp()),
        "result": info.result,
    }


def current_stats(case: Case) -> dict[str, Any]:
    queue = case.args["queue"]
    stats = case.run(inspect.queue_stats(keys_of(queue), now_ns=case.now_ns))
    if not case.run(inspect.has_queue(queue, "asynq")):
        raise NotOursError
    info = asdict(queue_info(queue, stats, case.now_ns))
    info["latency_ns"] = info.pop("latency") // timedelta(microseconds=1) * 1000
    info["paused"] = info.pop("is_paused")
    return info


def ping(case: Case) -> None:
    case.runner.measure_clock()


CALLS: dict[str, Callable[[Case], Any]] = {
    "Enqueue": enqueue_case,
    "EnqueueUnique": enqueue_unique,
    "Schedule": schedule,
    "ScheduleUnique": schedule_unique,
    "AddToGroup": add_to_group,
    "AddToGroupUnique": add_to_group_unique,
    "BatchEnqueue": batch_enqueue,
    "Dequeue": dequeue,
    "Done": done,
    "MarkAsComplete": complete,
    "Retry": retry,
    "Archive": archive,
    "Requeue": requeue,
    "ForwardIfReady": forward,
    "ExtendLease": extend_lease,
    "ListLeaseExpired": list_lease_expired,
    "DeleteExpiredCompletedTasks": delete_expired_completed,
    "WriteResult": write_result,
    "WriteServerState": write_server_state,
    "ClearServerState": clear_server_state,
    "PublishCancelation": publish_cancelation,
    "AllQueues": all_queues,
    "Ping": ping,
    "GetTaskInfo": get_task_info,
    "CurrentStats": current_stats,
}
