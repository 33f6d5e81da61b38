"""The equivalent of each method of Go's broker that only its inspector calls: our inspector."""

from collections.abc import Callable
from typing import Any

from pyasynq.broker.operations import servers
from pyasynq.clock import FakeClock, to_datetime
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.groups import Groups
from pyasynq.inspector.queues import Queues
from pyasynq.inspector.redis_details import RedisDetails
from pyasynq.inspector.schedulers import Schedulers
from pyasynq.inspector.tasks import Tasks
from pyasynq.task import TaskInfo, TaskState
from pyasynq.wire.records import GO_ZERO_SECONDS
from tests.broker.operations.golden_case import Case, at_ns, prepared, store
from tests.support.golden_data import blob
from tests.wire.test_message import record


def calls_of(case: Case) -> Calls:
    clock = FakeClock()
    clock._now_ns = case.now_ns  # a datetime has no nanoseconds
    return Calls(case.runner, clock, "asynq")


def tasks_of(case: Case) -> Tasks:
    return Tasks(calls_of(case))


def shown(info: TaskInfo) -> dict[str, Any]:
    due = info.next_process_at
    return {
        "id": info.id,
        "type": info.type,
        "payload": info.payload,
        "queue": info.queue,
        "state": info.state.value,
        "max_retry": info.max_retry,
        "retried": info.retried,
        "group": info.group,
        "last_error": info.last_error,
        "result": info.result,
        "next_process_at": GO_ZERO_SECONDS if due is None else int(due.timestamp()),
    }


def recorded(case: Case, record: dict[str, Any]) -> dict[str, Any]:
    message = case.message_of(record["message"])
    return {
        "id": message.id,
        "type": message.type,
        "payload": message.payload,
        "queue": message.queue,
        "state": record["state"],
        "max_retry": message.retry,
        "retried": message.retried,
        "group": message.group_key,
        "last_error": message.error_msg,
        "result": None if record["result"] is None else blob(record["result"]),
        "next_process_at": record["next_process_at"]["seconds"],
    }


def list_of(state: TaskState) -> Callable[[Case], Any]:
    def list_tasks(case: Case) -> Any:
        args = case.args
        page = tasks_of(case).list(
            args["queue"],
            state,
            page=args["page"] + 1,
            page_size=args["size"],
            group=args.get("group"),
        )
        return [shown(info) for info in page]

    return list_tasks


def list_groups(case: Case) -> Any:
    found = Groups(calls_of(case)).list(case.args["queue"])
    return [{"group": each.group, "size": each.size} for each in found]


def history(case: Case) -> Any:
    found = Queues(calls_of(case)).history(case.args["queue"], case.args["n"])
    return [
        {
            "queue": each.queue,
            "processed": each.processed,
            "failed": each.failed,
            "date": each.date.isoformat(),
        }
        for each in found
    ]


def one(method: str) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        getattr(tasks_of(case), method)(case.args["queue"], case.args["id"])

    return change


def update_payload(case: Case) -> None:
    payload = case.args["payload"]
    data = None if payload is None else blob(payload)
    tasks_of(case).update_payload(case.args["queue"], case.args["id"], data)


def every(method: str, state: TaskState) -> Callable[[Case], int]:
    def change(case: Case) -> int:
        queue, group = case.args["queue"], case.args.get("group")
        count: int = getattr(tasks_of(case), method)(queue, state, group=group)
        return count

    return change


def pause(case: Case) -> None:
    Queues(calls_of(case)).pause(case.args["queue"])


def unpause(case: Case) -> None:
    Queues(calls_of(case)).unpause(case.args["queue"])


def remove_queue(case: Case) -> None:
    Queues(calls_of(case)).delete(case.args["queue"], force=case.args["force"])


def remove_queue_and_enqueue(case: Case) -> None:
    remove_queue(case)
    store(case, prepared(case.message))


