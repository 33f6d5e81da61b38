"""An inspector whose calls are executed while their answers are cut: it reports what happened.

test_lost_answers.py shows of each script alone that it takes effect once.
"""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.broker.scripts import load
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.inspector.inspector import Inspector
from pyasynq.task import TaskState
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_data
from tests.support.chaos_proxy import ChaosProxy

pytestmark = pytest.mark.timeout(60)

KEYS = queue_keys("mail")
LATER = datetime(2033, 1, 1, tzinfo=UTC)
LINE = '{"format":1,"queue":"mail","id":"b","state":"pending","type":"email"}'


def changed(inspector, **change):
    seen = [TaskRef("mail", "a", TaskState.SCHEDULED)]
    assert inspector.tasks.change(Change(**change), seen) == [None]


# script or command → the call whose answer is cut, and the state in which it leaves "a"
CASES = {
    "move_task": (lambda i: i.tasks.run("mail", "a"), b"pending"),
    "move_task to the archive": (lambda i: i.tasks.archive("mail", "a"), b"archived"),
    "delete_task": (lambda i: i.tasks.delete("mail", "a"), None),
    "reschedule_task": (lambda i: i.tasks.reschedule("mail", "a", LATER), b"scheduled"),
    "move_task of a known state": (lambda i: changed(i, verb="run"), b"pending"),
    "move_task to the archive from one": (lambda i: changed(i, verb="archive"), b"archived"),
    "delete_task of a known state": (lambda i: changed(i, verb="delete"), None),
    "reschedule_task of a known state": (
        lambda i: changed(i, verb="reschedule", at=LATER),
        b"scheduled",
    ),
    "replace_message": (lambda i: i.tasks.update_payload("mail", "a", b"new"), b"scheduled"),
    "move_many": (lambda i: i.tasks.run_all("mail", "scheduled"), b"pending"),
    "move_many to the archive": (lambda i: i.tasks.archive_all("mail", "scheduled"), b"archived"),
    "delete_many": (lambda i: i.tasks.delete_all("mail", "scheduled"), None),
    "trim_archive": (lambda i: i.tasks.archive("mail", "a"), b"archived"),
    "delete_queue": (lambda i: i.queues.delete("mail", force=True), None),
    "SREM": (lambda i: i.queues.delete("mail", force=True), None),
    "list_tasks": (lambda i: i.tasks.list("mail", "scheduled"), b"scheduled"),
    "walk_tasks": (lambda i: list(i.tasks.iterate("mail", "scheduled")), b"scheduled"),
    "walk_hashes": (lambda i: list(i.tasks.export("mail")), b"scheduled"),
    "import_task": (lambda i: i.tasks.import_([LINE]), b"scheduled"),
    "read_placed_task": (lambda i: i.tasks.explain("mail", "a"), b"scheduled"),
    "list_live": (lambda i: i.servers.list(), b"scheduled"),
}


def prepare(client):
    client.sadd("asynq:queues", "mail")
    client.hset(KEYS.task("a"), mapping={"msg": make_data(), "state": "scheduled"})
    client.zadd(KEYS.scheduled, {"a": 4_000_000_000})


@pytest.mark.parametrize("name", CASES)
def test_a_call_whose_answer_is_lost_succeeds(name, redis_server, redis_url, redis_client):
    call, state = CASES[name]
    prepare(redis_client)

    with ChaosProxy(redis_server.port) as proxy, Inspector(proxy.url) as inspector:
        word = name.split()[0]
        if word.islower():
            redis_client.script_load(load(word).source)
            word = load(word).digest
        proxy.cut_after = word.encode()
        call(inspector)

    assert proxy.cuts == 1
    assert redis_client.hget(KEYS.task("a"), "state") == state


def test_a_pause_and_its_end_succeed_though_their_answers_are_lost(
    redis_server, redis_url, redis_client
):
    prepare(redis_client)
    redis_client.script_load(load("pause_queue").source)

    with ChaosProxy(redis_server.port) as proxy, Inspector(proxy.url) as inspector:
        proxy.cut_after = load("pause_queue").digest.encode()
        until = datetime.now(UTC) + timedelta(hours=1)
        inspector.queues.pause("mail", reason="why", until=until)
        was_paused = redis_client.exists(KEYS.paused)
        proxy.cut_after = b"DEL"
        inspector.queues.unpause("mail")

    assert (proxy.cuts, was_paused) == (2, 1)
    assert not redis_client.exists(KEYS.paused, KEYS.pause_details)
