"""Key names against those of Go."""

from datetime import datetime

import pytest
from redis.crc import key_slot

from pyasynq.errors import ConfigError
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys, global_keys, queue_keys
from tests.support.golden_data import blob, load

GOLDEN = load("keys")
# Braces in a queue's name end the part of a key that a cluster hashes; Go and we write them alike.
PLAIN_KEYS = (
    "pending",
    "active",
    "lease",
    "scheduled",
    "retry",
    "archived",
    "completed",
    "paused",
    "aggregation_sets",
    "groups",
)
NAMES_THERE = {"aggregation_sets": "all_aggregation_sets", "groups": "all_groups"}
# Python's dates end where the years have more or fewer than four digits.
NO_DATES = (327_403_468_800, -63_549_360_000)


def keys_of(case) -> QueueKeys:
    return QueueKeys(blob(case["queue"]).decode("utf-8", "surrogateescape"), "asynq")


def test_every_recorded_list_is_replayed():
    assert {name: len(cases) for name, cases in GOLDEN.items() if name != "meta"} == {
        "queues": 21,
        "day_keys": 6,
        "unique": 126,
        "servers": 6,
        "schedulers": 4,
        "global": 1,
        "states": 11,
    }


@pytest.mark.parametrize("case", GOLDEN["queues"], ids=lambda case: repr(case["queue"])[:40])
def test_keys_of_a_queue_are_those_of_go(case):
    keys = keys_of(case)

    assert {name: getattr(keys, name) for name in PLAIN_KEYS} == {
        name: blob(case[NAMES_THERE.get(name, name)]).decode() for name in PLAIN_KEYS
    }
    assert keys.task_prefix == blob(case["task_prefix"]).decode()
    assert keys.task(blob(case["task"]["id"]).decode()) == blob(case["task"]["key"]).decode()
    assert keys.group(blob(case["group"]["group"]).decode()) == blob(case["group"]["key"]).decode()
    assert key_slot(keys.pending.encode()) == case["cluster_slot_pending"]
    for day in (*case["processed_day"], *case["failed_day"]):
        at_s = int(datetime.fromisoformat(day["at"]).timestamp())
        assert day["key"] in (keys.processed_on(at_s), keys.failed_on(at_s))


def test_counters_know_only_the_years_of_python():
    for seconds in NO_DATES:
        with pytest.raises((ValueError, OverflowError)):
            queue_keys("mail").processed_on(seconds)


DAYS = [case for case in GOLDEN["day_keys"] if case["seconds"] not in NO_DATES]


@pytest.mark.parametrize("case", DAYS, ids=lambda case: str(case["seconds"]))
def test_counters_carry_the_utc_day(case):
    keys = keys_of(case)

    assert keys.processed_on(case["seconds"]) == case["processed_key"]
    assert keys.failed_on(case["seconds"]) == case["failed_key"]


def test_unique_locks_are_those_of_go():
    for case in GOLDEN["unique"]:
        payload = None if case["payload"] is None else blob(case["payload"])

        key = keys_of(case).unique(blob(case["type"]).decode(), payload)

        assert key.encode() == blob(case["key"])


@pytest.mark.parametrize("case", GOLDEN["servers"], ids=lambda case: case["server_info"])
def test_keys_of_servers_are_those_of_go(case):
    keys = global_keys("asynq")
    server = case["host"], case["pid"], case["server_id"]

    assert keys.server(*server) == case["server_info"]
    assert keys.server_workers(*server) == case["workers"]


@pytest.mark.parametrize("case", GOLDEN["schedulers"], ids=lambda case: case["id"])
def test_keys_of_schedulers_are_those_of_go(case):
    keys = global_keys("asynq")

    assert keys.scheduler_entries(case["id"]) == case["scheduler_entries"]
    assert keys.scheduler_history(case["id"]) == case["scheduler_history"]


def test_keys_without_a_queue_are_those_of_go():
    (case,) = GOLDEN["global"]
    keys = global_keys("asynq")

    found = {keys.queues, keys.servers, keys.workers, keys.schedulers, keys.cancel}

    assert found <= {text for text in case.values() if isinstance(text, str)}


def test_states_are_spelled_as_in_go():
    texts = [case["text"] for case in GOLDEN["states"] if "error" not in case]

    assert sorted(texts) == sorted(state.value for state in TaskState)


@pytest.mark.parametrize("name", ["", " ", "\t\n", None, 5, "a\ud800", "x" * 10_241])
def test_no_key_is_ever_built_of_an_empty_name(name):
    with pytest.raises(ConfigError, match="queue"):
        queue_keys(name)


def test_a_namespace_replaces_the_first_word_of_every_key():
    assert queue_keys("mail", "shop").task("a") == "shop:{mail}:t:a"
    assert global_keys("shop").queues == "shop:queues"
