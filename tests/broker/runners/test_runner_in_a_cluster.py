# Generated from test_runner_in_a_cluster_async.py by tools/unasync.py: change that file.
"""Calls to a cluster whose slots move, and whose nodes come, go and fall silent."""

import contextlib
import os
import signal
import threading

import pytest
from redis.crc import key_slot

from pyasynq.broker.operation import Operation, Repeat, Script, ignore
from pyasynq.broker.operations import dequeue, enqueue
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.transport import slot_map
from pyasynq.errors import RedisUnavailableError
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import NOW_NS, make_prepared
from tests.support.eventually import eventually
from tests.support.redis_cluster import RedisCluster, call

ADD = Script.of("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")
KEY = "counter"
QUEUES = ("default", "low", "mail", "a", "b", "c")  # on three nodes


def get(key=KEY):
    return Operation("GET", (key,), (), lambda reply: int(reply or 0), Repeat.SAFE)


def add(amount, key=KEY):
    return Operation(ADD, (key,), (amount,), int, Repeat.NEVER)


def store(task_id, queue, **options):
    item = make_prepared(task_id, queue=queue, **options)
    return enqueue.store([item], now_ns=NOW_NS)


def slot_of(key):
    return key_slot(key.encode())


def errors(node, name):
    """Return how often *node* has answered with an error of this name."""
    return node.client().info("errorstats").get(f"errorstat_{name}", {"count": 0})["count"]


def questions(cluster):
    """Return how often the nodes were asked for their slots."""
    stats = [node.client().info("commandstats") for node in cluster.nodes]
    return sum(each.get("cmdstat_cluster|slots", {"calls": 0})["calls"] for each in stats)


def forget_statistics(cluster):
    for node in cluster.nodes:
        call(node, "CONFIG RESETSTAT")


@contextlib.contextmanager
def half_moved(cluster: RedisCluster, slot: int, *keys: str):
    """Begin to move *slot*, and move *keys*; at the end move the rest, and then all back."""
    source = cluster.owner(slot)
    target = next(each for each in cluster.primaries() if each is not source)
    cluster.begin_move(slot, target)
    if keys:
        cluster.move_keys(slot, target, *keys)
    forget_statistics(cluster)
    yield source, target
    if cluster.owner(slot) is source:
        cluster.move_keys(slot, target)
        cluster.end_move(slot, target)
    cluster.move(slot, source)


@contextlib.contextmanager
def meanwhile(step):
    """Run *step* in a thread beside the body."""
    thread = threading.Thread(target=step)
    thread.start()
    yield
    thread.join()


@pytest.fixture
def runner(cluster):
    runner = Runner(Connector.of(cluster.url).open_sync(), clock=SystemClock())
    runner.run_all([add(1), *(get(f"{{{queue}}}") for queue in QUEUES)])
    yield runner
    runner.close()


def test_a_command_for_a_key_that_has_moved_already_is_asked_of_its_new_node(runner, cluster):
    with half_moved(cluster, slot_of(KEY), KEY) as (source, target):
        answers = [runner.run(get(), patience_s=0) for _ in range(3)]

        assert errors(source, "ASK") == 3  # it is asked first until the slot has moved
        assert call(target, "INFO commandstats").count(b"cmdstat_asking:calls=3") == 1
    assert answers == [1, 1, 1]


def test_a_script_for_a_key_that_has_moved_already_is_sent_whole_to_its_new_node(runner, cluster):
    with half_moved(cluster, slot_of(KEY), KEY) as (source, target):
        call(target, "SCRIPT FLUSH")
        answers = runner.run_all([add(10), get(), add(100)], patience_s=0)

        assert errors(target, "NOSCRIPT") == 2
        assert errors(source, "ASK") == 5
    assert answers == [11, 1, 111]


def test_a_call_waits_until_a_half_moved_slot_has_moved(runner, cluster):
    keys = queue_keys("mail")
    slot = slot_of(keys.pending)
    runner.run(store("first", "mail"))

    with half_moved(cluster, slot, keys.pending) as (source, target):

        def go_on():
            eventually(lambda: errors(source, "TRYAGAIN") + errors(target, "TRYAGAIN") > 1)
            cluster.move_keys(slot, target)
            cluster.end_move(slot, target)

        with meanwhile(go_on):
            outcomes = runner.run(store("second", "mail"), patience_s=20)
        found = runner.run(
            dequeue.dequeue_many(keys, count=5, owner="me", lease_expires_at_s=2_000_000_000)
        )

    assert outcomes == [None]
    assert [each.task_id for each in found.tasks] == ["first", "second"]


@pytest.mark.parametrize("moved", ["nothing", "pending", "task", "lock"])
def test_a_call_to_a_half_moved_slot_has_not_happened_and_takes_nothing_for_gone(
    runner, cluster, moved
):
    keys = queue_keys("mail")
    lock = make_prepared(queue="mail", unique=600).unique_key
    runner.run(store("first", "mail", unique=600))
    present = {"nothing": (), "pending": (keys.pending,), "task": (keys.task("first"),)}

    with half_moved(cluster, slot_of(lock), *present.get(moved, (lock,))):
        calls = [
            store("first", "mail"),
            store("second", "mail", task=Task("other"), unique=600),
            store("third", "mail", unique=600),
            dequeue.dequeue_many(keys, count=5, owner="me", lease_expires_at_s=2_000_000_000),
        ]
        answers = runner.run_all(calls, patience_s=0)

    assert [type(each) for each in answers] == [RedisUnavailableError] * 4
    assert {each.may_have_happened for each in answers} == {False}
    assert "TRYAGAIN" in str(answers[0])
    listed = Operation("LRANGE", (keys.pending,), (0, -1), list, Repeat.SAFE)
    assert runner.run(listed) == [b"first"]


