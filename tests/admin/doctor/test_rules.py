"""Findings that no server here would give, from facts alone; and what holds for all of them."""

import re
from pathlib import Path

import pytest

import pyasynq.admin.doctor
from pyasynq.admin.doctor.abilities import abilities
from pyasynq.admin.doctor.facts import InstanceFacts, NodeFacts
from pyasynq.admin.doctor.instance import instance
from pyasynq.admin.doctor.keyspace import Found, is_untagged, sort_out
from pyasynq.admin.doctor.memory import memory
from pyasynq.admin.doctor.repairs import changed
from pyasynq.admin.doctor.roles import ROLES, SCRIPTS, commands_of, trials
from pyasynq.broker.operations.maintain import Healed
from pyasynq.broker.operations.task_control import Answer, Verdict
from pyasynq.broker.scripts import load
from pyasynq.inspector.finding import SEVERITIES

ROOT = Path(__file__).parent.parent.parent.parent
PACKAGE = Path(pyasynq.admin.doctor.__file__).parent
SCRIPT_NAMES = {each.stem for each in (ROOT / "src/pyasynq/broker/scripts").glob("*.lua")}
# Everybody's, and with a way out where they are refused.
OF_NO_ROLE = {"check_server", "memory_limit", "try_command"}
NO_COMMANDS = {"WITHSCORES", "LIMIT", "WRONGTYPE", "MAXLEN", "COUNT", "RANK", "USAGE"}
TRIED_OTHERWISE = {"INFO", "PUBLISH"}
DONE_WITHOUT = {"MEMORY"}  # how much memory queues take is not known then


def node(**info):
    values = {"redis_version": "7.0.15", "maxmemory_policy": "noeviction", **info}
    return NodeFacts(address="h:1", info=values)


def found(rule, *nodes, **fields):
    return {each.code: each for each in rule(InstanceFacts(nodes=nodes or (node(),), **fields))}


@pytest.mark.parametrize(
    ("version", "code", "severity", "lacks"),
    [
        ("4.0.9", "version_too_old", "error", 4),
        ("5.0.14", "version_old", "warning", 4),
        ("6.0.16", "version_old", "warning", 2),
        ("6.2.14", "version_old", "info", 1),
    ],
)
def test_an_old_version_is_told_with_what_it_lacks(version, code, severity, lacks):
    finding = found(instance, node(redis_version=version))[code]

    assert finding.severity == severity
    assert len(finding.evidence["lacks"]) == lacks


@pytest.mark.parametrize("version", ["7.0.0", "8.2.3", "", "unknown"])
def test_a_new_or_unknown_version_lacks_nothing(version):
    assert not found(instance, node(redis_version=version)).keys() & {
        "version_old",
        "version_too_old",
    }


def test_slow_answers_are_told():
    slow = found(instance, round_trips_ns=[60_000_000, 70_000_000, 900_000_000])
    quick = found(instance, round_trips_ns=[60_000, 70_000, 900_000_000])

    assert slow["slow_answers"].evidence["usual_ms"] == 70
    assert "slow_answers" not in quick


def test_a_replica_that_was_silent_for_long_lags():
    text = "ip=10.0.0.2,port=6379,state=online,offset=9,lag={}"

    lags = found(memory, node(connected_slaves="1", slave0=text.format(11)))
    follows = found(memory, node(connected_slaves="1", slave0=text.format(1)))

    assert lags["replica_lags"].evidence["lag_s"] == 11
    assert not follows


def test_what_a_server_reports_may_be_anything():
    odd = node(
        connected_slaves="2",
        slave0="",
        slave1="ip,lag=x,=",
        maxmemory="-1",
        used_memory="many",
        redis_version="a.b",
    )

    assert not found(memory, odd).keys() - {"replica_lags"}
    assert not found(instance, odd)


def test_roles_that_lack_the_same_are_told_together():
    facts = InstanceFacts(nodes=(node(),), commands={"ZADD": "NOPERM", "SMEMBERS": "NOPERM"})

    told = {
        tuple(each.evidence["commands"]): each.evidence["roles"]
        for each in abilities(facts, ROLES, is_given=False)
    }

    assert told["ZADD",] == ["producer", "worker", "scheduler"]
    assert told["SMEMBERS",] == ["inspector"]
    assert told["SMEMBERS", "ZADD"] == ["admin"]


def test_every_script_belongs_to_a_role():
    assert {name for names in SCRIPTS.values() for name in names} == SCRIPT_NAMES - OF_NO_ROLE


def test_every_command_of_a_script_is_tried():
    words = {
        word for name in SCRIPT_NAMES for word in re.findall(r'"([A-Z]{3,})"', load(name).source)
    }
    tried = frozenset[str]().union(*map(commands_of, ROLES))

    assert words - NO_COMMANDS - TRIED_OTHERWISE - DONE_WITHOUT <= tried


def test_a_trial_names_its_key_among_the_words():
    for command, key, words in trials(commands_of("worker"), "asynq:{x}:"):
        assert words[0] == command
        assert key in words


@pytest.mark.parametrize(
    ("queue", "expected"), [("", True), ("}", True), ("}x", True), ("x}", False), ("{", False)]
)
def test_a_name_that_spoils_its_hash_tag_is_known(queue, expected):
    assert is_untagged(queue) is expected


def test_keys_are_sorted_out_by_queue():
    keys = Found(namespace="asynq")

    sort_out(
        keys,
        [
            "asynq:{mail}:t:a:b",
            "asynq:{mail}:unique:email:0f",
            "asynq:{}:active",
            "asynq:{}x}:pending",
            "asynq:scheduler_history:e",
            "asynq:{mail}:t",
            "asynq:{",
            "other:{mail}:t:c",
        ],
    )

    assert keys.tasks == {"mail": ["a:b"]}
    assert keys.locks == {"mail": ["asynq:{mail}:unique:email:0f"]}
    assert keys.histories == {"e"}
    assert keys.queues == {"mail", "", "}x"}


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        (True, 1),
        (1, 1),
        (Healed.RELEASED, 1),
        (None, 1),
        (Answer(Verdict.DONE, "retry"), 1),
        (False, 0),
        (0, 0),
        (Healed.NOTHING_WRONG, 0),
        (Answer(Verdict.ABSENT, ""), 0),
        (ValueError(), 0),
    ],
)
def test_only_what_was_changed_is_counted(answer, items):
    assert changed(answer) == items


def test_every_finding_is_described_and_no_other():
    sources = "".join(each.read_text() for each in PACKAGE.glob("*.py"))
    in_code = set(re.findall(r'code="([a-z_]+)"', sources))
    in_code |= set(re.findall(r'_missing\(\s*"([a-z_]+)"', sources))
    for choice in re.findall(r'code="([a-z_]+)" if \w+ else "([a-z_]+)"', sources):
        in_code.update(choice)
    page = (ROOT / "docs/reference/doctor.md").read_text()
    described = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))

    assert described - set(SEVERITIES) == in_code
