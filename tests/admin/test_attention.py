"""What needs a person, case by case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.admin.attention import attention, suspects
from pyasynq.inspector import QueueInfo, ServerInfo, WorkerInfo
from pyasynq.task import TaskInfo, TaskState

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
AGO = NOW - timedelta(minutes=10)
COUNTS = ("pending", "active", "scheduled", "retry", "archived", "completed", "aggregating")
TOTALS = ("processed", "failed", "processed_total", "failed_total", "size", "groups")


def queue(name="mail", **fields):
    values = dict.fromkeys((*COUNTS, *TOTALS), 0)
    return QueueInfo(
        queue=name,
        **{
            **values,
            "memory_usage": None,
            "latency": timedelta(0),
            "is_paused": False,
            "timestamp": NOW,
            **fields,
        },
    )


def server(*tasks, **fields):
    values = {
        "id": "s",
        "host": "web-1",
        "pid": 7,
        "concurrency": 10,
        "queues": {"mail": 1},
        "strict_priority": False,
        "status": "active",
        "started_at": AGO,
        "active_worker_count": len(tasks),
        "active_workers": tasks,
    }
    return ServerInfo(**{**values, **fields})


def worker(task_id="a", deadline=None):
    return WorkerInfo(
        task_id=task_id,
        task_type="t",
        payload=b"",
        queue="mail",
        started_at=AGO,
        deadline=deadline,
    )


def task(task_id, *, is_orphaned):
    return TaskInfo(
        id=task_id,
        queue="mail",
        type="t",
        payload=b"",
        headers={},
        state=TaskState.ACTIVE,
        max_retry=3,
        is_orphaned=is_orphaned,
    )


def found(queues, servers=(), active=None, **others):
    findings = attention(queues, servers, active or {}, NOW, **others)
    return [(each.code, each.severity) for each in findings]


def test_nothing_needs_a_person_while_servers_keep_up():
    assert found([queue(pending=9, active=1, archived=3)], [server(worker())]) == []
    assert found([queue(), queue("empty")]) == []


@pytest.mark.parametrize(
    ("counts", "level"),
    [
        ({"pending": 1}, "error"),
        ({"scheduled": 1}, "warning"),
        ({"retry": 1}, "warning"),
        ({"aggregating": 1}, "warning"),
    ],
)
def test_tasks_that_wait_need_a_server_with_their_queue(counts, level):
    other = server(queues={"other": 1})

    assert found([queue(**counts)], [other]) == [("queue_unserved", level)]
    assert found([queue(**counts)], [server()]) == []


def test_a_pause_is_told_with_who_made_it_and_why():
    paused = queue(is_paused=True, paused_since=AGO, paused_by="ann", pause_reason="a move")

    (finding,) = attention([paused], [], {}, NOW)

    assert (finding.code, finding.severity, finding.evidence["since"]) == ("paused", "warning", AGO)
    assert finding.sentence == "Paused by ann: a move"
    assert "`pyasynq queue resume mail` ends it." in finding.advice


def test_a_pause_that_ends_by_itself_is_only_noted():
    paused = queue(is_paused=True, paused_since=AGO, paused_until=NOW + timedelta(hours=1))

    (finding,) = attention([paused], [], {}, NOW)

    assert finding.severity == "info"
    assert "It ends by itself at 2026-01-31 13:00:00 UTC." in finding.advice


def test_an_old_pending_task_is_told_with_what_keeps_it():
    old = queue(pending=1, latency=timedelta(minutes=5))
    full = server(worker(), concurrency=1)

    (busy,) = attention([old], [full], {}, NOW)
    (free,) = attention([old], [server()], {}, NOW)

    assert (busy.code, busy.evidence["since"]) == ("pending_long", NOW - timedelta(minutes=5))
    assert "start more workers" in busy.advice
    assert "higher priority" in free.advice
    assert found([replace(old, is_paused=True)], [server()]) == [("paused", "warning")]


def test_active_tasks_without_a_worker_are_told():
    orphans = {"mail": [task("a", is_orphaned=True), task("b", is_orphaned=False)]}

    (alone,) = attention([queue(active=2)], [], orphans, NOW)
    (served,) = attention([queue(active=2)], [server()], orphans, NOW)

    assert (alone.code, alone.severity, alone.evidence["task_id"]) == ("orphaned", "error", "a")
    assert served.severity == "warning"


def test_queues_with_more_active_tasks_than_their_servers_run_are_suspects():
    queues = [queue(active=1), queue("b", active=1), queue("c")]

    assert suspects(queues, [server(worker())]) == ["b"]


def test_an_archive_that_grows_or_is_nearly_full_is_told():
    before = [queue(archived=2, timestamp=AGO)]

    (grown,) = attention([queue(archived=5)], [], {}, NOW, earlier=before)

    assert (grown.code, grown.evidence["since"]) == ("archive_grown", AGO)
    assert grown.sentence == "3 more tasks in the archive."
    assert found([queue(archived=2)], earlier=before) == []
    assert found([queue(archived=9000)]) == [("archive_nearly_full", "warning")]


def test_a_queue_whose_tasks_fail_is_told_unless_they_are_few():
    assert found([queue(processed=20, failed=5)]) == [("failing", "warning")]
    assert found([queue(processed=20, failed=4)]) == []
    assert found([queue(processed=8, failed=8)]) == []


def test_a_task_past_its_deadline_and_a_server_that_stops_are_told():
    late = worker(deadline=AGO)

    assert found([], [server(late)]) == [("past_deadline", "warning")]
    assert found([], [server(worker(deadline=NOW + timedelta(hours=1)))]) == []
    assert found([], [server(status="stopped")]) == [("server_stopping", "info")]


def test_errors_come_first():
    queues = [queue("a", is_paused=True, paused_since=AGO), queue("b", error="a wrong type")]

    assert [code for code, _severity in found(queues)] == ["not_readable", "paused"]
