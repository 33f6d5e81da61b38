"""Broker operations against the recorded behaviour of Go Asynq, on a real Redis."""

from collections import Counter

import pytest
import redis

from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from tests.broker.operations import golden_inspector
from tests.broker.operations.golden_calls import CALLS
from tests.broker.operations.golden_case import Case
from tests.support.golden_data import blob, load
from tests.support.golden_state import State, dump, expected, names, same_expiry
from tests.support.golden_state import load as load_state
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_kinds import WholeCluster

CASES = load("operations")["cases"]
# Where we differ on purpose: the reason, and what is left instead.
DIFFERENCES = {each["n"]: each for each in load("differences")["differences"]}
# Fields beyond Go's, for each method that may write them.
EXTRA_FIELDS = {
    "Dequeue": {b"owner"},
    "Schedule": {b"process_at_ns", b"group_when_due"},
    "ScheduleUnique": {b"process_at_ns", b"group_when_due"},
    "BatchEnqueue": {b"process_at_ns"},
    "Retry": {b"process_at_ns"},
}
EXTRA_KEYS = {
    method: {b"x:scheduled_groups"} for method in ("Schedule", "ScheduleUnique", "AggregationCheck")
}


@pytest.fixture
def runner(redis_url):
    connector = Connector.of(redis_url)
    runner = Runner(connector.open_sync(), clock=SystemClock())
    yield runner
    runner.close()


def without_extras(found: State, wanted: State, method: str) -> State:
    """Leave out what only we store, but nothing that was recorded."""
    kept: State = {}
    for key, (kind, value, ttl) in found.items():
        if key not in wanted and key.partition(b"}:")[2] in EXTRA_KEYS.get(method, ()):
            continue
        if kind == "hash":
            recorded = wanted[key][1] if key in wanted else {}
            value = {
                field: each
                for field, each in value.items()
                if field in recorded or field not in EXTRA_FIELDS.get(method, ())
            }
        kept[key] = (kind, value, ttl)
    return kept


def changed(wanted: State, before: State, number: int) -> State:
    """Return the state that is left where we differ on purpose."""
    state = dict(wanted)
    for entry in DIFFERENCES[number]["changes"]:
        if entry.get("left") == "gone":
            gone = names(entry["key_range"]) if "key_range" in entry else [blob(entry["key"])]
            for key in gone:
                del state[key]
            continue
        key = blob(entry["key"])
        if entry.get("left") == "before":
            state[key] = before[key]
        else:
            state |= expected([entry])
    return state


def assert_same(found: State, wanted: State) -> None:
    assert sorted(found) == sorted(wanted)
    for key, (kind, value, ttl) in wanted.items():
        assert (key, *found[key][:2]) == (key, kind, value)
        assert same_expiry(ttl, found[key][2]), key


def is_replayed(case) -> bool:
    return case["method"] in CALLS


REPLAYED = [case for case in CASES if is_replayed(case)]
ABOUT_A_CLUSTER = [case for case in REPLAYED if "redis_mode" in case]
ON_A_SERVER = [case for case in REPLAYED if "redis_mode" not in case]
NOT_ON_A_CLUSTER = {
    10: "the keys of a queue without a name have different slots",
    54: "the lock that its message names is on another node than its queue",
    295: "the server that is asked for slots is none of a cluster",
    297: "the server that is asked for nodes is none of a cluster",
}
ON_A_CLUSTER = [case for case in ON_A_SERVER if case["n"] not in NOT_ON_A_CLUSTER]
OF_TEN_THOUSAND_TASKS = {*range(133, 140), 429, 477}


def parameter(case, *marks: pytest.MarkDecorator):
    """Return a case as a parameter with its name and its marks."""
    if case["n"] in NOT_ON_A_CLUSTER:
        marks += (pytest.mark.not_on_a_cluster(NOT_ON_A_CLUSTER[case["n"]]),)
    return pytest.param(case, id=f"{case['n']} {case['name']}"[:70], marks=marks)


