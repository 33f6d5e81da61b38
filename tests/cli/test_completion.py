"""Shells complete commands, options, and names that are read from Redis."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pyasynq.cli import live_words
from tests.support.stored_tasks import store

FOLDER = Path(sys.executable).parent
# Calls what `complete` has registered, as bash does when the user presses the tab key.
IN_BASH = """
source <(pyasynq completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
$(complete -p pyasynq | sed 's/.*-F \\([^ ]*\\).*/\\1/') pyasynq "${COMP_WORDS[-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
IN_ZSH = """
autoload -Uz compinit && compinit -u -d "$PWD/dump"
source <(pyasynq completion zsh)
[[ ${_comps[pyasynq]} == _pyasynq_completion ]] && print registered
"""
IN_FISH = """
pyasynq completion fish | source
complete --do-complete "$argv"
"""


def environment(url, **more):
    path = f"{FOLDER}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYASYNQ_REDIS_URL": url, **more}


@pytest.fixture
def completed(redis_url):
    """Returns what a real bash offers for a line that was begun."""

    def run(*words, url=redis_url):
        done = subprocess.run(
            ["bash", "--norc", "-c", IN_BASH, "bash", "pyasynq", *words],
            env=environment(url),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return run


WORDS = {
    "commands": (["ta"], ["task"]),
    "verbs": (["task", "re"], ["reschedule"]),
    "options": (["task", "list", "--new"], ["--newest-first"]),
    "states": (["task", "ls", "-s", "ar"], ["archived"]),
    "states that fit": (["task", "runall", "-s", "pen"], []),
    "choices": (["task", "export", "-o", "js"], ["json", "jsonl"]),
    "nothing known": (["nonsense", "x"], []),
    "queues": (["task", "ls", "-q", "ma"], ["mail", "mails"]),
    "more queues": (["queue", "pause", "mail", "ad"], ["ads"]),
    "groups": (["task", "ls", "-q", "mail", "-g", ""], ["g1"]),
    "types": (["task", "enqueue", "-t", "email:"], ["email:new", "email:old"]),
    "nothing that asks": (["task", "ls", "--ask-password", "-q", "ma"], []),
}
QUICK = ("verbs", "queues", "types")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [each if each in QUICK else pytest.param(each, marks=pytest.mark.long) for each in WORDS],
)
def test_bash_completes(kind, completed, redis_client):
    store(redis_client, "pending", "a", type="email:new")
    store(redis_client, "archived", "b", type="email:old", queue="mails")
    store(redis_client, "aggregating", "c", group="g1")
    redis_client.sadd("asynq:queues", "ads", "mail\x1b[2J")
    words, offered = WORDS[kind]

    assert completed(*words) == offered


@pytest.mark.long
def test_a_redis_that_is_not_there_offers_nothing_and_prints_nothing(completed, tmp_path):
    assert completed("task", "ls", "-q", "m", url=f"unix://{tmp_path}/nobody") == []
    assert completed("task", "ls", "-q", "m", url="nonsense") == []


def test_a_redis_that_does_not_answer_is_not_waited_for(own_redis, monkeypatch, cli):
    monkeypatch.setenv("PYASYNQ_REDIS_URL", own_redis.tcp_url)
    waits = []
    monkeypatch.setattr(live_words.Thread, "join", lambda _self, limit: waits.append(limit))

    command = click.Command("x")

    assert live_words.queue_names(click.Context(command), click.Option(["-q"]), "") == []
    assert waits == [0.2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(cli, shell):
    done = cli("completion", shell)

    assert (done.code, done.err) == (0, "")
    assert f"_PYASYNQ_COMPLETE={shell}_complete" in done.out


@pytest.mark.long
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is absent")
def test_zsh_reads_its_script(redis_url, tmp_path):
    done = subprocess.run(
        ["zsh", "-f", "-c", IN_ZSH],
        env=environment(redis_url),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("registered\n", "")


@pytest.mark.long
@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is absent")
def test_fish_completes_commands(redis_url):
    done = subprocess.run(
        ["fish", "--no-config", "-c", IN_FISH, "pyasynq ta"],
        env=environment(redis_url),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split()[0] == "task"


def test_a_shell_that_is_not_known_is_wrong_usage(cli):
    assert cli("completion", "tcsh").code == 2
