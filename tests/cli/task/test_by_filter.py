"""`pyasynq task run`, `archive`, `delete` and `cancel` of what matches."""

import os
import re
import signal
import subprocess
import sys

import pytest

from pyasynq.cli.task import by_filter
from pyasynq.cli.task.filtering import Filtering
from pyasynq.inspector import Change
from tests.support.eventually import eventually
from tests.support.stored_tasks import store

DELETE = Change(verb="delete")


def ids(client, state):
    key = f"asynq:{{mail}}:{state}"
    found = client.lrange(key, 0, -1) if state == "pending" else client.zrange(key, 0, -1)
    return {each.decode() for each in found}


def store_some(client):
    for number in range(4):
        kind = "email:welcome" if number % 2 else "image"
        error = "timeout after 3s" if number < 2 else "refused"
        store(client, "archived", str(number), type=kind, error_msg=error, score=1000)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--type", "email:*"], {"0", "2"}),
        (["--error", "*time?ut*"], {"2", "3"}),
        (["--error", "REFUSED"], {"0", "1"}),
        (["--type", "image", "--error", "refused"], {"0", "1", "3"}),
        (["--state", "archived", "--older-than", "7d"], set()),
        (["--older-than", "3650000d"], {"0", "1", "2", "3"}),
        (["--query", "id:0,1 error~timeout"], {"2", "3"}),
        (["--query", "state:archived", "-q", "mail", "--limit", "3"], {"3"}),
        (["--state", "archived", "--state", "retry"], set()),
    ],
)
def test_what_matches_all_options_is_changed(cli, redis_client, options, left):
    store_some(redis_client)

    done = cli("task", "delete", *options, "--yes")

    count = 4 - len(left)
    assert done == (0, f"{count} task{'' if count == 1 else 's'} deleted\n", "")
    assert ids(redis_client, "archived") == left


@pytest.mark.parametrize(
    ("verb", "options", "state", "told"),
    [
        ("run", [], "pending", "2 tasks made pending\n"),
        ("archive", ["--yes"], "archived", "2 tasks archived\n"),
    ],
)
def test_running_does_not_ask_and_archiving_does(cli, redis_client, verb, options, state, told):
    for task_id in "ab":
        store(redis_client, "retry", task_id)

    done = cli("task", verb, "--state", "retry", *options)

    assert done == (0, told, "")
    assert ids(redis_client, state) == {"a", "b"}


@pytest.mark.parametrize("verb", ["archive", "delete"])
def test_what_loses_tasks_needs_yes_where_nobody_can_be_asked(cli, redis_client, verb):
    store(redis_client, "retry", "a")

    done = cli("task", verb, "--state", "retry")

    assert (done.code, done.out) == (2, "")
    assert "needs --yes" in done.err
    assert ids(redis_client, "retry") == {"a"}


@pytest.mark.parametrize("verb", ["run", "archive", "delete"])
def test_a_dry_run_shows_counts_and_a_sample_and_changes_nothing(cli, redis_client, verb):
    for number in range(7):
        store(redis_client, "retry", str(number), type="email")

    done = cli("task", verb, "--type", "email", "--dry-run", "--limit", "6")

    first, _, heading, _dashes, counts, _, *table = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert first == f"Would {verb} 6 tasks"
    assert (heading.split(), counts.split()) == (
        ["Queue", "State", "Tasks"],
        ["mail", "retry", "7"],
    )
    assert len(table) == 7
    assert len(ids(redis_client, "retry")) == 7


def test_it_asks_on_a_terminal_with_what_would_be_changed(on_terminal, redis_client):
    store_some(redis_client)

    refused = on_terminal("task", "delete", "--type", "image", typed="n\n")
    done = on_terminal("task", "delete", "--type", "image", typed="y\n")

    assert refused.code == 1
    assert "Delete 2 tasks? [y/N]" in refused.out
    assert "Nothing was changed." in refused.out
    assert done.code == 0
    assert "4 looked at" in done.out
    assert done.out.endswith("\x1b[K2 tasks deleted\n")


def filtering_images(*, dry_run=False):
    return Filtering(
        states=(),
        task_type="image",
        error=None,
        older_than=None,
        query=None,
        limit=None,
        rate=None,
        dry_run=dry_run,
        yes=False,
    )


@pytest.fixture
def big_queue(redis_client):
    """A queue in which the tasks of the type "image" stand behind 600 others."""
    for number in range(612):
        kind = "image" if number >= 600 else "email"
        store(redis_client, "archived", str(number), queue="big", type=kind, score=1000 + number)
    return "asynq:{big}:archived"


def test_what_is_confirmed_is_never_exceeded_in_queues_of_which_a_part_was_looked_at(
    redis_url, redis_client, big_queue, monkeypatch, capsys
):
    store_some(redis_client)
    monkeypatch.setattr(by_filter, "MOST_SCANNED", 1)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(by_filter, "is_confirmed", lambda what, **_: what == "Delete about 2 tasks")
    filtering = filtering_images()

    code = by_filter.change_matching(
        Change(verb="delete"), filtering, queue=None, redis_url=redis_url
    )

    out, err = capsys.readouterr()
    assert "none among 500 of 612" in err
    assert (code, out) == (5, "12 tasks deleted\n")
    assert "since no more were confirmed" in err
    assert redis_client.zcard(big_queue) + len(ids(redis_client, "archived")) == 616 - 12


