"""Every finding, case by case: from facts to sentences, without Redis."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

import pyasynq.inspector.explain
from pyasynq.broker.operations.explanation import Place, PlacedTask
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.clock import NANOSECONDS
from pyasynq.inspector.explain.facts import Facts, LiveServer, OtherQueue
from pyasynq.inspector.explain.findings import explained, explained_enqueue
from pyasynq.inspector.finding import SEVERITIES
from pyasynq.wire.handled import Handled, HandledGroups
from pyasynq.wire.records import ServerRecord, WorkerRecord
from tests.support.builders import make_data, make_message

NOW_S = 2_000_000_000
NOW_NS = NOW_S * NANOSECONDS
STATES = ("pending", "active", "scheduled", "retry", "archived", "completed", "aggregating")
COUNTS = ("groups", "processed", "failed", "processed_total", "failed_total")
EMAIL = Handled(types=("email",))


def at(seconds):
    """Return the time so many seconds from now, in nanoseconds."""
    return NOW_NS + seconds * NANOSECONDS


def stats(**fields):
    values = {
        **dict.fromkeys((*STATES, *COUNTS), 0),
        "is_paused": False,
        "oldest_pending_ns": None,
        "is_estimated": False,
        "unreadable": (),
        "paused_since_s": None,
        "pause_details": b"",
        **fields,
    }
    return QueueStats(**values)


def paused(**details):
    since_s = NOW_S - 3 * 3600
    data = json.dumps({"since": since_s, **details}).encode() if details else b""
    return stats(is_paused=True, paused_since_s=since_s, pause_details=data)


def server(host="h", *, handled=EMAIL, workers=(), **fields):
    values = {"queues": {"mail": 1}, "concurrency": 2, "status": "active", "pid": 1, **fields}
    record = ServerRecord(host=host, server_id=host, **values)
    return LiveServer(record=record, handled=handled, workers=workers)


def worker(task_id="a", **fields):
    values = {"task_type": "report", "queue": "mail", "started_ns": at(-7200), **fields}
    return WorkerRecord(task_id=task_id, **values)


def facts(state, *, message=None, place=None, servers=(server(),), **fields):
    task = {name: fields.pop(name) for name in PlacedTask.__struct_fields__ if name in fields}
    place = Place(size=1, rank=0) if place is None else place
    values = {
        "now_ns": NOW_NS,
        "queues": ("low", "mail"),
        "stats": stats(),
        "servers": servers,
        "message": make_message(**(message or {})),
        **fields,
    }
    given = {"task_id": "a", "state": state, "listed": state, "data": b"x", "place": place}
    return Facts(task=PlacedTask(**given | task), **values)


def absent(**fields):
    values = {"now_ns": NOW_NS, "queues": ("low", "mail"), **fields}
    return Facts(task=PlacedTask(kind="none"), **values)


def in_group(*, size=3, lowest=-100, highest=-20, **fields):
    place = Place(
        size=size, rank=0, score=NOW_S, lowest=NOW_S + lowest, highest=NOW_S + highest, **fields
    )
    return {"group": "g", "place": place}


def aggregating_server(**limits):
    return server(handled=Handled(types=(), groups=(HandledGroups(pattern="*", **limits),)))


GO = server("go", handled=Handled())
BUSY = server(active_worker_count=2, workers=(worker("x"), worker("y", started_ns=at(-60))))
STRICT = server(queues={"mail": 1, "low": 9}, strict_priority=True)
OTHERS = {"others": {"low": OtherQueue(pending=1, is_paused=False)}}
FULL = {"low": OtherQueue(pending=1200, is_paused=False)}
LEASED = Place(size=1, rank=0, score=NOW_S + 20)
RUN = "`pyasynq task run -q mail a`"

# name: facts, (severity, code) of all findings, the first sentence, what the advice says
CASES = {
    "nothing is wrong": (
        facts("pending", pending_since_ns=at(-4)),
        [("info", "should_run")],
        "It should run at once: 1 live server of the queue has 2 free slots; it has waited for 4s.",
        "ask again in some seconds",
    ),
    "nothing is wrong, but it waits": (
        facts("pending", pending_since_ns=at(-600)),
        [("warning", "should_have_run")],
        (
            "It should have run at once: 1 live server of the queue has 2 free slots; it has "
            "waited for 10m."
        ),
        "look into the log of these servers",
    ),
    "others come first": (
        facts("pending", place=Place(size=40, rank=12)),
        [("info", "behind_others"), ("info", "should_run")],
        "12 tasks are ahead of it in the queue, of 40 pending in all.",
        "",
    ),
    "very many come first": (
        facts("pending", place=Place(size=90_000)),
        [("info", "behind_others"), ("info", "should_run")],
        "More than 10,000 tasks are ahead of it in the queue, of 90,000 pending in all.",
        "",
    ),
    "the list cannot be searched": (
        facts("pending", place=Place(size=5, is_searched=False)),
        [("info", "should_run")],
        (
            "It should run as soon as those before it have been taken: 1 live server of the queue "
            "has 2 free slots."
        ),
        "ask again",
    ),
    "paused": (
        facts("pending", stats=paused()),
        [("error", "paused")],
        "Queue 'mail' has been paused for 3h.",
        "`pyasynq queue resume mail` ends the pause",
    ),
    "paused by somebody for a while": (
        facts("pending", stats=paused(by="ann", reason="deploy", until_ns=at(600))),
        [("warning", "paused")],
        "Queue 'mail' has been paused for 3h, by 'ann', and for another 10m: 'deploy'.",
        "resume",
    ),
    "no server at all": (
        facts("pending", servers=()),
        [("error", "no_server")],
        "No live server serves queue 'mail', so nobody takes its tasks.",
        "start a server for it: `pyasynq worker MODULE:APP -q mail`",
    ),
    "servers of other queues": (
        facts("pending", servers=(server(queues={"mails": 1}),)),
        [("error", "no_server")],
        (
            "No live server serves queue 'mail' (1 other server is alive, for 'mails'), so nobody "
            "takes its tasks."
        ),
        "did you mean queue 'mails'?",
    ),
    "servers that shut down": (
        facts("pending", servers=(server(status="stopped"),)),
        [("error", "servers_stopping")],
        "The live servers of queue 'mail' take no more tasks: they are shutting down.",
        "start a server",
    ),
    "no slot is free": (
        facts("pending", servers=(BUSY,)),
        [("warning", "slots_taken")],
        (
            "All 2 slots of server h:1 of queue 'mail' are taken; the longest by task 'x' (report),"
            " for 2h."
        ),
        "or cancel what is stuck: `pyasynq task cancel x`",
    ),
    "a slot of another server is free": (
        facts("pending", servers=(BUSY, server("free"))),
        [("info", "should_run")],
        "It should run at once: 2 live servers of the queue have 2 free slots.",
        "ask again",
    ),
    "a busier queue in strict priority": (
        facts("pending", servers=(STRICT,), others=FULL),
        [("warning", "higher_queue_busy")],
        (
            "The servers of queue 'mail' work in strict priority, and queues of higher priority "
            "have pending tasks: 'low' (1,200 tasks)."
        ),
        "serve without strict priority",
    ),
    "a busier queue that is paused": (
        facts("pending", servers=(STRICT,), others={"low": OtherQueue(pending=9, is_paused=True)}),
        [("info", "should_run")],
        "It should run at once: 1 live server of the queue has 2 free slots.",
        "",
    ),
    "a busier queue, but a server of its own": (
        facts("pending", servers=(STRICT, server("own")), others=FULL),
        [("info", "should_run")],
        "It should run at once: 2 live servers of the queue have 4 free slots.",
        "",
    ),
    "no handler": (
        facts("pending", message={"type": "emails"}),
        [("error", "no_handler")],
        "No live server of queue 'mail' has a handler for type 'emails', so every attempt fails.",
        "did you mean type 'email'?",
    ),
    "no handler at some servers": (
        facts("pending", servers=(server(), server("old", handled=Handled(types=())))),
        [("warning", "handler_missing_at_some")],
        (
            "Server old:1 of queue 'mail' cannot handle type 'email': an attempt there fails and "
            "is retried."
        ),
        "start servers that have this task",
    ),
    "no handler as far as is known": (
        facts("pending", servers=(server(handled=Handled(types=("x",))), GO)),
        [("warning", "no_handler")],
        (
            "No server has a handler for type 'email', as far as is known; then an attempt fails. "
            "1 server of the queue did not publish any types, as those in Go."
        ),
        "start servers",
    ),
    "types of go are not known": (
        facts("pending", servers=(GO,)),
        [("info", "types_not_known"), ("info", "should_run")],
        (
            "It is not known whether server go:1 can handle type 'email': servers in Go do not "
            "publish their types."
        ),
        "",
    ),
    "expired": (
        facts("pending", expires_at_ns=at(-300)),
        [("error", "expired")],
        "It expired 5m ago, so a server in Python drops it instead of running it.",
        "enqueue it again",
    ),
    "its deadline is over": (
        facts("pending", message={"deadline": NOW_S - 60}),
        [("error", "deadline_passed")],
        "Its deadline was 1m ago, so every attempt fails at once.",
        "inspector.tasks.replace",
    ),
    "several reasons": (
        facts("pending", servers=(), stats=paused(until_ns=at(60)), expires_at_ns=at(-1)),
        [("error", "no_server"), ("error", "expired"), ("warning", "paused")],
        "No live server serves queue 'mail', so nobody takes its tasks.",
        "",
    ),
    "servers that cannot be read": (
        facts("pending", servers=(), unread={"servers": "WRONGTYPE"}),
        [("warning", "not_readable")],
        "The servers could not be read, so what follows from them is not known.",
        "mend what the error names",
    ),
    "scheduled": (
        facts("scheduled", due_ns=at(3 * 3600)),
        [("info", "not_due")],
        "It is due in 3h, at 2033-05-18 06:33:20 UTC.",
        f"{RUN} lets it run now",
    ),
    "scheduled beside a wrong clock": (
        facts("scheduled", due_ns=at(60), offset_ns=-90 * NANOSECONDS),
        [("warning", "clock_offset"), ("info", "not_due")],
        "The clock of this machine is 1m 30s ahead of that of Redis, by which tasks become due.",
        "NTP",
    ),
    "scheduled in a paused queue": (
        facts("scheduled", due_ns=at(60), stats=paused()),
        [("warning", "paused"), ("info", "not_due")],
        "Queue 'mail' has been paused for 3h.",
        "resume",
    ),
    "scheduled without a server": (
        facts("scheduled", due_ns=at(60), servers=()),
        [("error", "no_server"), ("info", "not_due")],
        "No live server serves queue 'mail', so nobody will run it when it is due.",
        "start a server",
    ),
    "scheduled for after its deadline": (
        facts("scheduled", due_ns=at(60), message={"deadline": NOW_S + 9}),
        [("error", "deadline_passed"), ("info", "not_due")],
        "Its deadline is before it is due, so every attempt fails at once.",
        "enqueue it again",
    ),
    "scheduled for a group": (
        facts("scheduled", due_ns=at(60), group_when_due="g"),
        [("info", "not_due"), ("info", "joins_group")],
        "It is due in 1m, at 2033-05-18 03:34:20 UTC.",
        "",
    ),
    "due a moment ago": (
        facts("scheduled", due_ns=at(-3)),
        [("info", "due_now")],
        "It has been due for 3s; servers make due tasks pending every few seconds.",
        "",
    ),
    "due for long": (
        facts("retry", due_ns=at(-300)),
        [("warning", "overdue")],
        "Its retry has been due for 5m, and no server has made it pending.",
        "what keeps their forwarders",
    ),
    "retried": (
        facts(
            "retry",
            due_ns=at(40),
            message={"error_msg": "no mail\nat x", "last_failed_at": NOW_S - 20, "retried": 2},
        ),
        [("info", "not_due"), ("info", "last_error")],
        "Its retry is due in 40s, at 2033-05-18 03:34:00 UTC.",
        RUN,
    ),
    "a group that grows": (
        facts("aggregating", servers=(aggregating_server(grace_s=60),), **in_group()),
        [("info", "group_waits")],
        "Group 'g' has 3 tasks; it is aggregated in 41s, when nothing new joins it for 1m.",
        "",
    ),
    "a group whose oldest task decides": (
        facts(
            "aggregating",
            servers=(aggregating_server(grace_s=60, max_delay_s=110, max_size=20),),
            **in_group(),
        ),
        [("info", "group_waits")],
        (
            "Group 'g' has 3 of 20 tasks; it is aggregated in 11s, when its oldest task has waited "
            "for 1m 50s, or it has 20."
        ),
        "",
    ),
    "a group that is full": (
        facts("aggregating", servers=(aggregating_server(grace_s=60, max_size=3),), **in_group()),
        [("info", "group_due")],
        "Group 'g' has 3 of 3 tasks; it has been due for 0s.",
        "",
    ),
    "a group that is due for long": (
        facts("aggregating", servers=(aggregating_server(grace_s=5),), **in_group(highest=-90)),
        [("warning", "group_overdue")],
        "Group 'g' has 3 tasks; it has been due for 1m 25s.",
        "log of the servers that aggregate it",
    ),
    "a group that nobody aggregates": (
        facts("aggregating", **in_group()),
        [("error", "nobody_aggregates")],
        "No live server of the queue aggregates group 'g'.",
        "`pyasynq task runall -q mail -s aggregating -g g`",
    ),
    "a group that go may aggregate": (
        facts("aggregating", servers=(GO,), **in_group(size=1)),
        [("info", "aggregators_not_known")],
        (
            "It is not known whether and when server go:1 aggregates group 'g', which has 1 task: "
            "servers in Go do not publish that."
        ),
        RUN,
    ),
    "a group without a server": (
        facts("aggregating", servers=(), **in_group()),
        [("error", "no_server")],
        "No live server serves queue 'mail', so nobody aggregates its groups.",
        "",
    ),
    "a group of a paused queue, whose task has expired": (
        facts(
            "aggregating",
            servers=(aggregating_server(grace_s=60),),
            stats=paused(),
            expires_at_ns=at(-60),
            message={"deadline": NOW_S - 9},
            **in_group(),
        ),
        [("error", "expired"), ("warning", "paused"), ("info", "group_waits")],
        "It expired 1m ago, so a server in Python drops it instead of running it.",
        "",
    ),
    "a group that is not listed": (
        facts("aggregating", servers=(GO,), **in_group(is_group_listed=False)),
        [("warning", "group_not_listed"), ("info", "aggregators_not_known")],
        (
            "Group 'g' is not among the groups that servers look at, as programs in Go leave it at "
            "times; a Python server that aggregates groups lists it again."
        ),
        "enqueue another task for this group",
    ),
    "a group that is being aggregated": (
        facts("aggregating", **in_group(set_deadline_s=NOW_S + 90)),
        [("info", "being_aggregated")],
        "Group 'g' is being aggregated now; whoever does it has 1m 30s left.",
        "",
    ),
    "an aggregation whose server is gone": (
        facts("aggregating", **in_group(set_deadline_s=NOW_S - 90)),
        [("warning", "aggregation_abandoned")],
        (
            "The aggregation of group 'g' should have ended 1m 30s ago, so its server is gone; "
            "another one gives the tasks back to their group within a minute or two."
        ),
        "",
    ),
    "running": (
        facts("active", place=LEASED, worker=(server(), worker(deadline_ns=at(600)))),
        [("info", "running")],
        "It runs at server h:1, for 2h now; it has 10m left.",
        "`pyasynq task cancel a` cancels it",
    ),
    "running too long": (
        facts("active", place=LEASED, worker=(server(), worker(deadline_ns=at(-600)))),
        [("warning", "handler_overruns")],
        (
            "It runs at server h:1, for 2h now, and its time was up 10m ago: its handler was asked "
            "to end, and does not."
        ),
        "only a restart of that server ends it",
    ),
    "running at a server that shuts down": (
        facts("active", place=LEASED, worker=(server(status="stopped"), worker())),
        [("info", "running"), ("info", "server_stopping")],
        "It runs at server h:1, for 2h now.",
        "",
    ),
    "running, and cancelled": (
        facts("active", place=LEASED, worker=(server(), worker()), on_cancel="drop"),
        [("info", "running"), ("info", "cancel_requested")],
        "It runs at server h:1, for 2h now.",
        "",
    ),
    "active, but shown by no server": (
        facts("active", place=LEASED),
        [("warning", "worker_not_shown")],
        (
            "No live server says that it runs it. Either it has only just started, as servers tell "
            "every few seconds, or its worker is gone: then its lease ends in 20s, and a server of "
            "the queue retries or archives it, within a minute or two."
        ),
        "ask again",
    ),
    "orphaned": (
        facts("active", place=Place(size=1, rank=0, score=NOW_S - 60)),
        [("warning", "orphaned")],
        (
            "The lease of its worker ended 1m ago, so that is gone: a server of the queue retries "
            "or archives it, within a minute or two."
        ),
        "wait",
    ),
    "orphaned without a server": (
        facts("active", place=Place(size=1, rank=0, score=NOW_S - 60), servers=()),
        [("error", "no_server"), ("warning", "orphaned")],
        "No live server serves queue 'mail', so nobody finds out that its worker is gone.",
        "start a server",
    ),
    "active without a lease": (
        facts("active"),
        [("warning", "orphaned")],
        (
            "It is active, but nobody has a lease of it: a server of the queue retries or archives "
            "it, within a minute or two."
        ),
        "",
    ),
    "archived": (
        facts(
            "archived",
            place=Place(size=1, rank=0, score=NOW_S - 86_400),
            message={"error_msg": "no mail", "retried": 3},
        ),
        [("error", "archived")],
        "It was archived 1d ago, since the last of its 4 attempts failed: no mail",
        f"mend the cause, then {RUN}",
    ),
    "archived with retries left": (
        facts("archived", message={"error_msg": "no mail", "retried": 1}),
        [("error", "archived")],
        "It was archived, with 2 of 3 retries left, so by hand or by its error: no mail",
        RUN,
    ),
    "archived by its first failure": (
        facts("archived", message={"error_msg": "no mail", "retry": 0}),
        [("error", "archived")],
        "It was archived, since its only attempt failed: no mail",
        RUN,
    ),
    "archived by hand": (
        facts("archived", place=Place(size=1, rank=0, score=NOW_S - 60)),
        [("error", "archived")],
        "It was archived 1m ago, without an error, by hand.",
        RUN,
    ),
    "completed": (
        facts(
            "completed",
            place=Place(size=1, rank=0, score=NOW_S + 3540),
            message={"completed_at": NOW_S - 60, "retention": 3600},
        ),
        [("info", "completed")],
        "It was done 1m ago; it is kept for another 59m (retention 1h).",
        RUN,
    ),
    "completed for too long": (
        facts("completed", place=Place(size=1, rank=0, score=NOW_S - 1), message={"retention": 5}),
        [("info", "completed")],
        (
            "It was done; its retention is over, so the next look of a server deletes it "
            "(retention 5s)."
        ),
        "",
    ),
    "an unknown queue": (
        absent(queue="mael"),
        [("error", "unknown_queue")],
        "There is no queue 'mael'.",
        "did you mean queue 'mail'?",
    ),
    "a queue and an id that are swapped": (
        absent(queue="a", task_id="mail"),
        [("error", "unknown_queue")],
        "There is no queue 'a'.",
        "the queue and the ID seem to be swapped",
    ),
    "an empty redis": (
        absent(queues=()),
        [("error", "unknown_queue")],
        "There is no queue 'mail'.",
        "is this the Redis that your programs use?",
    ),
    "an unknown id": (
        absent(stats=stats(processed=1200, completed=1)),
        [("error", "unknown_id"), ("info", "may_be_done")],
        "Queue 'mail' has no task 'a'.",
        "look whether the ID is complete",
    ),
    "an id of another queue": (
        absent(elsewhere={"low": "archived"}, near_ids=[("ab", "retry")]),
        [
            ("error", "unknown_id"),
            ("info", "same_id_elsewhere"),
            ("info", "similar_id"),
            ("info", "may_be_done"),
        ],
        "Queue 'mail' has no task 'a'.",
        "",
    ),
    "a listed id without a task": (
        Facts(task=PlacedTask(kind="none", listed="pending"), queues=("mail",)),
        [("error", "task_missing")],
        (
            "The queue lists this ID as pending, but its task is gone from Redis, so there is "
            "nothing to run; servers take the ID from the list."
        ),
        "noeviction",
    ),
    "a key of another type": (
        Facts(task=PlacedTask(kind="string"), queues=("mail",)),
        [("error", "wrong_type")],
        "Redis has a string where the task should be, so some other program has written there.",
        "delete or rename that key",
    ),
    "a message that cannot be read": (
        Facts(task=PlacedTask(state="pending", place=Place(size=1, rank=0)), damage="it has none"),
        [("error", "damaged")],
        "Its message cannot be read: it has none. A server that takes it archives it.",
        "`pyasynq task delete -q mail a` deletes it",
    ),
    "an unknown state": (
        facts("lost"),
        [("error", "unknown_state")],
        "It has the unknown state 'lost', so no server looks at it.",
        "find out which program wrote that state",
    ),
    "a task that is not listed": (
        facts("pending", place=Place(size=7)),
        [("error", "not_listed")],
        "It says that it is pending, but the queue does not list it there, so no server finds it.",
        "enqueue it again with another ID",
    ),
}

LOCK = {"lock_key": "asynq:{mail}:unique:email:", "lock_holder": "a", "lock_ms": 90_000}
HELD = facts("scheduled", due_ns=at(60), **LOCK)
FREE = Facts(task=PlacedTask(kind="none", lock_key="lock"), now_ns=NOW_NS)
GONE = Facts(task=PlacedTask(kind="none", **LOCK), now_ns=NOW_NS)
ENQUEUES = {
    "nobody holds the lock": (
        (FREE,),
        [("info", "lock_free")],
        "Nobody holds the unique lock, so such a task would be enqueued now.",
        "",
    ),
    "a task holds the lock": (
        (HELD,),
        [("error", "lock_held"), ("info", "not_due")],
        (
            "Task 'a', which is scheduled, holds the unique lock, so another one is refused; the "
            "lock is freed when it is done or deleted, and ends in 1m 30s."
        ),
        "`pyasynq task delete -q mail a` frees the lock at once",
    ),
    "the holder is gone": (
        (GONE,),
        [("error", "lock_without_task")],
        (
            "The unique lock names task 'a', which does not exist any longer, and ends in 1m 30s; "
            "until then, such a task is refused."
        ),
        "delete the key of the lock",
    ),
    "the id is taken": (
        (FREE, facts("archived")),
        [("error", "id_taken"), ("info", "lock_free")],
        "Queue 'mail' has a task with the ID 'a', which is archived, so another one is refused.",
        "`pyasynq task explain -q mail a` tells why it is not done",
    ),
    "the id is free": (
        (FREE, absent()),
        [("info", "lock_free")],
        "Nobody holds the unique lock, so such a task would be enqueued now.",
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_facts_lead_to_findings(name):
    given, expected, sentence, advice = CASES[name]

    found = explained(given)

    assert [(each.severity, each.code) for each in found] == expected
    assert found[0].sentence == sentence
    assert advice in found[0].advice


@pytest.mark.parametrize("name", ENQUEUES)
def test_a_refused_enqueue_is_explained(name):
    given, expected, sentence, advice = ENQUEUES[name]

    found = explained_enqueue(*given)

    assert [(each.severity, each.code) for each in found] == expected
    assert found[0].sentence == sentence
    assert advice in found[0].advice


def test_every_finding_has_a_case_and_is_described():
    folder = Path(pyasynq.inspector.explain.__file__).parent
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    lines = re.findall(r"code=(.*)|UNKNOWN_\w+ = (.*)", source)
    codes = set(re.findall(r'"([a-z_]+)"', str(lines).replace("'", '"')))
    reference = folder.parents[3] / "docs" / "reference" / "inspector.md"

    tested = {code for case in (*CASES.values(), *ENQUEUES.values()) for _, code in case[1]}
    described = set(re.findall(r"^\| `([a-z_]+)` \|", reference.read_text(), re.MULTILINE))

    assert codes == tested
    assert codes <= described


@pytest.mark.parametrize("name", CASES)
def test_evidence_is_plain_values(name):
    for finding in explained(CASES[name][0]):
        assert json.dumps(finding.evidence, default=str)


def test_the_last_error_is_told_in_one_line():
    found = explained(CASES["retried"][0])

    assert found[1].sentence == "Its last attempt failed 20s ago (2 of 3 retries used): no mail"
    assert found[1].evidence["error"] == "no mail\nat x"


def test_it_is_told_when_the_next_failure_archives_the_task():
    message = {"error_msg": "no mail", "retried": 3}
    found = explained(facts("retry", due_ns=at(9), message=message))

    assert found[1].sentence == (
        "Its last attempt failed (3 of 3 retries used, so the next failure archives it): no mail"
    )


def test_the_longest_running_tasks_are_the_evidence_of_taken_slots():
    (found,) = explained(facts("pending", servers=(BUSY,)))

    assert [each["task_id"] for each in found.evidence["longest_running"]] == ["x", "y"]
    assert found.evidence["servers"][0]["running"] == 2


def test_no_number_in_redis_is_too_large_to_explain():
    for score in (float("inf"), float("-inf"), float("nan"), 1e300, -1e300):
        place = Place(size=1, rank=0, score=score, lowest=score, highest=score)
        for state in ("active", "archived", "completed", "aggregating"):
            assert explained(facts(state, place=place, servers=(aggregating_server(grace_s=1),)))


def test_whatever_comes_together_something_is_found_and_the_worst_comes_first():
    places = (Place(), Place(size=9, rank=3, score=NOW_S + 9.0), Place(size=1, is_searched=False))
    counts = (None, stats(), paused(until_ns=at(9)))
    servers = ((), (GO,), (BUSY, STRICT), (aggregating_server(grace_s=9), server(status="stopped")))
    for state, place, counted, live in product((*STATES, "lost", ""), places, counts, servers):
        for more in ({}, {"message": None, "damage": "odd"}, {"worker": (server(), worker())}):
            given = {"place": place, "stats": counted, "servers": live, **more}

            found = explained(replace(facts(state, **OTHERS), **as_fields(state, given)))

            severities = [SEVERITIES.index(each.severity) for each in found]
            assert severities
            assert severities == sorted(severities)


def as_fields(state, given):
    """Return what *given* says of the facts; its place belongs to their task."""
    task = PlacedTask(task_id="a", state=state, listed=state, place=given.pop("place"), group="g")
    return {"task": task, **given}


def test_messages_of_other_programs_are_explained():
    odd = {"deadline": 2**63 - 1, "retention": 2**63 - 1, "completed_at": -(2**63), "retry": -1}
    for state in ("pending", "active", "scheduled", "retry", "archived", "completed"):
        assert explained(facts(state, due_ns=2**63 - 1, message=odd))
    assert make_data(**odd)
