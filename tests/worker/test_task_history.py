"""The settings of the history are checked at once."""

import re

import pytest

from pyasynq import ServerConfig, TaskHistory
from pyasynq.errors import ConfigError


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("attempts", each) for each in (0, 1001, 1.5, True, "20", None)),
        *(("keep", each) for each in (0, -1, "7d", float("nan"), None)),
        *(("keep_deleted", each) for each in (-1, "x", None)),
        *(("tasks", each) for each in (0, 1_000_001, False)),
        *(("traceback_size", each) for each in (-1, 65_537, "8k")),
        *(("redact", each) for each in (7, "text")),
    ],
)
def test_a_wrong_setting_is_named(setting, value):
    with pytest.raises(ConfigError, match=rf"^{setting} "):
        TaskHistory(**{setting: value})


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        TaskHistory(attempts=0, keep=0, tasks=0)

    assert len(re.findall(r"attempts|keep |tasks", str(caught.value))) == 3


def test_a_server_takes_a_history_or_none():
    assert ServerConfig(task_history=TaskHistory(attempts=3)).task_history.attempts == 3
    for wrong in (True, 20, TaskHistory):
        with pytest.raises(ConfigError, match=r"task_history must be a TaskHistory or None"):
            ServerConfig(task_history=wrong)


def test_the_environment_turns_a_history_on():
    config = ServerConfig.from_env({"PYASYNQ_TASK_HISTORY": "true", "PYASYNQ_TYPE_STATISTICS": "1"})

    assert (config.task_history, config.type_statistics) == (TaskHistory(), True)
    assert ServerConfig.from_env({"PYASYNQ_TASK_HISTORY": "false"}).task_history is None
    with pytest.raises(ConfigError, match="use true or false"):
        ServerConfig.from_env({"PYASYNQ_TASK_HISTORY": "20"})
