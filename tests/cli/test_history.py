"""`pyasynq task inspect` shows the attempts of a task, and `stats --by type` what was done."""

import json

from pyasynq.wire.attempts import AttemptRecord
from tests.support.kept_history import ATTEMPT, START_NS, count_type, keep_attempt
from tests.support.stored_tasks import store


def test_attempts_are_shown_with_the_latest_traceback(cli, redis_url, redis_client):
    store(redis_client, "retry", "a", score=2_000_000_000)
    keep_attempt(redis_url, redis_client)
    keep_attempt(
        redis_url, redis_client, record=AttemptRecord(number=2, started_ns=START_NS + 10**9)
    )

    done = cli("task", "inspect", "-q", "mail", "a")

    lines = [line.split() for line in done.out.splitlines()]
    assert ["Attempt", "Started", "Took", "Outcome", "Task", "Server", "Error"] in lines
    assert ["2", "2033-05-18", "03:33:21", "UTC", "-", "unknown", "-", "-"] in lines
    first = ["1", "2033-05-18", "03:33:20", "UTC", "250", "ms", "failed", "retried", "host:41"]
    assert [*first, "ValueError:", "<b>password=hunter2</b>"] in lines
    assert "Traceback:" in done.out.partition("Error")[2]


def test_a_task_without_attempts_shows_none(cli, redis_client):
    store(redis_client, "archived", "a", score=1)

    done = cli("task", "inspect", "-q", "mail", "a")
    (row,) = json.loads(cli("task", "inspect", "-q", "mail", "a", "-o", "json").out)

    assert "Attempt" not in done.out
    assert row["attempts"] == []


def test_programs_get_the_attempts(cli, redis_url, redis_client):
    store(redis_client, "retry", "a", score=2_000_000_000)
    keep_attempt(redis_url, redis_client)

    (row,) = json.loads(cli("task", "inspect", "-q", "mail", "a", "-o", "json").out)

    assert (
        row["attempts"][0].items()
        >= {
            "number": 1,
            "outcome": "failed",
            "then": "retried",
            "started_at": "2033-05-18T03:33:20Z",
            "duration": 0.25,
            "waited": 1.0,
            "traceback": ATTEMPT.traceback,
        }.items()
    )


def test_hostile_attempts_do_not_reach_the_terminal(cli, redis_url, redis_client):
    store(redis_client, "retry", "a", score=2_000_000_000)
    hostile = AttemptRecord(
        number=1,
        outcome="\x1b[31m",
        started_ns=10**30,
        error="\x1b]0;x\x07\u202e\r\n|",
        traceback="\x1b[2J\n\x00",
        worker="\x1b[1m:x:\n",
    )
    redis_client.zadd("asynq:{mail}:x:attempts:a", {b"\xff": 1, b"{}": 2})
    keep_attempt(redis_url, redis_client, record=AttemptRecord(number=3, ended_ns=5))
    redis_client.zadd(
        "asynq:{mail}:x:attempts:a",
        {
            json.dumps(
                {
                    "n": 1,
                    "err": hostile.error,
                    "tb": hostile.traceback,
                    "by": hostile.worker,
                    "o": hostile.outcome,
                }
            ): 3
        },
    )

    done = cli("task", "inspect", "-q", "mail", "a")

    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out


def test_types_are_shown_with_what_was_done(cli, redis_url, redis_client):
    count_type(redis_url, redis_client)
    count_type(redis_url, redis_client, "report", queue="ads")

    done = cli("stats", "--by", "type")

    header, *rows = [line.split() for line in done.out.splitlines() if line.strip()]
    assert header[:5] == ["Type", "Queues", "Servers", "Done", "Failed"]
    assert [each[:5] for each in rows if each[0] in ("email:welcome", "report")] == [
        ["email:welcome", "mail", "0", "4", "1"],
        ["report", "ads", "0", "4", "1"],
    ]
    assert done.err == ""


def test_programs_get_the_types(cli, redis_url, redis_client):
    count_type(redis_url, redis_client)

    (row,) = json.loads(cli("stats", "--by", "type", "--json").out)

    assert (row["type"], row["count"], row["failures"], row["queues"]) == (
        *("email:welcome", 4, 1),
        ["mail"],
    )
    assert 0.0009 < row["run"]["p50"] < 0.0012
    assert set(row["waiting"]) == {"p50", "p95", "p99"}


def test_without_statistics_it_says_what_switches_them_off(cli):
    done = cli("stats", "--by", "type")

    assert (done.code, done.out) == (0, "")
    assert "type_statistics=False" in done.err
