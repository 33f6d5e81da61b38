"""`pyasynq task explain` as people and programs see it."""

import csv
import io
import json

import pytest

from pyasynq.cli.text_width import width_of
from tests.support.stored_tasks import PAST_S, store

UNKNOWN = """\
Task nowhere of queue mail

error    Queue 'mail' has no task 'nowhere'. (unknown_id)
         To do: look whether the ID is complete, and whether this is the queue
         and the Redis that it was enqueued to

info     It may be done: a task that succeeds is deleted at once, unless it was
         enqueued with a retention. This queue has processed 0 tasks today, and
         keeps 0 that are done. (may_be_done)
         To do: enqueue with a retention, as `pyasynq task enqueue --retention
         24h` does, to see what became of a task
         - processed today: 0
         - failed today: 0
         - completed kept: 0
         - archived kept: 1
"""
COMPLETED = """\
Task a of queue mail

info     It was done; it is kept for another {left} (retention 1m). (completed)
         To do: `pyasynq task run -q mail a` runs it once more
         - kept until: 2100-01-01 00:00:00 UTC
"""


def plain(shown):
    """Return what a terminal shows without its colours."""
    for code in ("1", "31", "32", "33", "0"):
        shown = shown.replace(f"\x1b[{code}m", "")
    return shown


def test_findings_are_shown_with_what_to_do_and_why(cli, redis_client):
    store(redis_client, "completed", "a", retention=60)

    done = cli("task", "explain", "-q", "mail", "a")
    left = done.out.partition("for another ")[2].partition(" (")[0]

    assert (done.code, done.err) == (0, "")
    assert done.out == COMPLETED.format(left=left)


def test_an_unknown_id_is_code_3_with_findings_that_fit_the_terminal(on_terminal, redis_client):
    store(redis_client, "archived", "a")

    done = on_terminal("task", "explain", "-q", "mail", "nowhere", NO_COLOR="1")

    assert done == (3, UNKNOWN, "")


def test_severities_have_colours_on_a_terminal_only(on_terminal, cli, redis_client):
    store(redis_client, "archived", "a", error_msg="no mail")
    arguments = ("task", "explain", "-q", "mail", "a")

    coloured = on_terminal(*arguments, columns=200)
    done = cli(*arguments)

    assert "\x1b[31merror    \x1b[0mIt was archived" in coloured.out
    assert "\x1b" not in done.out
    assert plain(coloured.out).splitlines()[2] == done.out.splitlines()[2]


@pytest.mark.parametrize("columns", [20, 40, 80, 120])
def test_lines_fit_terminals_in_any_script(on_terminal, redis_client, columns):
    queue = "почта 邮件"
    store(redis_client, "archived", "任务", queue=queue, error_msg="失败 失败 失败 " * 20)

    done = on_terminal("task", "explain", "-q", queue, "任务", columns=columns, NO_COLOR="1")
    widths = [width_of(line) for line in done.out.splitlines()]

    assert done.code == 0
    assert max(widths) <= max(40, columns)


def test_what_cannot_be_printed_is_escaped(cli, redis_client):
    store(redis_client, "archived", "a\x1b[31m", error_msg="bad \x1b[2J\n\x07")

    done = cli("task", "explain", "-q", "mail", "a\x1b[31m")

    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\x07" not in done.out


def test_programs_get_every_field(cli, redis_client):
    store(redis_client, "archived", "a", error_msg="no mail", last_failed_at=PAST_S)
    command = ("task", "explain", "-q", "mail", "a", "-o")

    (document,) = json.loads(cli(*command, "json").out)
    line = json.loads(cli(*command, "jsonl").out)
    (row,) = csv.DictReader(io.StringIO(cli(*command, "csv").out))

    assert list(document) == [
        *("queue", "task_id", "code", "severity", "sentence", "evidence", "advice")
    ]
    assert (document["queue"], document["task_id"]) == ("mail", "a")
    assert document["evidence"] == {
        "archived_at": "2100-01-01T00:00:00Z",
        "error": "no mail",
        "failed_at": "2001-09-09T01:46:40Z",
        "retried": 0,
        "max_retry": 3,
    }
    assert line == document
    assert json.loads(row["evidence"]) == document["evidence"]


def test_several_tasks_are_explained_and_those_that_do_not_exist_are_code_5(cli, redis_client):
    store(redis_client, "archived", "a")
    command = ("task", "explain", "-q", "mail")

    both = cli(*command, "a", "x", "-o", "jsonl")
    none = cli(*command, "x", "y", "-o", "jsonl")
    read = cli(*command, "-", stdin="a\n")
    elsewhere = cli("task", "explain", "-q", "low", "a")

    assert [json.loads(line)["task_id"] for line in both.out.splitlines()] == ["a", "x", "x"]
    assert [each.code for each in (both, none, read, elsewhere)] == [5, 3, 0, 3]
    assert read.out.startswith("Task a of queue mail\n")


def test_a_refused_enqueue_is_explained_by_its_type_and_payload(cli, redis_client):
    enqueue = ("task", "enqueue", "-q", "mail", "-t", "email", "-l", "{}")
    cli(*enqueue, "--unique", "1h", "--id", "first")

    refused = cli(*enqueue, "--unique", "1h")
    explain = ("task", "explain", "-q", "mail", "-t", "email")
    done = cli(*explain, "-l", "{}")
    other = cli(*explain)
    rows = json.loads(cli(*explain, "-l", "{}", "-o", "json").out)

    assert refused.code == 4
    assert done.code == 0
    assert done.out.startswith("An enqueue of type email to queue mail\n\nerror    Task 'first'")
    assert "\nTask first of queue mail\n\nerror    No live server serves queue 'mail'" in done.out
    assert [(row["task_id"], row["code"]) for row in rows] == [
        (None, "lock_held"),
        ("first", "no_server"),
    ]
    assert "Nobody holds the unique lock" in other.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-q", "mail"], "name at least one ID, or --type"),
        (["-q", "mail", "a", "-t", "email"], "give IDs of tasks or --type, not both"),
        (["-q", "mail", "a", "-l", "{}"], "--payload and --unique-key need --type"),
        (["a"], "Missing option '-q' / '--queue'"),
        (["-q", "mail", " "], "task_id must not be blank"),
        (["-q", "mail", "-t", " "], "task type must not be blank"),
    ],
)
def test_wrong_usage_is_code_2(cli, arguments, message):
    done = cli("task", "explain", *arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.usefixtures("impatient")
def test_a_redis_that_is_not_there_is_code_69(cli):
    done = cli("task", "explain", "-q", "mail", "a", "--redis-url", "redis://127.0.0.1:1")

    assert (done.code, done.out) == (69, "")
