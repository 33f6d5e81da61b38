"""The table of commands tells what is there; nothing more, nothing else."""

import pytest

from pyasynq.cli.commands import COMMANDS
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
