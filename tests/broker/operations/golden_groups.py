"""The equivalent of each method of Go's broker that is about groups."""

from collections.abc import Callable
from typing import Any

from pyasynq.broker.operations import groups
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.message import decode
from tests.broker.operations.golden_case import Case, NotOursError, at_ns, keys_of, seconds

SET_ID = "11111111-2222-4333-8444-555555555555"  # in place of the random one of the record


def list_groups(case: Case) -> list[str]:
    cursor, found = case.run(groups.list_groups(keys_of(case.args["queue"])))
    assert cursor == 0
    return found


def aggregation_check(case: Case) -> str:
    t_s = at_ns(case.args["t"]) // NANOSECONDS
    operation = groups.check_aggregation(
        keys_of(case.args["queue"]),
        case.args["group"],
        set_id=case.record["result"] or SET_ID,
        now_s=t_s,
        deadline_s=case.now_s + 120,
        grace_s=seconds(case.args["grace_period"]),
        max_delay_s=seconds(case.args["max_delay"]),
        max_size=case.args["max_size"],
    )
    return (case.record["result"] or SET_ID) if case.run(operation) else ""


def read_aggregation_set(case: Case) -> dict[str, Any]:
    found = case.run(groups.read_aggregation_set(*_set_of(case)))
    if found is None:
        raise NotOursError
    messages = [decode(each.data) for each in found.members if each.data]
    return {"deadline": found.deadline_s, "msgs": messages}


def delete_aggregation_set(case: Case) -> None:
    found = case.run(groups.read_aggregation_set(*_set_of(case)))
    messages = [decode(each.data) for each in found.members] if found else []
    locks = [(each.id, each.unique_key) for each in messages if each.unique_key]
    case.run(groups.finish_aggregation(*_set_of(case), None, now_ns=case.now_ns, locks=locks))


def reclaim(case: Case) -> None:
    has_more = True
    while has_more:
        operation = groups.reclaim_aggregation_sets(keys_of(case.args["queue"]), now_s=case.now_s)
        has_more = case.run(operation).has_more


def _set_of(case: Case) -> tuple[Any, str, str]:
    return keys_of(case.args["queue"]), case.args["group"], case.args["set_id"]


CALLS: dict[str, Callable[[Case], Any]] = {
    "ListGroups": list_groups,
    "AggregationCheck": aggregation_check,
    "ReadAggregationSet": read_aggregation_set,
    "DeleteAggregationSet": delete_aggregation_set,
    "ReclaimStaleAggregationSets": reclaim,
}
