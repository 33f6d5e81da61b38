"""`pyasynq task search` and `task errors`."""

import json

import pytest

from tests.support.stored_tasks import store


def store_some(client):
    for number in range(3):
        error = f"timeout after {number}s"
        store(client, "archived", f"a{number}", type="email", error_msg=error, score=1000 + number)
    store(client, "pending", "p", type="image", payload=b'{"user": 7, "token": "t"}', queue="low")


def test_tasks_of_all_queues_are_shown(cli, redis_client):
    store_some(redis_client)

    done = cli("task", "search", "type:email", "or", "payload.user=7")

    heading, _dashes, *rows = done.out.splitlines()
    assert done.code == 0
    assert heading.split() == ["ID", "Queue", "State", "Type", "Last", "Error", "When", "Payload"]
    assert [row.split()[:4] for row in rows] == [
        ["p", "low", "pending", "image"],
        ["a2", "mail", "archived", "email"],
        ["a1", "mail", "archived", "email"],
        ["a0", "mail", "archived", "email"],
    ]
    assert done.err == "4 tasks found, 4 looked at\n"


def test_a_search_goes_on_with_its_cursor(cli, redis_client):
    store_some(redis_client)

    first = cli("task", "search", "type:email", "--limit", "2", "-o", "json")
    found = json.loads(first.out)
    second = cli("task", "search", "type:email", "--quiet", "--cursor", found["cursor"])

    assert [task["id"] for task in found["tasks"]] == ["a2", "a1"]
    assert (found["scanned"], found["damaged"]) == (3, [])
    assert second == (0, "a0\n", "")


def test_the_cursor_is_told(cli, redis_client):
    store_some(redis_client)

    done = cli("task", "search", "--limit", "1")

    cursor = done.err.split()[-3]
    assert done.err == f"1 task found, 1 looked at; --cursor {cursor} goes on\n"
    assert cli("task", "search", "--cursor", cursor).out.count("\n") == 5


def test_secrets_are_hidden_if_that_is_asked_for(cli, redis_client):
    store_some(redis_client)

    done = cli("task", "search", "payload~token", "--redact", "-o", "jsonl")
    guessed = cli("task", "search", "payload.token=t", "--redact", "-o", "jsonl")

    assert guessed.out == ""
    assert json.loads(done.out)["payload"] == '{"user":7,"token":"[hidden]"}'


def test_what_cannot_be_read_is_told(cli, redis_client):
    store_some(redis_client)
    redis_client.set("asynq:{low}:retry", "no set")
    redis_client.zadd("asynq:{mail}:archived", {"ghost": 1})

    done = cli("task", "search", "error~timeout", "--quiet")

    assert (done.code, done.out) == (5, "a2\na1\na0\n")
    assert "task 'ghost' cannot be read" in done.err
    assert "Error: retry tasks of queue 'low': " in done.err


@pytest.mark.parametrize("verb", ["search", "errors"])
def test_a_mistake_is_shown_where_it_is(cli, verb):
    done = cli("task", verb, "a", "status:x")

    assert (done.code, done.out) == (2, "")
    assert "column 3 of the filter: unknown field 'status'; did you mean 'state'?" in done.err
    assert done.err.endswith("\n    a status:x\n      ^\n")


def test_an_unknown_queue_is_told_with_the_one_that_may_be_meant(cli, redis_client):
    store_some(redis_client)

    done = cli("task", "search", "queue:maill")

    assert (done.code, done.out) == (3, "")
    assert "did you mean 'mail'?" in done.err


def test_failures_are_grouped_by_kind(cli, redis_client):
    store_some(redis_client)
    store(redis_client, "retry", "r", type="image", error_msg="refused", last_failed_at=1000)

    done = cli("task", "errors")
    rows = [row.split() for row in done.out.splitlines()[2:]]
    document = json.loads(cli("task", "errors", "type:image", "-o", "json").out)

    assert rows[0] == ["3", "email", "timeout", "after", "<n>s", "-"]
    assert rows[1][:3] == ["1", "image", "refused"]
    assert done.err == "4 failures of 2 kinds, 4 tasks looked at\n"
    assert (document["failures"], document["is_complete"]) == (1, True)
    assert document["groups"] == [
        {
            "count": 1,
            "type": "image",
            "signature": "refused",
            "fingerprint": "83c874d33e8b",
            "newest_at": "1970-01-01T00:16:40Z",
            "oldest_at": "1970-01-01T00:16:40Z",
            "newest_error": "refused",
            "tasks": [{"queue": "mail", "id": "r"}],
            "queues": {"mail": 1},
            "states": {"retry": 1},
        }
    ]


def test_a_table_fits_the_terminal_and_no_bar_is_left(on_terminal, redis_client):
    store_some(redis_client)

    searched = on_terminal("task", "search", "")
    grouped = on_terminal("task", "errors")

    for done in (searched, grouped):
        assert done.code == 0
        assert all(len(line.rpartition("\x1b[K")[2]) <= 80 for line in done.out.splitlines()[2:])
    assert "4 tasks found, 4 looked at" in searched.out


def test_an_id_is_whole_on_a_small_terminal(on_terminal, redis_client):
    task_id = "8cf8b9ea-f98b-8491-b494-8bad94d723f4"
    store(
        redis_client, "aggregating", task_id, group="g", type="email:welcome", error_msg="long " * 9
    )

    assert task_id in on_terminal("task", "search").out