@pytest.mark.parametrize(("dry_run", "code"), [(True, 0), (False, 1)])
def test_that_nothing_was_found_in_a_part_does_not_mean_that_nothing_matches(
    redis_url, redis_client, big_queue, monkeypatch, capsys, dry_run, code
):
    monkeypatch.setattr(by_filter, "MOST_SCANNED", 1)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    filtering = filtering_images(dry_run=dry_run)

    found = by_filter.change_matching(
        Change(verb="delete"), filtering, queue=None, redis_url=redis_url
    )

    assert found == code
    assert "No task matches of those that were looked at; others may" in capsys.readouterr().err
    assert redis_client.zcard(big_queue) == 612


def test_nothing_that_matches_is_no_mistake(cli, redis_client):
    store_some(redis_client)

    dry = cli("task", "delete", "--type", "none", "--dry-run")

    assert dry == (0, "", "No task matches.\n")
    assert cli("task", "delete", "--type", "none", "--yes") == (0, "0 tasks deleted\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run"], 2, "name at least one ID, or say which tasks: --state, --type,"),
        (["run", "-q", "mail"], 2, "name at least one ID, or say which tasks"),
        (["run", "a"], 2, "Missing option '-q' / '--queue'"),
        (["run", "a", "-q", "mail", "--type", "x"], 2, "give either IDs or --type"),
        (["run", "--query", "tyype:x"], 2, "did you mean 'type'?"),
        (["run", "--older-than", "7"], 2, "'7' has no unit; write 7s, 7m, 7h or 7d"),
        (["run", "--state", "active"], 2, "tasks that are active do not allow this"),
        (["run", "--query", "state:active"], 2, "run takes tasks that are scheduled, retry"),
        (["run", "--type", "x", "-q", "maill"], 3, "did you mean 'mail'?"),
        (["cancel", "--state", "retry"], 2, "tasks that are retry do not allow this"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(cli, redis_client, arguments, code, told):
    store_some(redis_client)
    store(redis_client, "active", "x")

    done = cli("task", *arguments)

    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert len(ids(redis_client, "archived")) == 4


def test_what_fails_is_told_and_the_exit_code_says_that_some_was_done(cli, redis_client):
    store(redis_client, "active", "a")
    redis_client.set("asynq:{mail}:retry", "no set")
    store(redis_client, "archived", "b", score=1000)

    cancelled = cli("task", "cancel", "--state", "active", "--yes")
    run = cli("task", "run", "--type", "email", "--error", "", "--yes")

    assert (cancelled.code, cancelled.out) == (1, "0 tasks asked to be cancelled; 1 failed\n")
    assert "Error: task a of queue mail: no server listens" in cancelled.err
    assert (run.code, run.out) == (5, "1 task made pending\n")
    assert "Error: retry tasks of queue 'mail': " in run.err


def test_ctrl_c_ends_it_after_a_chunk_and_says_how_far_it_came(redis_url, redis_client):
    for number in range(60):
        store(redis_client, "archived", f"{number:02}", score=1000)
    command = [sys.executable, "-m", "pyasynq", "task", "delete", "--state", "archived"]

    with subprocess.Popen(
        [*command, "--rate", "1", "--yes"],
        env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        eventually(lambda: len(ids(redis_client, "archived")) < 60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    left = len(ids(redis_client, "archived"))
    assert process.returncode == 130
    assert out == f"{60 - left} task{'' if left == 59 else 's'} deleted\n"
    assert err.startswith(f"Interrupted after {60 - left} of 60 tasks were looked at; ")
    assert 0 < left < 60


@pytest.mark.long
def test_an_outage_half_way_is_told_with_what_was_done(own_redis):
    client = own_redis.client()
    for number in range(60):
        store(client, "archived", f"{number:02}", score=1000)
    command = [sys.executable, "-m", "pyasynq", "task", "delete", "--state", "archived"]

    with subprocess.Popen(
        [*command, "--rate", "1", "--yes"],
        env={**os.environ, "PYASYNQ_REDIS_URL": own_redis.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        eventually(lambda: len(ids(client, "archived")) < 60)
        own_redis.kill()
        out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (69, "")
    assert re.match(r"Stopped after \d+ tasks? deleted.\nError: ", err)


def test_the_audit_log_tells_who_it_was(cli, redis_client, monkeypatch, caplog):
    store_some(redis_client)
    monkeypatch.setattr(by_filter.getpass, "getuser", lambda: "ann")

    with caplog.at_level("INFO", "pyasynq.admin"):
        cli("task", "delete", "--type", "image", "--yes")

    (record,) = (each for each in caplog.records if each.name == "pyasynq.admin")
    assert (record.who, record.action, record.done, record.filter) == (
        "ann",
        "delete",
        2,
        "type:image",
    )
