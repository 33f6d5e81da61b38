"""The table of commands tells what is there; nothing more, nothing else."""

import shlex

import click
import pytest

from pyasynq.cli.commands import COMMANDS, OTHER_COMMANDS
from pyasynq.cli.examples import EXAMPLES
from pyasynq.cli.lazy_group import loaded

EACH = {
    **{name: each for name, each in COMMANDS.items() if not each.verbs},
    **{f"{noun} {verb}": each for noun in COMMANDS for verb, each in COMMANDS[noun].verbs.items()},
}
# asynq v0.26 tools/asynq/cmd: every command and alias.
OF_GO = (
    *("stats", "queue ls", "queue list", "queue inspect", "queue history", "queue pause"),
    *("queue resume", "queue unpause", "queue remove", "queue rm", "queue delete"),
    *("task ls", "task list", "task inspect", "task cancel", "task archive", "task delete"),
    *("task rm", "task remove", "task run", "task archiveall", "task deleteall", "task runall"),
    *("task enqueue", "server ls", "server list", "cron ls", "cron list", "cron history"),
    *("group ls", "group list", "dash"),
)


@pytest.mark.parametrize("name", EACH)
def test_the_summary_is_the_first_line_of_the_help(name):
    command = loaded(name, EACH[name])

    assert command.help.partition("\n")[0] == EACH[name].summary
    assert command.name == name.rpartition(" ")[2]


@pytest.mark.parametrize("name", OF_GO)
def test_every_command_of_go_is_there(cli, name):
    done = cli(*name.split(), "--help")

    assert done.code == 0
    assert done.out.startswith(f"Usage: pyasynq {name} ")


@pytest.mark.parametrize("name", EACH)
def test_help_fits_a_small_terminal(cli, name):
    done = cli(*name.split(), "--help")

    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["quue"], "queue"),
        (["tasks"], "task"),
        (["task", "cncel"], "cancel"),
        (["task", "archveall"], "archiveall"),
        (["start"], "worker"),
        (["beat"], "scheduler"),
        (["flower"], "web"),
        (["task", "retry"], "run"),
        (["queue", "unpase"], "unpause"),
    ],
)
def test_a_mistyped_noun_or_verb_is_told_with_what_may_be_meant(cli, typed, meant):
    done = cli(*typed)

    assert (done.code, done.out) == (2, "")
    assert f"Did you mean '{meant}'?" in done.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["task", "ls", "--quue", "mail"], "--queue"),
        (["stats", "--wach"], "--watch"),
        (["--redis-ulr", "redis://x", "stats"], "--redis-url"),
        (["task", "import", "--on-conflit", "skip"], "--on-conflict"),
    ],
)
def test_a_mistyped_option_is_told_with_what_may_be_meant(cli, typed, meant):
    done = cli(*typed)

    assert (done.code, done.out) == (2, "")
    assert "No such option" in done.err
    assert meant in done.err


@pytest.mark.parametrize(
    ("typed", "meant"), [("archivedd", "archived"), ("scheduledd", "scheduled"), ("retri", "retry")]
)
@pytest.mark.parametrize("verb", ["ls", "export", "runall"])
def test_a_mistyped_state_is_told_with_what_may_be_meant(cli, verb, typed, meant):
    done = cli("task", verb, "-q", "mail", "-s", typed)

    assert (done.code, done.out) == (2, "")
    assert f"did you mean '{meant}'?" in done.err


def test_a_noun_alone_shows_its_verbs(cli):
    done = cli("queue")

    assert done.code == 2
    assert "remove, rm, delete" in done.err


def test_every_command_has_an_example():
    assert sorted(EXAMPLES) == sorted(EACH)


def canonical(words):
    """Return the name in full of the command that *words* begin with, and the words after it."""
    noun, *rest = words
    if not COMMANDS[noun].verbs:
        return noun, rest
    verbs = COMMANDS[noun].verbs
    verb = next(name for name, each in verbs.items() if rest[0] in (name, *each.aliases))
    return f"{noun} {verb}", rest[1:]


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "completion"])
def test_examples_are_what_the_command_takes(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archived.jsonl").touch()
    for example in EXAMPLES[name]:
        program, *words = shlex.split(example)
        found, arguments = canonical(words)

        assert (program, found) == ("pyasynq", name)
        with click.Context(loaded(name, EACH[name])):
            loaded(name, EACH[name]).make_context(name, arguments)


def test_the_help_of_a_verb_ends_with_its_examples(cli):
    done = cli("task", "ls", "--help")

    assert done.out.endswith(
        "Examples:\n"
        "    pyasynq task ls -q default -s archived\n"
        "    pyasynq task ls -q default -s pending --watch\n"
    )


def test_a_command_of_another_tool_is_told_as_one_of_ours():
    for word, ours in OTHER_COMMANDS.items():
        noun, _, verb = word.rpartition(" ")
        known = COMMANDS[noun].verbs if noun else COMMANDS

        assert verb not in known
        assert ours in known


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("task", "ls"), "`pyasynq queue ls` shows all queues; `pyasynq task search` looks in all"),
        (("task", "ls", "-q", "default"), "It is one of active, pending, aggregating, scheduled"),
    ],
)
def test_an_option_that_is_missing_is_told_with_what_it_may_be(cli, words, told):
    done = cli(*words)

    assert done.code == 2
    assert told in done.err


def test_another_type_does_not_change_how_a_queue_is_shown(cli):
    assert (
        "-q, --queue TEXT                The queue.  [required]" in cli("task", "ls", "--help").out
    )
