"""`pyasynq task archiveall`, `deleteall` and `runall`."""

import pytest

from tests.support.stored_tasks import store


def ids(redis_client, state):
    return {each.decode() for each in redis_client.zrange(f"asynq:{{mail}}:{state}", 0, -1)}


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("archiveall", "2 tasks archived\n"),
        ("archive-all", "2 tasks archived\n"),
        ("deleteall", "2 tasks deleted\n"),
        ("delete-all", "2 tasks deleted\n"),
        ("runall", "2 tasks made pending\n"),
        ("run-all", "2 tasks made pending\n"),
    ],
)
def test_all_tasks_of_a_state_are_changed(cli, redis_client, verb, told):
    for task_id in "ab":
        store(redis_client, "scheduled", task_id)
    yes = [] if verb.startswith("run") else ["--yes"]

    done = cli("task", verb, "-q", "mail", "-s", "scheduled", *yes)

    assert done == (0, told, "")
    assert ids(redis_client, "scheduled") == set()


@pytest.mark.parametrize("verb", ["archiveall", "deleteall"])
def test_what_loses_tasks_needs_yes_where_nobody_can_be_asked(cli, redis_client, verb):
    store(redis_client, "scheduled", "a")

    done = cli("task", verb, "-q", "mail", "-s", "scheduled")

    assert (done.code, done.out) == (2, "")
    assert "needs --yes" in done.err
    assert ids(redis_client, "scheduled") == {"a"}


@pytest.mark.parametrize("verb", ["archiveall", "deleteall", "runall"])
def test_a_dry_run_shows_count_and_sample_and_changes_nothing(cli, redis_client, verb):
    for number in range(7):
        store(redis_client, "scheduled", f"t{number}")

    done = cli("task", verb, "-q", "mail", "-s", "scheduled", "--dry-run")

    first, _heading, _dashes, *rows = done.out.splitlines()
    assert done.code == 0
    assert first == f"Would {verb.removesuffix('all')} 7 scheduled tasks of queue 'mail'"
    assert len(rows) == 5
    assert len(ids(redis_client, "scheduled")) == 7


def test_members_of_a_group_need_its_name(cli, redis_client):
    store(redis_client, "aggregating", "a", group="g")
    store(redis_client, "aggregating", "b", group="h")

    refused = cli("task", "runall", "-q", "mail", "-s", "aggregating")
    done = cli("task", "runall", "-q", "mail", "-s", "aggregating", "-g", "g")

    assert refused.code == 2
    assert "need --group" in refused.err
    assert done == (0, "1 task made pending\n", "")
    assert redis_client.zrange("asynq:{mail}:g:h", 0, -1) == [b"b"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["runall", "-s", "pending"], "it takes scheduled, retry, archived, aggregating"),
        (["archiveall", "-s", "archived"], "it takes pending, scheduled, retry, aggregating"),
        (["deleteall", "-s", "active"], "tasks that are active do not allow this"),
        (["deleteall", "-s", "archivedd"], "did you mean 'archived'?"),
    ],
)
def test_states_that_do_not_fit_are_wrong_usage(cli, arguments, told):
    done = cli("task", *arguments, "-q", "mail")

    assert done.code == 2
    assert told in done.err


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "left"), [("n\n", 1, {"a"}), ("y\n", 0, set())])
def test_it_asks_on_a_terminal_and_shows_how_far_it_is(
    on_terminal, redis_client, answer, code, left
):
    store(redis_client, "archived", "a")

    done = on_terminal("task", "deleteall", "-q", "mail", "-s", "archived", typed=answer)

    assert done.code == code
    assert "Delete 1 archived task of queue 'mail'? [y/N]" in done.out
    assert ("100%  1 of 1" in done.out) == (code == 0)
    assert ids(redis_client, "archived") == left