def test_a_slot_that_has_moved_costs_one_question_for_all_who_meet_it(runner, cluster, monkeypatch):
    monkeypatch.setattr(slot_map, "PAUSE_S", 0)
    slot, key = slot_of(KEY), "{counter}:"
    source = cluster.owner(slot)
    runner.run_all([add(1, f"{key}{number}") for number in range(20)])
    target = next(each for each in cluster.primaries() if each is not source)
    cluster.move(slot, target)
    forget_statistics(cluster)

    calls = [add(1, f"{key}{number % 20}") for number in range(200)]
    answers = [runner.run(each, patience_s=0) for each in calls]
    others = [runner.run(get(f"{{{queue}}}"), patience_s=0) for queue in QUEUES]
    asked, redirected = questions(cluster), errors(source, "MOVED")
    cluster.move(slot, source)

    assert sorted(answers) == sorted(n for n in range(2, 12) for _ in range(20))
    assert others == [0] * len(QUEUES)
    assert (asked, redirected) == (1, 1)


def test_an_error_of_one_call_is_no_reason_to_ask_for_the_slots(runner, cluster):
    runner.run_all([Operation("LPUSH", ("text",), ("a",), ignore, Repeat.NEVER)])
    for node in cluster.nodes:
        call(node, "SCRIPT FLUSH")
    forget_statistics(cluster)

    runner.run_all([add(1), add(1, "text"), Operation("NO-SUCH", (), (), ignore, Repeat.SAFE)])

    assert sum(errors(node, "NOSCRIPT") for node in cluster.nodes) == 2
    assert sum(errors(node, "WRONGTYPE") for node in cluster.nodes) == 1
    assert questions(cluster) == 0


def test_all_clients_of_a_connector_share_what_one_has_learnt(cluster):
    connector = Connector.of(cluster.url)
    first = Runner(connector.open_sync(), clock=SystemClock())
    second = Runner(connector.open_sync(), clock=SystemClock())
    forget_statistics(cluster)

    first.run(get())
    second.run(get())

    assert questions(cluster) == 1
    first.close()
    second.close()


@pytest.fixture
def silent(runner, cluster):
    """A node that is frozen."""
    node = cluster.nodes[1]
    os.kill(node.pid, signal.SIGSTOP)
    yield node
    os.kill(node.pid, signal.SIGCONT)


def test_a_frozen_node_fails_its_own_calls_only_and_no_others_wait_for_it(runner, cluster, silent):
    by_node = {cluster.owner_at_first(slot_of(f"{{{each}}}")): f"{{{each}}}" for each in QUEUES}
    calls = [add(1, by_node[number]) for number in (0, 1, 2)]

    answers = runner.run_within(calls, 0.2)

    assert (answers[0], answers[2]) == (1, 1)
    assert isinstance(answers[1], RedisUnavailableError)
    assert answers[1].may_have_happened
    assert cluster.owner_at_first(slot_of(by_node[1])) == cluster.nodes.index(silent)


def test_the_slots_are_told_by_any_node_that_answers(cluster):
    addresses = [f"127.0.0.1:{port}" for port in (1, cluster.nodes[2].port, 2)]
    runner = Runner(
        Connector.of("redis-cluster://" + ",".join(addresses)).open_sync(), clock=SystemClock()
    )

    assert runner.run_all([get(f"{{{queue}}}") for queue in QUEUES]) == [0] * len(QUEUES)
    runner.close()


def test_a_named_node_that_is_no_cluster_is_passed_over(cluster, redis_server):
    url = f"redis-cluster://127.0.0.1:{redis_server.port},127.0.0.1:{cluster.nodes[0].port}"
    runner = Runner(Connector.of(url).open_sync(), clock=SystemClock())

    assert runner.run_all([get(f"{{{queue}}}") for queue in QUEUES]) == [0] * len(QUEUES)
    runner.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"cluster-preferred-endpoint-type": "unknown-endpoint"},
        {"cluster-preferred-endpoint-type": "hostname", "cluster-announce-hostname": "localhost"},
        {"cluster-preferred-endpoint-type": "hostname", "cluster-announce-hostname": ""},
    ],
)
def test_nodes_may_tell_no_host_or_a_name(cluster, settings):
    for node in cluster.nodes:
        for name, value in settings.items():
            call(node, "CONFIG SET", name, value)
    first = f"redis-cluster://127.0.0.1:{cluster.nodes[0].port}"
    runner = Runner(Connector.of(first).open_sync(), clock=SystemClock())
    answers = runner.run_all([add(1, f"{{{queue}}}") for queue in QUEUES], patience_s=0)
    for node in cluster.nodes:
        call(node, "CONFIG SET", "cluster-preferred-endpoint-type", "ip")
        call(node, "CONFIG SET", "cluster-announce-hostname", "")

    assert answers == [1] * len(QUEUES)
    runner.close()
