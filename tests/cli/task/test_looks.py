"""`pyasynq task list` and `inspect` as people and programs see them."""

import csv
import io
import json

import pytest

from tests.support.stored_tasks import PAST_S, store

TABLES = {
    "active": """\
ID  Type   Payload
--  ----   -------
a   email  {"n":1}
""",
    "pending": """\
ID  Type   Payload
--  ----   -------
a   email  {"n":1}
""",
    "scheduled": """\
ID  Type   Payload  Process In
--  ----   -------  ----------
a   email  {"n":1}  now
""",
    "retry": """\
ID  Type   Payload  Next Retry  Last Error  Last Failed              Retried  Max Retry
--  ----   -------  ----------  ----------  -----------              -------  ---------
a   email  {"n":1}  now         no mail     2001-09-09 01:46:40 UTC  1        3
""",
    "archived": """\
ID  Type   Payload  Last Failed              Last Error
--  ----   -------  -----------              ----------
a   email  {"n":1}  2001-09-09 01:46:40 UTC  no mail
""",
    "completed": """\
ID  Type   Payload  CompletedAt              Result
--  ----   -------  -----------              ------
a   email  {"n":1}  2001-09-09 01:46:40 UTC  done
""",
    "aggregating": """\
ID  Type   Payload  Group
--  ----   -------  -----
a   email  {"n":1}  g
""",
}
FIELDS = {
    "id": "a",
    "queue": "mail",
    "type": "email",
    "payload": "{}",
    "payload_base64": None,
    "headers": {},
    "state": "completed",
    "max_retry": 3,
    "retried": 0,
    "last_error": "",
    "last_failed_at": None,
    "timeout": None,
    "deadline": None,
    "group": "",
    "next_process_at": None,
    "is_orphaned": False,
    "retention": 60.0,
    "completed_at": "2001-09-09T01:46:40Z",
    "result": None,
    "result_base64": "/wA=",
}
INSPECTED = """\
Queue:             mail
ID:                a
Type:              email
State:             completed
Retried:           2/3
Next process time: -
Last failure:      no mail
Timeout:           1m 30s
Retention:         1d
Completed:         2001-09-09 01:46:40 UTC
Headers:           k=v
                   z=1
Payload:           {
                     "n": 1
                   }
Result:            non-printable bytes
"""


@pytest.mark.parametrize("state", TABLES)
@pytest.mark.parametrize("verb", ["ls", "list"])
def test_each_state_has_the_columns_of_go(cli, redis_client, state, verb):
    has_failed = state in ("retry", "archived")
    store(
        redis_client,
        state,
        "a",
        payload=b'{"n":1}',
        group="g" if state == "aggregating" else "",
        score=PAST_S,
        error_msg="no mail" if has_failed else "",
        last_failed_at=PAST_S if has_failed else 0,
        retried=1 if has_failed else 0,
        completed_at=PAST_S if state == "completed" else 0,
        result=b"done",
    )

    done = cli("task", verb, "-q", "mail", "-s", state)

    assert done == (0, TABLES[state], "")


def test_a_page_tells_on_stderr_how_to_see_more(cli, redis_client):
    for task_id in "abc":
        store(redis_client, "pending", task_id)

    first = cli("task", "ls", "-q", "mail", "-s", "pending", "--size", "2")
    second = cli("task", "ls", "-q", "mail", "-s", "pending", "--size", "2", "--page", "2")

    assert [line.split()[0] for line in first.out.splitlines()[2:]] == ["a", "b"]
    assert first.err == "Page 1 of 2, 3 tasks in all; --page 2 shows more\n"
    assert [line.split()[0] for line in second.out.splitlines()[2:]] == ["c"]
    assert second.err == "Page 2 of 2, 3 tasks in all\n"