@pytest.fixture(scope="module")
def cluster_client(started_cluster):
    client = WholeCluster.of(started_cluster)
    yield client
    client.end()


@pytest.fixture(scope="module")
def cluster_runner(started_cluster):
    runner = Runner(Connector.of(started_cluster.url).open_sync(), clock=SystemClock())
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def one_node():
    cluster = RedisCluster(1)
    yield cluster
    cluster.stop()


@pytest.mark.parametrize("case", [parameter(case) for case in ABOUT_A_CLUSTER])
def test_a_question_to_a_cluster_is_answered_as_to_go(case, one_node):
    runner = Runner(Connector.of(one_node.url).open_sync(), clock=SystemClock())
    call = Case(case, runner)

    result = CALLS[case["method"]](call)

    golden_inspector.same_result(call, result, case["result"])
    runner.close()


@pytest.mark.parametrize("case", [parameter(case) for case in ON_A_SERVER])
def test_operation_leaves_redis_as_go_does(case, runner, redis_client: redis.Redis):
    replay(case, runner, redis_client)


@pytest.mark.parametrize(
    "case",
    [
        parameter(case, *([pytest.mark.long] if case["n"] in OF_TEN_THOUSAND_TASKS else []))
        for case in ON_A_CLUSTER
    ],
)
def test_operation_leaves_a_cluster_as_go_does(case, cluster_runner, cluster_client):
    replay(case, cluster_runner, cluster_client)


def replay(case, runner: Runner, redis_client: redis.Redis) -> None:
    """Load the state before, do what Go's method does, and compare with the state after."""
    before, wanted = expected(case["before"]), expected(case["after"])
    difference = DIFFERENCES.get(case["n"])
    if difference is not None:
        wanted = changed(wanted, before, case["n"])
    load_state(redis_client, before)
    call = Case(case, runner)

    is_refused, result = False, None
    try:
        result = CALLS[case["method"]](call)
    except Exception:
        is_refused = True

    found = without_extras(dump(redis_client), wanted, case["method"])
    assert_same(found, wanted)
    assert is_refused == (difference["is_refused"] if difference else case["error"] is not None)
    if not is_refused and difference is None:
        assert_same_result(call, result)


def assert_same_result(call: Case, result) -> None:
    recorded = call.record["result"]
    if recorded is None or "result" in call.record.get("volatile", ()):
        return
    match call.record["method"]:
        case "Dequeue":
            assert result == call.message_of(recorded["msg"])
        case "ListLeaseExpired":
            assert sorted(each.id for each in result) == sorted(
                call.message_of(each).id for each in recorded
            )
        case "ReadAggregationSet":
            assert result == {
                "deadline": recorded["deadline"]["seconds"],
                "msgs": [call.message_of(each) for each in recorded["msgs"]],
            }
        case "AllQueues" | "ListGroups":
            assert sorted(result) == sorted(recorded)
        case "GetTaskInfo":
            assert result == {
                "message": call.message_of(recorded["message"]),
                "state": recorded["state"],
                "next_process_at": recorded["next_process_at"]["seconds"],
                "result": None if recorded["result"] is None else blob(recorded["result"]),
            }
        case "CurrentStats":
            unpinned = ("memory_usage", "timestamp")
            assert {k: v for k, v in result.items() if k not in unpinned} == {
                k: v for k, v in recorded.items() if k not in unpinned
            }
        case method if method in golden_inspector.CALLS:
            golden_inspector.same_result(call, result, recorded)
        case _:
            assert result == recorded


def test_every_recorded_case_is_accounted_for():
    methods = Counter(case["method"] for case in CASES if not is_replayed(case))
    different = [case for case in REPLAYED if case["n"] in DIFFERENCES]
    counts = {
        "replayed": len(REPLAYED) - len(different),
        "different on purpose": len(different),
        "not yet": sum(methods.values()),
    }
    print("golden operations:", counts, "not yet:", dict(methods))

    assert len(different) == len(DIFFERENCES)
    assert counts == {"replayed": 420, "different on purpose": 110, "not yet": 0}
    assert sum(counts.values()) == 530
