"""Prometheus reads what is in the queues from the web UI, as whoever may look."""

import asyncio
import os
import signal

import pytest

from pyasynq.metrics import sharing
from pyasynq.web import create_app, hash_password
from pyasynq.web.rest import scrape
from tests.support.scraped import of, samples_of
from tests.support.web import Web


@pytest.mark.usefixtures("now_s")
async def test_queues_are_shown_also_below_a_prefix(make_web):
    web = make_web(root_path="/tasks")

    answers = [await web.ask("GET", path) for path in ("/metrics", "/tasks/metrics")]

    for answer in answers:
        assert of(samples_of(answer.text), "asynq_queue_size", queue="mail") == 21


async def test_prometheus_logs_in_with_a_name_and_a_password_and_needs_the_role_read(make_web):
    settings = {"auth": ("prometheus", hash_password("secret"))}
    web, none = make_web(access="read", **settings), make_web(access="none", **settings)
    login = {"auth": ("prometheus", "secret"), "headers": {}}

    assert (await web.ask("GET", "/metrics", **login)).status_code == 200
    assert (await web.ask("GET", "/metrics", headers={})).status_code == 401
    assert (await none.ask("GET", "/metrics", **login)).status_code == 403


async def test_it_can_be_switched_off_and_says_what_is_missing(make_web, monkeypatch):
    off = await make_web(metrics=False).ask("GET", "/metrics")
    monkeypatch.setattr(scrape, "has_extra", lambda: False)
    missing = await make_web().ask("GET", "/metrics")

    assert (off.status_code, off.text) == (404, f"{scrape.SWITCHED_OFF}\n")
    assert (missing.status_code, missing.text.count("\n")) == (501, 1)
    assert "pip install 'pyasynq[metrics]'" in missing.text


async def test_a_redis_that_hangs_is_told_in_time(own_redis, monkeypatch):
    monkeypatch.setattr(sharing, "LIMIT_S", 0.05)
    web = Web(create_app(own_redis.url))
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        answers = await asyncio.gather(*(web.ask("GET", "/metrics") for _ in range(3)))
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    await web.close()

    assert {samples_of(each.text)["pyasynq_redis_up", ()] for each in answers} == {0}
