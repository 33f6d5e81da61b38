"""What `/healthz` and `/readyz` of a worker process say through outages, stops and blocks."""

import os
import signal

import pytest
import redis

from pyasynq.client import Client
from pyasynq.task import Task
from tests.faults.health_watch import HealthWatch
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def watch(tmp_path, own_redis):
    with HealthWatch(tmp_path, own_redis.tcp_url, "-c", "2") as watch:
        yield watch
        print(f"\n{watch.table()}")


def enqueue(server, *tasks, **options):
    with Client(server.url) as client:
        for each in tasks:
            client.enqueue(each, **options)


def test_from_the_start_through_outages_to_the_last_handler(watch, own_redis):
    watch.until(200, 503, "its App is loading")
    watch.until(200, 503, "its lifespan goes on")
    watch.touch("go")
    watch.until(200, 200)

    own_redis.kill()
    watch.until(200, 503, "redis does not answer")
    own_redis.start()
    watch.until(200, 200)

    os.kill(own_redis.pid, signal.SIGSTOP)
    watch.until(200, 503, "redis does not answer")
    os.kill(own_redis.pid, signal.SIGCONT)
    watch.until(200, 200)

    with own_redis.client() as client:
        client.replicaof("127.0.0.1", str(own_redis.port))
        watch.until(200, 503, "redis is a replica and takes no writes")
        client.replicaof("NO", "ONE")
        watch.until(200, 200)

        client.client_pause(4000)
        watch.until(200, 503, "redis does not answer")
        watch.until(200, 200)
    assert set(watch.codes_since(0)) == {200}  # no outage is a reason to restart

    enqueue(own_redis, Task("wait"))
    eventually((watch.folder / "waits").exists)
    watch.process.send_signal(signal.SIGTSTP)
    watch.until(200, 503, "it was told to fetch nothing more")
    watch.process.send_signal(signal.SIGTERM)
    watch.until(200, 503, "it shuts down")
    watch.touch("end")
    assert watch.process.wait(30) == 0
    assert set(watch.codes_since(0)) == {200}


def test_a_loop_that_is_blocked_for_2_s_stays_alive_and_one_for_15_s_does_not(watch, own_redis):
    watch.touch("go")
    watch.until(200, 200)
    began = len(watch.states)

    enqueue(own_redis, Task("block", b'{"seconds": 2}'))
    watch.until(200, 503, "its event loop does not turn")
    watch.until(200, 200)
    short = watch.codes_since(began)
    enqueue(own_redis, Task("block", b'{"seconds": 15}'))
    watch.until(200, 503, "its event loop does not turn")
    waited_s = watch.until(503, 503, "its event loop does not turn")
    watch.until(200, 200)

    assert set(short) == {200}
    assert waited_s > 5


def test_slots_that_are_all_stuck_make_it_unready_until_one_is_free(watch, own_redis):
    watch.touch("go")
    watch.until(200, 200)

    enqueue(own_redis, Task("stick"), Task("stick"), timeout=1, max_retry=0)
    watch.until(200, 503, "every slot is taken by a handler that does not end")
    watch.touch("loose")
    watch.until(200, 200)


def test_without_redis_at_the_start_it_is_alive_until_it_gives_up(tmp_path, own_redis):
    own_redis.kill()

    with HealthWatch(tmp_path, own_redis.tcp_url) as watch:
        watch.until(200, 503, "it connects to redis")
        code = watch.process.wait(60)
        print(f"\n{watch.table()}")

    assert code == 69
    assert set(watch.codes_since(0)) == {200}


def test_only_the_connections_that_subscribe_are_cut(tmp_path, own_redis):
    with ChaosProxy(own_redis.port) as proxy, HealthWatch(tmp_path, proxy.url) as watch:
        watch.touch("go")
        watch.until(200, 200)
        with redis.Redis(port=own_redis.port) as client:
            eventually(lambda: client.pubsub_numsub("asynq:cancel")[0][1] == 1)
            proxy.refuse()
            client.client_kill_filter(_type="pubsub")
            watch.until(200, 503, "cancellations do not arrive: it is not subscribed")
            proxy.accept()
            watch.until(200, 200)
        print(f"\n{watch.table()}")


def test_several_processes_are_ready_together_and_one_that_is_blocked_is_seen(tmp_path, own_redis):
    with HealthWatch(tmp_path, own_redis.tcp_url, "--processes", "2") as watch:
        watch.touch("go")
        watch.until(200, 200)
        enqueue(own_redis, Task("block", b'{"seconds": 15}'))
        watch.until(200, 503, "its event loop does not turn")
        watch.until(503, 503, "its event loop does not turn")
        watch.until(200, 200)
        own_redis.kill()
        watch.until(200, 503, "process 2: redis does not answer")
        own_redis.start()
        watch.until(200, 200)
        watch.process.send_signal(signal.SIGTERM)
        assert watch.process.wait(30) == 0
        print(f"\n{watch.table()}")
