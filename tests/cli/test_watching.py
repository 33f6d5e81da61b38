"""What is watched is shown again and again until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_wrong_number_of_seconds_is_wrong_usage(cli, seconds):
    assert cli("stats", "--watch", seconds).code == 2
