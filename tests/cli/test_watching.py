"""What is watched is shown again and again until Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from pyasynq.cli.watching import show_again
from pyasynq.errors import RedisUnavailableError
from tests.support.stored_tasks import store


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "count"),
    [
        (["stats"], lambda row: row["pending"]),
        (["task", "ls", "-q", "mail", "-s", "pending"], lambda row: len(row["id"])),
    ],
    ids=["stats", "task"],
)
def test_what_is_watched_is_read_again_until_ctrl_c(redis_url, redis_client, command, count):
    store(redis_client, "pending", "a")
    with subprocess.Popen(
        [sys.executable, "-m", "pyasynq", *command, "-o", "jsonl", "--watch", "1"],
        env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        seen = [count(json.loads(process.stdout.readline())) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        _rest, errors = process.communicate(timeout=20)

    assert seen == [1, 1]
    assert (process.returncode, errors.strip()) == (130, "")


@pytest.mark.long
def test_what_is_watched_goes_stale_while_redis_is_away_and_comes_back(own_redis):
    url = f"{own_redis.tcp_url}?connect_timeout=1"
    with subprocess.Popen(
        [sys.executable, "-m", "pyasynq", "stats", "-o", "csv", "--watch", "1"],
        env={**os.environ, "PYASYNQ_REDIS_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        client = own_redis.client()
        client.sadd("asynq:queues", "mail")
        while not process.stdout.readline().startswith("mail,"):
            pass
        client.close()
        own_redis.kill()
        stale = process.stderr.readline()
        own_redis.start()
        client = own_redis.client()
        client.sadd("asynq:queues", "ads")
        client.close()
        back = process.stderr.readline()
        while not process.stdout.readline().startswith("ads,"):
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert re.match(r"stale since \d{4}-\d\d-\d\d .* UTC: redis is not available", stale)
    assert back == "redis is back\n"
    assert process.returncode == 130


def watched(*answers):
    """Watch until there are no more answers; return what was shown."""
    left, shown = list(answers), []

    def read():
        answer = left.pop(0) if left else KeyboardInterrupt()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    with pytest.raises((KeyboardInterrupt, RedisUnavailableError)):
        show_again(0, read, shown.append)
    return shown


def test_an_outage_is_told_once_and_what_was_read_last_stays(capsys):
    away = RedisUnavailableError("redis is not available: gone", tried="often")

    shown = watched(1, 2, away, away, 3, away, 4)

    told = capsys.readouterr().err.splitlines()
    assert shown == [1, 2, 3, 4]
    assert [line[:11] for line in told] == ["stale since", "redis is ba"] * 2
    assert told[0].endswith(": redis is not available: gone; trying again until Ctrl-C")


def test_without_a_redis_at_first_nothing_is_watched():
    assert watched(RedisUnavailableError("redis is not available")) == []


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_wrong_number_of_seconds_is_wrong_usage(cli, seconds):
    assert cli("stats", "--watch", seconds).code == 2
