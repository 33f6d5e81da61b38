"""The equivalent of the methods of Go's broker with which a scheduler shows itself."""

from collections.abc import Callable

from pyasynq.broker.operations import schedulers
from tests.broker.operations.golden_case import Case, seconds
from tests.wire.test_message import record


def write_entries(case: Case) -> None:
    operations = schedulers.write_entries(
        case.args["scheduler_id"],
        [record("SchedulerEntry", each) for each in case.args["entries"]],
        namespace="asynq",
        now_s=case.now_s,
        ttl_s=seconds(case.args["ttl"]),
    )
    for operation in operations:
        case.run(operation)


def clear_entries(case: Case) -> None:
    for operation in schedulers.clear_entries(case.args["scheduler_id"], namespace="asynq"):
        case.run(operation)


def record_event(case: Case) -> None:
    event = record("SchedulerEnqueueEvent", case.args["event"])
    case.run(schedulers.record_event(case.args["entry_id"], event, namespace="asynq"))


def clear_history(case: Case) -> None:
    case.run(schedulers.clear_history(case.args["entry_id"], namespace="asynq"))


CALLS: dict[str, Callable[[Case], None]] = {
    "WriteSchedulerEntries": write_entries,
    "ClearSchedulerEntries": clear_entries,
    "RecordSchedulerEnqueueEvent": record_event,
    "ClearSchedulerHistory": clear_history,
}
