"""What others have stored never breaks a table, the terminal or a program."""

import json

import pytest

from tests.support.stored_tasks import store

NAMES = ["\x1b[2J\x1b]0;x\x07", "a\nb", "\u202eabc", "日本" * 200, "-", "--help", "=1+1", "''"]
STATES = ["active", "pending", "scheduled", "retry", "archived", "completed", "aggregating"]


@pytest.fixture(params=NAMES, ids=ascii)
def odd(request, redis_client):
    name = request.param
    for state in STATES:
        store(
            redis_client,
            state,
            f"{name}{state}",
            queue=name,
            type=name,
            group=name if state == "aggregating" else "",
            payload=name.encode(),
            headers={name: name},
            error_msg=name,
            last_failed_at=2**62,
            completed_at=2**62,
            timeout=2**62,
            retention=2**62,
            retried=2**31 - 1,
            score=2**52,
            result=name.encode(),
        )
    return name


def is_safe(text):
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("state", STATES)
def test_tasks_are_listed_whatever_they_hold(cli, odd, state):
    done = cli("task", "ls", f"--queue={odd}", "-s", state)
    asked = cli("task", "ls", f"--queue={odd}", "-s", state, "-o", "json")

    assert (done.code, len(done.out.splitlines())) == (0, 3)
    assert is_safe(done.out + done.err)
    (task,) = json.loads(asked.out)["tasks"]
    assert (task["id"], task["type"], task["payload"]) == (f"{odd}{state}", odd, odd)


@pytest.mark.parametrize(
    "command",
    [
        ["queue", "ls"],
        ["queue", "ls", "--quiet"],
        ["queue", "inspect", "--", "{}"],
        ["queue", "history", "--", "{}"],
        ["queue", "pause", "--", "{}"],
        ["group", "ls", "--queue={}"],
        ["task", "inspect", "--queue={}", "--", "{}retry"],
        ["task", "run", "--queue={}", "--", "{}retry"],
        ["task", "run", "--queue={}", "--", "{}active"],
        ["task", "deleteall", "--queue={}", "-s", "retry", "--dry-run"],
        ["task", "cancel", "--", "{}active"],
        ["stats"],
    ],
    ids=" ".join,
)
def test_no_command_prints_what_moves_the_cursor(cli, odd, command):
    stdin = odd if odd == "-" else ""

    done = cli(*(each.replace("{}", odd) for each in command), stdin=stdin)

    assert done.code in (0, 4)
    assert is_safe(done.out + done.err)
    assert done.out + done.err


@pytest.mark.parametrize("name", ["mal\x1b[2J", "x" * 20_000])
def test_an_unknown_queue_of_an_odd_name_is_told_safely(cli, name):
    done = cli("task", "ls", "-q", name, "-s", "pending")

    assert done.code in (2, 3)
    assert is_safe(done.err)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_table_fits_the_terminal(on_terminal, redis_client, columns):
    store(
        redis_client, "retry", "0" * 36, payload=b'{"n":"' + b"x" * 300 + b'"}', error_msg="日" * 90
    )

    done = on_terminal("task", "ls", "-q", "mail", "-s", "retry", columns=columns, NO_COLOR="1")

    assert done.code == 0
    assert "\x1b" not in done.out
    assert max(len(line) + line.count("日") for line in done.out.splitlines()) <= columns


@pytest.mark.slow
def test_a_terminal_gets_colours_unless_it_wants_none(on_terminal, redis_client):
    store(redis_client, "pending", "a")
    command = ("task", "ls", "-q", "mail", "-s", "pending")

    assert "\x1b[1mID" in on_terminal(*command).out
    assert "\x1b" not in on_terminal(*command, NO_COLOR="1").out
    assert "\x1b" not in on_terminal(*command, TERM="dumb").out
