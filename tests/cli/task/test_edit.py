"""`pyasynq task edit` and `reschedule`."""

import sys

import pytest

from pyasynq.wire.message import decode
from tests.support.stored_tasks import store


@pytest.fixture
def payload(redis_client):
    return lambda: decode(redis_client.hget("asynq:{mail}:t:a", "msg")).payload


@pytest.fixture
def editor(monkeypatch, tmp_path):
    """Lets a program written in Python, which gets the path as PATH, be the editor."""

    def use(program):
        script = tmp_path / "editor.py"
        script.write_text(f"import pathlib, sys\nPATH = pathlib.Path(sys.argv[1])\n{program}\n")
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")

    return use


def test_a_payload_is_given_as_text_as_a_file_or_on_stdin(cli, redis_client, payload, tmp_path):
    store(redis_client, "scheduled", "a", payload=b"old")
    file = tmp_path / "new"
    file.write_bytes(b"\xff")

    done = cli("task", "edit", "-q", "mail", "a", "-l", "text")
    first = payload()
    cli("task", "edit", "-q", "mail", "a", "--payload-file", str(file))
    second = payload()
    cli("task", "edit", "-q", "mail", "a", "--payload-file", "-", stdin="piped\n")

    assert done == (0, "Changed the payload of task a\n", "")
    assert (first, second, payload()) == (b"text", b"\xff", b"piped\n")


def test_an_editor_shows_json_with_white_space_and_it_is_stored_without(
    cli, redis_client, payload, editor
):
    store(redis_client, "retry", "a", payload=b'{"n":1.50,"big":12345678901234567890}')
    editor("""
text = PATH.read_text()
assert text == '{\\n  "n": 1.50,\\n  "big": 12345678901234567890\\n}\\n', repr(text)
PATH.write_text(text.replace("1.50", "2.50"))""")

    done = cli("task", "edit", "-q", "mail", "a")

    assert (done.code, done.out) == (0, "Changed the payload of task a\n")
    assert payload() == b'{"n":2.50,"big":12345678901234567890}'


@pytest.mark.parametrize("stored", [b'{"n": 1}', b"plain text", b"", b"lines\n", b"[1 ,2]\n\n"])
def test_what_is_not_edited_is_not_changed(cli, redis_client, payload, editor, stored):
    store(redis_client, "retry", "a", payload=stored)
    editor("PATH.write_text(PATH.read_text())")

    done = cli("task", "edit", "-q", "mail", "a")

    assert done == (0, "", "Nothing was changed.\n")
    assert payload() == stored


@pytest.mark.parametrize(("stored", "kept"), [(b"a", b"ab"), (b"a\n", b"ab\n")])
def test_the_line_break_that_editors_add_is_not_stored(
    cli, redis_client, payload, editor, stored, kept
):
    store(redis_client, "retry", "a", payload=stored)
    editor('PATH.write_text(PATH.read_text().rstrip() + "b\\n")')

    cli("task", "edit", "-q", "mail", "a")

    assert payload() == kept


def test_json_must_stay_json(cli, redis_client, payload, editor):
    store(redis_client, "retry", "a", payload=b"{}")
    editor('PATH.write_text("{")')

    given = cli("task", "edit", "-q", "mail", "a", "-l", "{")
    edited = cli("task", "edit", "-q", "mail", "a")

    assert (given.code, edited.code) == (2, 1)
    for done in (given, edited):
        assert "the payload was JSON, and the new one is not" in done.err
    assert payload() == b"{}"


def test_a_task_that_another_changes_meanwhile_is_a_conflict(
    cli, redis_client, payload, editor, redis_url
):
    store(redis_client, "retry", "a", payload=b"old")
    editor(f"""
from pyasynq import Inspector
with Inspector({redis_url!r}) as inspector:
    inspector.tasks.replace("mail", "a", payload=b"theirs")
PATH.write_text("mine")""")

    done = cli("task", "edit", "-q", "mail", "a")

    assert (done.code, done.out) == (4, "")
    assert "its payload is no longer the one that was expected" in done.err
    assert payload() == b"theirs"


@pytest.mark.parametrize("stored", [b"\xff", b"a\r\nb"])
def test_bytes_that_an_editor_would_change_need_a_file(cli, redis_client, payload, stored):
    store(redis_client, "retry", "a", payload=stored)

    done = cli("task", "edit", "-q", "mail", "a")

    assert done.code == 2
    assert "use --payload-file" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["b", "-l", "x"], 3, "task 'b' is not in queue 'mail'"),
        (["a", "-l", "x", "--payload-file", "y"], 2, "contradict each other"),
        (["a", "--payload-file", "/nowhere"], 2, "cannot be read: No such file"),
        (["a", "-l", "x"], 4, "task 'a' is completed"),
    ],
)
def test_what_cannot_be_edited_is_told(cli, redis_client, arguments, code, told):
    store(redis_client, "completed", "a", payload=b"old")

    done = cli("task", "edit", "-q", "mail", *arguments)

    assert (done.code, done.out) == (code, "")
    assert told in done.err


def test_an_editor_that_cannot_be_started_is_told(cli, redis_client, monkeypatch):
    store(redis_client, "retry", "a", payload=b"old")
    monkeypatch.setenv("VISUAL", "/nowhere/vi")

    done = cli("task", "edit", "-q", "mail", "a")

    assert done.code == 1
    assert "/nowhere/vi" in done.err
    assert "Traceback" not in done.err


def test_tasks_are_due_at_another_time(cli, redis_client):
    for task_id in "ab":
        store(redis_client, "scheduled", task_id)

    at = cli(
        "task", "reschedule", "-q", "mail", "a", "-", "--at", "2033-05-18T03:33:20Z", stdin="b"
    )
    wait = cli("task", "reschedule", "-q", "mail", "a", "--in", "10m")

    assert at.out == (
        "Task a is due at 2033-05-18 03:33:20 UTC\nTask b is due at 2033-05-18 03:33:20 UTC\n"
    )
    assert redis_client.zscore("asynq:{mail}:scheduled", "b") == 2_000_000_000
    assert wait.code == 0
    assert redis_client.zscore("asynq:{mail}:scheduled", "a") != 2_000_000_000


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["a"], 2, "say when, with --at TIME or --in DURATION"),
        (["a", "--in", "1m", "--at", "2033-05-18T03:33:20Z"], 2, "say when"),
        (["a", "--in", "400000000000"], 2, "is too far away"),
        (["a", "--at", "tomorrow"], 2, "is not a time"),
        (["a", "--in", "1m"], 4, "task 'a' is completed"),
        (["b", "--in", "1m"], 3, "task 'b' is not in queue"),
        (["a", "b", "--in", "1m"], 4, "task 'b' is not in queue"),
    ],
)
def test_what_cannot_be_rescheduled_is_told(cli, redis_client, arguments, code, told):
    store(redis_client, "completed", "a")

    done = cli("task", "reschedule", "-q", "mail", *arguments)

    assert (done.code, done.out) == (code, "")
    assert told in done.err
