"""The equivalent of each method of Go's broker that a case calls."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from pyasynq.broker.operations import (
    cancel,
    dequeue,
    enqueue,
    finish,
    inspection,
    maintain,
    presence,
    task_control,
)
from pyasynq.inspector.infos import queue_info, task_info
from pyasynq.wire.message import TaskMessage, decode, encode
from pyasynq.wire.records import GO_ZERO_SECONDS
from tests.broker.operations import golden_groups, golden_inspector, golden_schedulers
from tests.broker.operations.golden_case import (
    Case,
    NotOursError,
    at_ns,
    keys_of,
    prepared,
    seconds,
    store,
)
from tests.support.golden_data import blob
from tests.wire.test_message import record, task_message

ARCHIVE = {"max_size": 9_999, "max_age_s": 90 * 86_400}
OWNER = "owner"


def failed(case: Case, message: TaskMessage, *, is_failure: bool) -> bytes:
    return encode(
        replace(
            message,
            retried=message.retried + is_failure,
            error_msg=blob(case.args["error_msg"]).decode(),
            last_failed_at=case.now_s,
        )
    )


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
    case.run(enqueue.register_queue(item.keys.queue, namespace="asynq"))
    (refusal,) = case.run(enqueue.add_to_group([item], now_ns=case.now_ns))
    if refusal is not None:
        raise refusal


def batch_enqueue(case: Case) -> int:
    """Encode all tasks first, then send them together; each has an answer of its own."""
    operations = []
    for item in case.args["items"]:
        message, due = task_message(item["msg"]), item["process_at"]
        ready = prepared(message, process_at_ns=at_ns(due) if due else None)
        operations += [
            enqueue.register_queue(ready.keys.queue, namespace="asynq"),
            enqueue.store([ready], now_ns=case.now_ns),
        ]
    answers = case.runner.run_all(operations, patience_s=0)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return sum(answer == [None] for answer in answers)


def dequeue_one(case: Case) -> Any:
    for queue in case.args["queues"]:
        operation = dequeue.dequeue_many(
            keys_of(queue), count=1, owner=OWNER, lease_expires_at_s=case.now_s + 30
        )
        fetched = case.run(operation)
        if fetched.tasks:
            return decode(fetched.tasks[0].data)
    raise NotOursError


def done(case: Case) -> None:
    message = case.message
    item = finish.ToDelete(task_id=message.id, fence=finish.Fence(), unique_key=message.unique_key)
    verdict(case.run(finish.done_many(keys_of(message.queue), [item], now_ns=case.now_ns)))


def complete(case: Case) -> None:
    message = case.message
    (stored,) = (
        each for each in [case.run(inspection.get_task(keys_of(message.queue), message.id))]
    )
    item = finish.ToComplete(
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
    item = finish.ToRetry(
        task_id=message.id,
        fence=finish.Fence(),
        data=failed(case, message, is_failure=is_failure),
        retry_at_ns=at_ns(case.args["process_at"]),
        is_failure=is_failure,
    )
    verdict(case.run(finish.retry_many(keys_of(message.queue), [item], now_ns=case.now_ns)))


def archive(case: Case) -> None:
    message = case.message
    item = finish.ToArchive(
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
    item = finish.ToRequeue(task_id=message.id, fence=finish.Fence())
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
    server = args["host"], args["pid"], args["server_id"]
    for operation in presence.clear_server_state(*server, namespace="asynq"):
        case.run(operation)


def publish_cancelation(case: Case) -> dict[str, dict[str, str]]:
    if case.runner.is_cluster:
        case.runner._client.refresh()
    subscription = case.runner._client.pubsub()
    subscription.subscribe("asynq:cancel")
    subscription.get_message(timeout=5)
    case.run(cancel.publish_cancel(case.args["id"], namespace="asynq"))
    message = subscription.get_message(timeout=5)
    subscription.close()
    heard = {"channel": message["channel"].decode(), "payload": message["data"].decode()}
    return {"received": heard}


def all_queues(case: Case) -> list[str]:
    names_found: list[str] = case.run(inspection.list_queues("asynq"))
    return names_found


def delete_task(case: Case) -> None:
    """Delete a task as the inspector does, which asks first whether there is such a queue."""
    queue = case.args["queue"]
    found = case.run(task_control.delete_task(keys_of(queue), case.args["id"]))
    is_known = case.run(inspection.has_queue(queue, "asynq"))
    if found.verdict is not task_control.Verdict.DONE or not is_known:
        raise NotOursError


def get_task_info(case: Case) -> dict[str, Any]:
    queue, task_id = case.args["queue"], case.args["id"]
    stored = case.run(inspection.get_task(keys_of(queue), task_id))
    if stored is None or not case.run(inspection.has_queue(queue, "asynq")):
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
    stats = case.run(inspection.queue_stats(keys_of(queue), now_ns=case.now_ns))
    if not case.run(inspection.has_queue(queue, "asynq")):
        raise NotOursError
    info = asdict(queue_info(queue, stats, case.now_ns))
    info["latency_ns"] = info.pop("latency") // timedelta(microseconds=1) * 1000
    info["paused"] = info.pop("is_paused")
    assert (info.pop("is_estimated"), info.pop("error")) == (False, "")
    for name in ("paused_since", "paused_by", "pause_reason", "paused_until"):
        info.pop(name)
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
    "Dequeue": dequeue_one,
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
    **golden_groups.CALLS,
    **golden_inspector.CALLS,
    **golden_schedulers.CALLS,
    "GetTaskInfo": get_task_info,
    "DeleteTask": delete_task,
    "CurrentStats": current_stats,
}
