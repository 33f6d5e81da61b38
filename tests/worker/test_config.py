"""Settings of a server."""

from datetime import timedelta

import pytest

from pyasynq.errors import ConfigError
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.setting import read_queues


def test_defaults_are_those_of_go():
    config = ServerConfig()

    assert (config.concurrency, dict(config.queues)) == (10, {"default": 1})
    assert (config.shutdown_timeout, config.lease_duration) == (8.0, 30.0)
    assert (config.heartbeat_interval, config.recover_interval) == (5.0, 60.0)
    assert config.max_payload_size == 1_048_576
    assert (config.archive_max_size, config.archive_max_age) == (9_999, timedelta(days=90))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"concurrency": 0}, "concurrency must be a whole number from 1"),
        ({"concurrency": True}, "concurrency"),
        ({"queues": {}}, "queues must map at least one name"),
        ({"queues": {" ": 1}}, "queue must not be blank"),
        ({"queues": {"mail": 0}}, "priority of queue 'mail'"),
        ({"queues": ["mail"]}, "queues must map"),
        ({"shutdown_timeout": -1}, "shutdown_timeout must be at least 0 s"),
        ({"lease_duration": 0.5}, "lease_duration must be at least 1 s"),
        ({"heartbeat_interval": 20}, "at most half of lease_duration"),
        ({"task_check_interval": "1s"}, "task_check_interval must be a timedelta"),
        ({"retry_delay": 5}, "retry_delay must be callable"),
        ({"janitor_batch_size": 501}, "janitor_batch_size must be a whole number from 1 to 500"),
        ({"thread_pool_size": 0}, "thread_pool_size"),
        ({"max_payload_size": 0}, "max_payload_size must be a whole number of bytes from 1"),
        ({"max_payload_size": (512 << 20) + 1}, "from 1 to 536870912"),
        ({"max_payload_size": True}, "max_payload_size"),
        ({"max_payload_size": 1e6}, "max_payload_size"),
    ],
)
def test_a_wrong_setting_is_named(settings, fault):
    with pytest.raises(ConfigError, match=fault):
        ServerConfig(**settings)


def test_every_fault_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        ServerConfig(concurrency=0, queues={}, cancel_grace=-1)

    assert len(caught.value.faults) == 3


def test_settings_are_read_from_the_environment():
    config = ServerConfig.from_env(
        {
            "PYASYNQ_CONCURRENCY": "50",
            "PYASYNQ_QUEUES": "critical=6, default=3,low",
            "PYASYNQ_STRICT_PRIORITY": "true",
            "PYASYNQ_LEASE_DURATION": "12.5",
            "PYASYNQ_MAX_PAYLOAD_SIZE": "4096",
        },
        concurrency=7,
    )

    assert config.concurrency == 7
    assert config.queues == {"critical": 6, "default": 3, "low": 1}
    assert config.strict_priority
    assert config.lease_duration == 12.5


def test_every_wrong_variable_is_named():
    with pytest.raises(ConfigError) as caught:
        ServerConfig.from_env({"PYASYNQ_CONCURRENCY": "many", "PYASYNQ_STRICT_PRIORITY": "maybe"})

    assert [fault.partition("=")[0] for fault in caught.value.faults] == [
        "PYASYNQ_CONCURRENCY",
        "PYASYNQ_STRICT_PRIORITY",
    ]


def test_a_setting_that_is_given_beside_the_environment_must_be_known():
    with pytest.raises(ConfigError, match="unknown setting 'workers'; did you mean 'concurrency'"):
        ServerConfig.from_env({}, workers=5)


@pytest.mark.parametrize("text", ["mail=2,low=1", " mail = 2 , low", "mail=2,,low=1,"])
def test_queues_are_read_whatever_the_spaces_are(text):
    assert read_queues(text) == {"mail": 2, "low": 1}


@pytest.mark.parametrize("text", ["mail=high", "mail=1,mail=2", "mail=1,mail = 2"])
def test_queues_that_cannot_be_read_are_refused(text):
    with pytest.raises(ValueError, match=r"whole number|twice"):
        read_queues(text)
