"""`pyasynq task export` and `import`."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.eventually import eventually
from tests.support.golden_state import dump
from tests.support.stored_tasks import store

ENTRY = '{"format":1,"queue":"mail","id":"%s","state":"pending","type":"email"}\n'


def test_what_is_exported_to_stdout_is_imported_from_stdin(cli, redis_client):
    store(redis_client, "pending", "a", payload="é".encode())
    store(redis_client, "archived", "b", payload=b"\xff")
    before = dump(redis_client)

    exported = cli("task", "export")
    redis_client.flushall()
    imported = cli("task", "import", stdin=exported.out)

    assert (exported.code, exported.err) == (0, "Exported 2 tasks\n")
    assert imported == (0, "Imported 2 tasks\n", "")
    assert dump(redis_client) == before


def test_a_file_is_written_and_read(cli, redis_client, tmp_path):
    store(redis_client, "pending", "a")
    store(redis_client, "retry", "b")
    file = str(tmp_path / "tasks.jsonl")

    exported = cli("task", "export", "-q", "mail", "-s", "retry", file)
    again = cli("task", "import", file)
    redis_client.flushall()
    imported = cli("task", "import", file, "-q", "ads")

    assert exported == (0, f"Exported 1 task to {file}\n", "")
    assert again == (0, "Imported 0 tasks, skipped 1 that are there\n", "")
    assert imported.out == "Imported 1 task\n"
    assert redis_client.zrange("asynq:{ads}:retry", 0, -1) == [b"b"]
    assert [each.name for each in tmp_path.iterdir()] == ["tasks.jsonl"]


@pytest.mark.parametrize("chosen", [["-g", "g"], ["-i", "c"], ["-s", "aggregating"]])
def test_a_group_and_a_task_can_be_chosen(cli, redis_client, chosen):
    store(redis_client, "pending", "a")
    store(redis_client, "aggregating", "c", group="g")

    done = cli("task", "export", "-q", "mail", *chosen)

    assert [json.loads(line)["id"] for line in done.out.splitlines()] == ["c"]


def test_counts_are_there_for_programs(cli, redis_client, tmp_path):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.lpush("asynq:{mail}:pending", "ghost")
    file = str(tmp_path / "tasks.jsonl")

    exported = cli("task", "export", file, "-o", "json")
    imported = cli("task", "import", "-o", "json", "--dry-run", stdin=ENTRY % "a" + "?\n")

    assert json.loads(exported.out) == {"exported": 0, "damaged": 1, "file": file}
    assert exported.err == (
        "task 'ghost' of queue 'mail': it is listed, but there is no such task\n"
    )
    assert json.loads(imported.out) == {
        "imported": 1,
        "renamed": 0,
        "skipped": 0,
        "bad": 1,
        "lines": 2,
    }
    assert redis_client.keys("*t:*") == []


def test_counts_do_not_mix_with_tasks(cli):
    done = cli("task", "export", "-o", "json")

    assert (done.code, done.out) == (2, "")
    assert "name a FILE" in done.err


def test_bad_lines_are_told_and_the_others_stored(cli, redis_client):
    some = cli("task", "import", stdin=ENTRY % "a" + "\x00\n" + ENTRY % "b")
    none = cli("task", "import", stdin="?\n")

    assert (some.code, some.out) == (5, "Imported 2 tasks, 1 bad line\n")
    assert some.err.startswith("Error: line 2: it is not a task: ")
    assert (none.code, none.out) == (1, "Imported 0 tasks, 1 bad line\n")
    assert redis_client.llen("asynq:{mail}:pending") == 2


@pytest.mark.parametrize(
    ("on_conflict", "code", "told"),
    [
        ("skip", 0, "Imported 1 task, skipped 1 that are there\n"),
        ("fail", 4, ""),
        ("new-id", 0, "Imported 2 tasks (1 under new IDs)\n"),
    ],
)
def test_conflicts_are_solved_as_it_is_said(cli, redis_client, on_conflict, code, told):
    store(redis_client, "pending", "a")

    done = cli("task", "import", "--on-conflict", on_conflict, stdin=ENTRY % "a" + ENTRY % "b")

    assert (done.code, done.out) == (code, told)
    assert ("line 1: task 'a' is already in queue" in done.err) == (code == 4)
    assert redis_client.exists("asynq:{mail}:t:b") == (code == 0)


def test_running_tasks_may_stay_active(cli, redis_client):
    entry = ENTRY.replace("pending", "active")

    cli("task", "import", "--active", "active", stdin=entry % "a")
    cli("task", "import", stdin=entry % "b")

    assert redis_client.lrange("asynq:{mail}:active", 0, -1) == [b"a"]
    assert redis_client.lrange("asynq:{mail}:pending", 0, -1) == [b"b"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["import", "/nowhere/x"], 2, "cannot be read: No such file"),
        (["export", "/nowhere/x"], 1, "No such file"),
        (["export", "-q", "ads"], 3, "queue 'ads' does not exist"),
        (["export", "-i", "a"], 2, "name the queue as well"),
        (["export", "-q", "mail", "-i", "b"], 3, "task 'b' is not in queue"),
        (["import", "--on-conflict", "skp"], 2, "'skp' is not one of"),
        (["export", "-s", "retri"], 2, "did you mean 'retry'?"),
    ],
)
def test_what_is_wrong_is_told(cli, redis_client, arguments, code, told):
    store(redis_client, "pending", "a")

    done = cli("task", *arguments)

    assert (done.code, done.out) == (code, "")
    assert told in done.err


def test_a_failed_export_leaves_the_old_file_alone(cli, redis_client, tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text("old")

    done = cli("task", "export", "-q", "nowhere", str(file))

    assert done.code == 3
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["tasks.jsonl"]


def is_silent(client):
    """Return whether no other client has sent anything for a second."""
    others = [each for each in client.client_list() if int(each["id"]) != client.client_id()]
    return all(int(each["idle"]) >= 1 for each in others)


@pytest.mark.slow
def test_an_import_that_is_stopped_tells_how_far_it_came_and_goes_on(redis_url, redis_client):
    lines = [ENTRY % f"t{number}" for number in range(300)]
    command = [sys.executable, "-m", "pyasynq", "task", "import"]
    environment = {**os.environ, "PYASYNQ_REDIS_URL": redis_url}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write("".join(lines[:250]))
        process.stdin.flush()
        eventually(lambda: redis_client.llen("asynq:{mail}:pending") == 200)
        eventually(lambda: is_silent(redis_client))  # it has the answer, and waits for lines
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        process.stdin.close()
    again = subprocess.run(
        command, env=environment, input="".join(lines), capture_output=True, text=True, check=True
    )

    assert process.returncode == 130
    assert told.strip() == "Stopped after 200 tasks; run it again to go on."
    assert again.stdout == "Imported 100 tasks, skipped 200 that are there\n"


@pytest.mark.slow
def test_json_is_utf8_whatever_the_locale_is(redis_url, redis_client):
    store(redis_client, "pending", "a", payload="日本".encode())

    done = subprocess.run(
        [sys.executable, "-m", "pyasynq", "task", "export"],
        env={**os.environ, "PYASYNQ_REDIS_URL": redis_url, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )

    assert json.loads(done.stdout)["payload"] == "日本"


@pytest.mark.slow
def test_a_terminal_shows_how_far_it_is(on_terminal, redis_client, tmp_path):
    for number in range(250):
        store(redis_client, "archived", f"t{number}")
    file = str(tmp_path / "tasks.jsonl")

    exported = on_terminal("task", "export", "-q", "mail", file)
    redis_client.flushall()
    imported = on_terminal("task", "import", file)
    alone = on_terminal("task", "import")

    assert f"[{'#' * 19}.....]  80%  200 of 250" in exported.out
    assert f"[{'#' * 19}.....]  80%" in imported.out
    assert (alone.code, "pipe it in" in alone.out) == (2, True)