def test_no_tasks_are_no_error(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail")

    assert cli("task", "ls", "-q", "mail", "-s", "retry") == (0, "", "No tasks.\n")


def test_quiet_prints_bare_ids_the_newest_first_if_asked_for(cli, redis_client):
    for task_id in "ab":
        store(redis_client, "pending", task_id)
    command = ("task", "ls", "-q", "mail", "-s", "pending", "--quiet")

    assert cli(*command) == (0, "a\nb\n", "")
    assert cli(*command, "--newest-first") == (0, "b\na\n", "")


def test_programs_get_every_field(cli, redis_client):
    store(redis_client, "completed", "a", completed_at=PAST_S, retention=60, result=b"\xff\x00")
    command = ("task", "ls", "-q", "mail", "-s", "completed", "-o")

    document = json.loads(cli(*command, "json").out)
    (line,) = cli(*command, "jsonl").out.splitlines()
    (row,) = csv.DictReader(io.StringIO(cli(*command, "csv").out))

    assert document == {
        "tasks": [FIELDS],
        "damaged": [],
        "total": 1,
        "page": 1,
        "page_size": 30,
    }
    assert json.loads(line) == FIELDS
    assert (row["id"], row["headers"], row["result_base64"]) == ("a", "{}", "/wA=")


def test_a_damaged_task_is_told_and_keeps_no_other_from_being_shown(cli, redis_client):
    store(redis_client, "archived", "a")
    store(redis_client, "archived", "b")
    redis_client.delete("asynq:{mail}:t:a")
    command = ("task", "ls", "-q", "mail", "-s", "archived")

    done = cli(*command)
    quiet = cli(*command, "--quiet")
    (damaged,) = json.loads(cli(*command, "-o", "json").out)["damaged"]

    assert done.out.splitlines()[2].startswith("b ")
    assert done.err == "task 'a' cannot be read: it is listed, but there is no such task\n"
    assert quiet == (0, "b\n", done.err)
    assert damaged == {
        "id": "a",
        "queue": "mail",
        "state": "archived",
        "reason": "it is listed, but there is no such task",
    }


def test_all_about_a_task_is_shown(cli, redis_client):
    store(
        redis_client,
        "completed",
        "a",
        payload=b'{\n  "n": 1\n}',
        headers={"k": "v", "z": "1"},
        retried=2,
        error_msg="no mail",
        timeout=90,
        retention=86_400,
        completed_at=PAST_S,
        result=b"\x00",
    )

    done = cli("task", "inspect", "-q", "mail", "-i", "a")

    assert done == (0, INSPECTED, "")


@pytest.mark.parametrize("more", [["-i", "b"], ["b"]])
def test_several_tasks_are_inspected_by_their_ids(cli, redis_client, more):
    store(redis_client, "pending", "a")
    store(redis_client, "pending", "b")

    done = cli("task", "inspect", "-q", "mail", "-i", "a", *more, "-o", "json")

    assert [each["id"] for each in json.loads(done.out)] == ["a", "b"]


def test_hex_shows_payloads_and_results_that_are_no_text(cli, redis_client):
    store(redis_client, "completed", "a", payload=b"\x01\xff", result=b"\x00")

    done = cli("task", "ls", "-q", "mail", "-s", "completed", "--hex")
    one = cli("task", "inspect", "-q", "mail", "a", "--hex")

    assert done.out.splitlines()[2].split() == ["a", "email", "0x01ff", "-", "0x00"]
    assert "Payload:           0x01ff\n" in one.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["ls", "-q", "mail", "-s", "pendng"], 2, "did you mean 'pending'?"),
        (["ls", "-q", "mail", "-s", "xyz"], 2, "it must be one of active, pending,"),
        (["ls", "-s", "pending"], 2, "Missing option '-q' / '--queue'"),
        (["ls", "-q", "mal", "-s", "pending"], 3, "did you mean 'mail'?"),
        (["ls", "-q", "mail", "-s", "pending", "--page", "0"], 2, "page must be from 1"),
        (["ls", "-q", "mail", "-s", "pending", "--size", "1001"], 2, "page_size must be from 1"),
        (["ls", "-q", "mail", "-s", "pending", "-g", "g"], 2, "are in a group, not pending"),
        (["ls", "--stat", "pending"], 2, "'--state'"),
        (["lst"], 2, "Did you mean 'list'?"),
        (["inspect", "-q", "mail", "nope"], 3, "task 'nope' is not in queue 'mail'"),
        (["inspect", "-q", "mail"], 2, "name at least one ID"),
        (["inspect", "-q", "nope", "mail"], 3, "it looks like queue and ID were swapped"),
    ],
)
def test_mistakes_are_told_with_what_may_be_meant(cli, redis_client, arguments, code, told):
    redis_client.sadd("asynq:queues", "mail")

    done = cli("task", *arguments)

    assert (done.code, done.out) == (code, "")
    assert told in done.err
