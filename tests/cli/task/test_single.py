"""`pyasynq task cancel`, `archive`, `delete` and `run`."""

import pytest

from tests.support.stored_tasks import store


def state_of(redis_client, task_id):
    found = redis_client.hget(f"asynq:{{mail}}:t:{task_id}", "state")
    return found.decode() if found else None


@pytest.mark.parametrize(
    ("verb", "told", "state"),
    [
        ("archive", "Archived task", "archived"),
        ("delete", "Deleted task", None),
        ("rm", "Deleted task", None),
        ("remove", "Deleted task", None),
        ("run", "Made pending: task", "pending"),
    ],
)
def test_tasks_are_changed_by_their_ids(cli, redis_client, verb, told, state):
    for task_id in "abcd":
        store(redis_client, "scheduled", task_id)

    done = cli("task", verb, "-q", "mail", "-i", "a", "b", "-", stdin="c\n\n  d \na\n")

    assert done == (0, "".join(f"{told} {task_id}\n" for task_id in "abcd"), "")
    assert {state_of(redis_client, task_id) for task_id in "abcd"} == {state}


def test_some_that_fail_are_exit_code_5(cli, redis_client):
    store(redis_client, "scheduled", "a")

    done = cli("task", "run", "-q", "mail", "nope", "a")

    assert done == (
        5,
        "Made pending: task a\n",
        "Error: task 'nope' is not in queue 'mail'\n",
    )


@pytest.mark.parametrize(("verb", "then"), [("delete", "drop"), ("archive", "archive")])
def test_a_running_task_is_a_conflict_with_the_command_that_helps(cli, redis_client, verb, then):
    store(redis_client, "active", "a")

    done = cli("task", verb, "-q", "mail", "a")

    assert (done.code, state_of(redis_client, "a")) == (4, "active")
    assert f"`pyasynq task cancel --then {then} ID` does that once it has ended" in done.err


def test_servers_are_asked_to_cancel(cli, redis_client):
    listener = redis_client.pubsub()
    listener.subscribe("asynq:cancel")
    listener.get_message(timeout=5)

    done = cli("task", "cancel", "a", "b")

    assert done == (
        0,
        "Asked 1 server to cancel task a\nAsked 1 server to cancel task b\n",
        "",
    )
    assert [listener.get_message(timeout=5)["data"] for _ in range(2)] == [b"a", b"b"]
    listener.close()


def test_a_cancellation_that_no_server_hears_is_a_conflict(cli):
    done = cli("task", "cancel", "a")

    assert (done.code, done.out) == (4, "")
    assert "no server listens, so nothing cancels task 'a'" in done.err
