"""The guide to sizing: its settings are ones that a worker takes."""

from pyasynq import App, retry

app = App(lease_duration=10, heartbeat_interval=2, recover_interval=5, retry_delay=retry.fixed(1))


def test_lost_work_comes_back_in_less_than_half_a_minute_with_these_settings():
    config = app.config
    latest = 2 * config.lease_duration + config.heartbeat_interval + config.recover_interval

    assert latest + 1 < 30
