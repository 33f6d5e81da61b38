"""`pyasynq queue pause`, `resume` and `remove`."""

import pytest

from tests.support.stored_tasks import store


def is_there(redis_client, queue):
    return bool(redis_client.sismember("asynq:queues", queue))


def test_queues_are_paused_and_resumed(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail", "ads")

    assert cli("queue", "pause", "mail", "ads") == (0, "Paused queue mail\nPaused queue ads\n", "")
    assert redis_client.exists("asynq:{mail}:paused", "asynq:{ads}:paused") == 2
    assert cli("queue", "unpause", "mail") == (0, "Resumed queue mail\n", "")
    assert cli("queue", "resume", "ads") == (0, "Resumed queue ads\n", "")
    assert not redis_client.exists("asynq:{mail}:paused", "asynq:{ads}:paused")


def test_what_fails_keeps_no_other_queue_from_being_paused(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail", "ads")

    done = cli("queue", "pause", "mal", "mail")

    assert done == (
        5,
        "Paused queue mail\n",
        "Error: queue 'mal' does not exist; did you mean 'mail'?\n",
    )


def test_a_queue_that_is_paused_already_is_a_conflict(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    cli("queue", "pause", "mail")

    assert cli("queue", "pause", "mail") == (4, "", "Error: queue 'mail' is already paused\n")


def test_to_resume_an_unknown_queue_is_told_as_such(cli):
    done = cli("queue", "resume", "mail")

    assert done == (3, "", "Error: queue 'mail' does not exist; there are no queues yet\n")


@pytest.mark.parametrize("verb", ["remove", "rm", "delete"])
def test_an_empty_queue_is_removed_without_a_question(cli, redis_client, verb):
    redis_client.sadd("asynq:queues", "mail")

    assert cli("queue", verb, "mail") == (0, "Deleted queue mail\n", "")
    assert not is_there(redis_client, "mail")


def test_a_queue_with_tasks_needs_force(cli, redis_client):
    store(redis_client, "archived", "a")

    done = cli("queue", "rm", "mail")

    assert done.code == 4
    assert done.err == "Error: queue 'mail' is not empty (1 task); --force deletes them, too\n"
    assert is_there(redis_client, "mail")


def test_force_needs_yes_where_nobody_can_be_asked(cli, redis_client):
    store(redis_client, "archived", "a")

    refused = cli("queue", "rm", "-f", "mail")
    dry = cli("queue", "rm", "-f", "mail", "--dry-run")
    is_kept = is_there(redis_client, "mail")
    done = cli("queue", "rm", "-f", "mail", "--yes")

    assert refused.code == 2
    assert "needs --yes" in refused.err
    assert dry == (0, "Would delete queue mail with 1 task\n", "")
    assert is_kept
    assert done == (0, "Deleted queue mail\n", "")
    assert redis_client.keys("asynq:{mail}*") == []


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "is_kept"), [("n\n", 1, True), ("y\n", 0, False)])
def test_force_asks_on_a_terminal(on_terminal, redis_client, answer, code, is_kept):
    store(redis_client, "archived", "a")

    done = on_terminal("queue", "rm", "-f", "mail", typed=answer)

    assert done.code == code
    assert "Delete queue 'mail' with 1 task? [y/N]" in done.out
    assert is_there(redis_client, "mail") == is_kept


def test_a_dry_run_tells_what_would_keep_the_queue(cli, redis_client):
    store(redis_client, "active", "a")
    store(redis_client, "archived", "b")

    unforced = cli("queue", "rm", "mail", "--dry-run")
    forced = cli("queue", "rm", "-f", "mail", "--dry-run")

    assert unforced.code == 4
    assert "--force deletes them, too" in unforced.err
    assert forced.out == "Would delete queue mail with 2 tasks; but 1 task must end first\n"