def list_servers(case: Case) -> Any:
    operation = servers.list_live("servers", namespace="asynq", now_s=case.now_s)
    found = [case.run(servers.read_server(key)) for key in case.run(operation)]
    return [each for each in found if each is not None]


def list_workers(case: Case) -> Any:
    operation = servers.list_live("workers", namespace="asynq", now_s=case.now_s)
    return [each for key in case.run(operation) for each in case.run(servers.read_workers(key))]


def list_entries(case: Case) -> Any:
    operation = servers.list_live("schedulers", namespace="asynq", now_s=case.now_s)
    return [each for key in case.run(operation) for each in case.run(servers.read_entries(key))]


def list_events(case: Case) -> Any:
    args = case.args
    found = Schedulers(calls_of(case)).history(
        args["entry_id"], page=args["page"] + 1, page_size=args["size"]
    )
    return [(each.task_id, int(each.enqueued_at.timestamp())) for each in found if each.enqueued_at]


def redis_info(case: Case) -> None:
    assert RedisDetails(calls_of(case)).info()["redis_version"]


def cluster_info(case: Case) -> Any:
    found = RedisDetails(calls_of(case)).cluster_info()
    return {name: found[name] for name in case.record["result"]}


def key_slot(case: Case) -> int:
    return Queues(calls_of(case)).key_slot(case.args["queue"])


def nodes(case: Case) -> int:
    return len(Queues(calls_of(case)).nodes(case.args["queue"]))


def same_result(case: Case, result: Any, wanted: Any) -> None:
    """Assert that the inspector has returned what was recorded."""
    match case.record["method"]:
        case method if method in LISTS:
            assert result == [recorded(case, each) for each in wanted]
        case "GroupStats":
            assert result == sorted(wanted, key=lambda each: each["group"])
        case "HistoricalStats":
            assert result == [
                {
                    **{name: each[name] for name in ("queue", "processed", "failed")},
                    "date": to_datetime(at_ns(each["time"])).date().isoformat(),
                }
                for each in wanted
            ]
        case "ListServers":
            assert sorted(result, key=str) == sorted(
                (record("ServerInfo", each) for each in wanted), key=str
            )
        case "ListWorkers":
            assert sorted(result, key=str) == sorted(
                (record("WorkerInfo", each) for each in wanted), key=str
            )
        case "ListSchedulerEntries":
            assert sorted(result, key=str) == sorted(
                (record("SchedulerEntry", each) for each in wanted), key=str
            )
        case "ListSchedulerEnqueueEvents":
            assert result == [(each["task_id"], each["enqueue_time"]["seconds"]) for each in wanted]
        case "ClusterNodes":
            assert result == wanted["nodes"]
        case "RedisInfo":
            pass
        case _:
            assert result == wanted


LISTS = {f"List{state.value.capitalize()}": state for state in TaskState}
CALLS: dict[str, Callable[[Case], Any]] = {
    **{method: list_of(state) for method, state in LISTS.items()},
    **{
        f"{verb}All{state.value.capitalize()}Tasks": every(f"{verb.lower()}_all", state)
        for verb in ("Run", "Archive", "Delete")
        for state in TaskState
        if state is not TaskState.ACTIVE
    },
    "GroupStats": list_groups,
    "HistoricalStats": history,
    "RunTask": one("run"),
    "ArchiveTask": one("archive"),
    "UpdateTaskPayload": update_payload,
    "Pause": pause,
    "Unpause": unpause,
    "RemoveQueue": remove_queue,
    "RemoveQueue+Enqueue": remove_queue_and_enqueue,
    "ListServers": list_servers,
    "ListWorkers": list_workers,
    "ListSchedulerEntries": list_entries,
    "ListSchedulerEnqueueEvents": list_events,
    "RedisInfo": redis_info,
    "RedisClusterInfo": cluster_info,
    "ClusterKeySlot": key_slot,
    "ClusterNodes": nodes,
}
