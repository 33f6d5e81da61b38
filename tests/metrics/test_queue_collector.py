"""A collector of queues shows what Redis holds, also where some of it cannot be read."""

import os
import signal
import time

import pytest

from pyasynq.errors import ConfigError
from pyasynq.inspector import Inspector
from pyasynq.measurements.queue_metrics import GO_QUEUE_METRICS
from pyasynq.metrics import QueueCollector, sharing
from pyasynq.metrics.sharing import SharedReading
from pyasynq.wire.keys import queue_keys
from tests.support import every_state
from tests.support.counting_proxy import CountingProxy
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.scraped import labels_of, of, scraped
from tests.support.stored_tasks import store


@pytest.fixture
def inspector(redis_url):
    with Inspector(redis_url) as inspector:
        yield inspector


@pytest.fixture
def filled(redis_client):
    every_state.fill(redis_client, int(time.time()))
    redis_client.set(queue_keys("mail").processed, 547)
    redis_client.set(queue_keys("mail").failed, 30)


@pytest.mark.usefixtures("filled")
def test_every_state_of_every_queue_is_shown_beside_the_totals(inspector):
    samples = scraped(QueueCollector(inspector))

    assert [
        of(samples, "asynq_tasks_enqueued_total", queue="mail", state=state)
        for state in every_state.STATES
    ] == [3] * 7
    assert of(samples, "asynq_queue_size", queue="mail") == 21
    assert of(samples, "asynq_tasks_processed_total", queue="mail") == 547
    assert of(samples, "asynq_tasks_failed_total", queue="mail") == 30
    assert of(samples, "asynq_queue_latency_seconds", queue="mail") >= 95
    assert of(samples, "asynq_queue_memory_usage_approx_bytes", queue="mail") > 0
    assert [of(samples, "asynq_queue_paused_total", queue=each) for each in ("mail", "orders")] == [
        0,
        1,
    ]
    assert [of(samples, "pyasynq_queue_servers", queue=each) for each in ("mail", "empty")] == [
        2,
        0,
    ]
    assert of(samples, "pyasynq_redis_up") == 1


@pytest.mark.usefixtures("filled")
def test_a_queue_with_a_damaged_key_hides_no_other(inspector, redis_client):
    redis_client.delete(queue_keys("mail").scheduled)
    redis_client.set(queue_keys("mail").scheduled, "no sorted set")
    samples = scraped(QueueCollector(inspector))

    assert of(samples, "pyasynq_queue_up", queue="mail") == 0
    assert of(samples, "pyasynq_queue_up", queue="orders") == 1
    for metric in GO_QUEUE_METRICS:
        assert "mail" not in labels_of(samples, metric.name, "queue")
        assert "orders" in labels_of(samples, metric.name, "queue")


@pytest.mark.usefixtures("filled")
@pytest.mark.not_on_a_cluster("names that are listed by hand")
def test_names_that_break_careless_exporters_are_shown(inspector, redis_client):
    names = ['q"\\\n', "z" * 10_000, b"ol\xe9", "a\x00b", " "]
    redis_client.sadd("asynq:queues", *names)

    samples = scraped(QueueCollector(inspector))

    assert len(labels_of(samples, "pyasynq_queue_up", "queue")) == len(names) + 4


@pytest.mark.usefixtures("filled")
def test_only_the_queues_that_are_wanted_are_shown(inspector):
    samples = scraped(QueueCollector(inspector, queues=["orders", "nobody"]))

    assert labels_of(samples, "asynq_queue_size", "queue") == ["orders"]


def test_a_redis_that_refuses_to_tell_sizes_tells_the_rest(redis_server, redis_url, redis_client):
    store(redis_client, "pending", "a", queue="mail")
    rights = ["on", ">s", "~*", "&*", "+@all", "-memory"]
    redis_client.execute_command("ACL", "SETUSER", "blind", *rights)
    try:
        with Inspector(redis_server.tcp_url.replace("//", "//blind:s@")) as inspector:
            samples = scraped(QueueCollector(inspector))
    finally:
        redis_client.execute_command("ACL", "DELUSER", "blind")

    assert of(samples, "asynq_queue_size", queue="mail") == 1
    assert of(samples, "asynq_queue_memory_usage_approx_bytes", queue="mail") is None


def test_a_redis_that_is_away_is_told_and_comes_back(own_redis, monkeypatch, caplog):
    monkeypatch.setattr(sharing, "LIMIT_S", 0.05)
    monkeypatch.setattr(sharing, "KEPT_S", 0)
    with Inspector(own_redis.url) as inspector:
        collector = QueueCollector(inspector)
        eventually(lambda: of(scraped(collector), "pyasynq_redis_up") == 1)
        os.kill(own_redis.pid, signal.SIGSTOP)
        frozen = scraped(collector)
        os.kill(own_redis.pid, signal.SIGCONT)
        eventually(lambda: of(scraped(collector), "pyasynq_redis_up") == 1)

    assert frozen == {("pyasynq_redis_up", ()): 0}


def test_nobody_needs_a_redis_to_make_and_register_a_collector():
    with Inspector(f"redis://127.0.0.1:{free_port()}") as inspector:
        names = [family.name for family in QueueCollector(inspector).describe()]

    assert "asynq_queue_size" in names


def test_scrapes_that_come_together_share_one_reading():
    made = []
    shared = SharedReading(lambda: made.append(1) or ())

    for _ in range(3):
        shared.get()

    assert made == [1]


def test_a_scrape_costs_as_many_round_trips_for_many_queues_as_for_few(redis_server, redis_client):
    def round_trips(queues):
        redis_client.sadd("asynq:queues", *(f"q{number}" for number in range(queues)))
        with CountingProxy(redis_server.port) as proxy, Inspector(proxy.url) as inspector:
            list(QueueCollector(inspector).collect())
            before = proxy.count.round_trips
            list(QueueCollector(inspector).collect())
            return proxy.count.round_trips - before

    assert round_trips(2) == round_trips(90)


@pytest.mark.parametrize("arguments", [("redis://localhost",), (None,)])
def test_what_is_no_inspector_is_refused(arguments):
    with pytest.raises(ConfigError, match="inspector must be an Inspector"):
        QueueCollector(*arguments)


@pytest.mark.parametrize("queues", ["mail", [" "], [3]])
def test_wrong_names_of_queues_are_refused(inspector, queues):
    with pytest.raises(ConfigError):
        QueueCollector(inspector, queues=queues)
