"""`pyasynq doctor` as people and programs see it."""

import csv
import io
import json

import pytest

from pyasynq.cli.text_width import width_of
from tests.support.golden_state import dump
from tests.support.redis_server import RedisServer
from tests.support.stored_tasks import store

GHOST = """\
error    Queue 'mail' has 1 active ID without a task and without a living
         worker. Servers in Go up to v0.24 take each for a task of queue '' and
         try in vain to archive it, every minute, for ever; on a cluster they
         log "'asynq:{}:t:' and 'asynq:{}:active' not in the same slot".
         (active_without_task)
         To do: `pyasynq doctor --fix --yes` takes them out; a server of pyasynq
         does so by itself. Tasks get lost like that if Redis evicts keys, or if
         somebody deletes them
         - task ids: 1f0c3a
"""
WOULD_HEAL = """
This would be done; add --yes to do it:
- take 1 ID out of the active tasks of queue 'mail'
- take the name '' out of the set of all queues
"""
HEALED = """
Healed:
- take 1 ID out of the active tasks of queue 'mail' (1 of 1)
- take the name '' out of the set of all queues (1 of 1)
Afterwards: 1 warning.
"""


@pytest.fixture
def story(redis_client):
    """What is left where a worker logs for ever that two keys are not in the same slot."""
    redis_client.sadd("asynq:queues", "mail", "")
    redis_client.lpush("asynq:{mail}:active", "1f0c3a")
    redis_client.zadd("asynq:{mail}:lease", {"1f0c3a": 1_000_000_000})
    return redis_client


def test_a_redis_in_order_is_code_0(cli):
    done = cli("doctor", "--role", "worker", "--scan")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].endswith(": 1 warning")
    assert "(persistence_off)" in done.out


def test_an_error_is_code_1_and_fits_the_terminal(on_terminal, story):
    done = on_terminal("doctor", NO_COLOR="1")

    assert done.code == 1
    assert GHOST in done.out
    assert max(map(width_of, done.out.splitlines())) <= 80


def test_fix_alone_changes_nothing_and_tells_what_it_would_do(cli, story):
    before = dump(story)

    done = cli("doctor", "--fix")

    assert (done.code, done.err) == (1, WOULD_HEAL)
    assert dump(story) == before


def test_fix_with_yes_heals_and_the_code_tells_what_is_left(cli, story):
    done = cli("doctor", "--fix", "--yes")

    assert (done.code, done.err) == (0, HEALED)
    assert "active_without_task" in done.out
    assert "active_without_task" not in cli("doctor").out
    assert story.smembers("asynq:queues") == {b"mail"}


def test_nothing_to_heal_is_told(cli):
    assert cli("doctor", "--fix", "--yes").err == "\nThere is nothing that --fix heals.\n"


def test_programs_get_each_finding_with_what_heals_it(cli, story):
    document = json.loads(cli("doctor", "--fix", "--yes", "-o", "json").out)
    by_code = {row["code"]: row for row in document}

    assert by_code["active_without_task"]["fix"] == (
        "take 1 ID out of the active tasks of queue 'mail'"
    )
    assert by_code["active_without_task"]["fixed"] == 1
    assert by_code["active_without_task"]["evidence"]["task_ids"] == ["1f0c3a"]
    assert by_code["instance"]["fix"] is None


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_lines_and_tables_have_a_row_for_each_finding(form, cli, story):
    out = cli("doctor", "-o", form).out
    rows = (
        list(map(json.loads, out.splitlines()))
        if form == "jsonl"
        else list(csv.DictReader(io.StringIO(out)))
    )

    assert [row["code"] for row in rows][-1] == "looked_at"
    assert "active_without_task" in [row["code"] for row in rows]


def test_keys_limit_the_scan(cli, redis_client):
    for number in range(300):
        store(redis_client, "pending", str(number))

    done = cli("doctor", "--keys", "10", "-o", "json")

    assert json.loads(done.out)[-1]["evidence"]["is_scan_complete"] is False


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--yes"], "--yes needs --fix"),
        (["--role", "chef"], "'chef' is not one of"),
        (["--keys", "0"], "0 is not in the range"),
        (["mail"], "unexpected extra argument"),
    ],
)
def test_wrong_arguments_are_code_2(arguments, text, cli):
    done = cli("doctor", *arguments)

    assert done.code == 2
    assert text in done.err


@pytest.mark.usefixtures("impatient")
def test_a_redis_that_is_away_is_code_69(cli):
    server = RedisServer()
    url = server.tcp_url
    server.stop()

    done = cli("doctor", "--redis-url", url)

    assert done.code == 69
    assert "Is Redis running there?" in done.err


def test_the_rights_of_a_role_are_printed_without_a_redis(cli, monkeypatch):
    monkeypatch.setenv("PYASYNQ_REDIS_URL", "redis://127.0.0.1:1/0?namespace=shop")

    done = cli("doctor", "--role", "producer", "--acl")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "ACL SETUSER producer reset resetchannels on >PASSWORD ~shop:queues ~shop:{* &shop:x:due "
    )


def test_rights_are_those_of_a_role(cli):
    done = cli("doctor", "--acl")

    assert done.code == 2
    assert "--acl needs --role" in done.err
