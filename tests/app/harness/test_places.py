"""Where tests keep their tasks: a place of their own each, in a private Redis or in the user's."""

import pytest
import redis

from pyasynq.app import App
from pyasynq.app.harness import places
from pyasynq.client import Client
from pyasynq.errors import ConfigError, RedisUnavailableError
from pyasynq.task import Task
from pyasynq.testing import private_redis, use_redis
from tests.support.ports import free_port

shop, office = App(name="shop"), App(name="office", queues={"default": 1, "mail": 2})


@shop.task(unique=600)
def order(number: int) -> None: ...


@office.task(queue="mail", process_in=60, retention=60)
def letter(to: str) -> str:
    return f"to {to}"


@office.task(group="g")
def item() -> None: ...


@office.aggregator("g")
def together(group: str, tasks: list[Task]) -> Task | None:
    return letter.bind(f"{len(tasks)} people")


@office.periodic("@every 1h", key="hourly")
def hourly() -> None: ...


@pytest.fixture
def given_redis(redis_url):
    """A Redis of the user's, named as the pytest plugin does."""
    yield redis_url
    use_redis(None)


def test_two_apps_in_one_test_do_not_see_each_other():
    with shop.testing() as one, office.testing() as two:
        order.enqueue(1)
        letter.enqueue("Ann")

        assert [each.type for each in one.tasks()] == ["order"]
        assert [each.type for each in two.tasks()] == ["letter"]
        assert [each.type for each in two.run_all()] == ["letter"]
        assert [each.type for each in one.run_all()] == ["order"]


def test_a_harness_inside_another_one_begins_empty_and_leaves_the_outer_one_as_it_was():
    with shop.testing() as outer:
        order.enqueue(1)
        with shop.testing() as inner:
            assert inner.tasks() == []
            order.enqueue(2)
        order.enqueue(3)

        assert [each.arguments for each in outer.tasks()] == [{"number": 1}, {"number": 3}]


def test_a_private_redis_is_another_one_than_that_of_a_harness():
    with shop.testing() as harness, private_redis() as url, Client(url) as client:
        client.enqueue(Task("other"))
        order.enqueue(1)

        assert [each.type for each in harness.tasks()] == ["order"]


def test_a_test_leaves_nothing_to_the_next_one():
    with private_redis() as url, Client(url) as client:
        client.enqueue(Task("one"), task_id="one")
    with private_redis() as url, Client(url) as client:
        client.enqueue(Task("one"), task_id="one")


def test_so_many_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(places, "_free", [])

    with pytest.raises(ConfigError, match="16 tests use the private redis at once"):
        shop.testing().__enter__()


def test_all_of_a_harness_works_in_a_part_of_the_redis_of_the_user(given_redis, redis_client):
    redis_client.set("own", "data", ex=1000)
    redis_client.sadd("asynq:queues", "default")
    before = everything(redis_client)
    use_redis(given_redis, may_hold_data=True)

    with office.testing() as harness:
        letter.options(unique=60).enqueue("Ann")
        item.enqueue()
        item.enqueue()
        harness.clock.advance(3600)
        harness.run_all(raises=True)

        harness.assert_enqueued(hourly, times=1)
        assert [each.result for each in harness.handled if each.type == "letter"] == [
            "to Ann",
            "to 2 people",
        ]
        new = set(everything(redis_client)) - set(before)
        assert new
        assert {key.split(b"-")[0] + b"-test" for key in new} == {b"pyasynq-test"}

    assert everything(redis_client) == before
    assert redis_client.ttl("own") > 900


def test_a_redis_that_holds_data_is_refused_unless_that_is_allowed(given_redis, redis_client):
    redis_client.set("own", "data")
    use_redis(given_redis)

    with pytest.raises(ConfigError, match=r"holds data, such as the key 'own'.*-redis-shared"):
        shop.testing().__enter__()
    assert redis_client.keys() == [b"own"]


def test_processes_of_one_test_run_share_a_redis(given_redis, redis_client):
    redis_client.set("pyasynq-test-0123456789ab:of-another-process", 1)
    use_redis(given_redis)

    with shop.testing() as one, shop.testing() as two:
        assert one.url != two.url
        assert two.tasks() == []
    assert redis_client.keys() == [b"pyasynq-test-0123456789ab:of-another-process"]


def test_a_namespace_of_the_url_is_the_beginning_of_that_of_each_test(given_redis):
    use_redis(f"{given_redis}&namespace=shop")

    with private_redis() as url:
        assert "namespace=shop-test-" in url


@pytest.mark.parametrize(
    ("url", "text"),
    [("redis-cluster://a:1,b:2", "cannot run on a cluster"), ("http://a", "http")],
)
def test_a_wrong_redis_is_refused(url, text):
    with pytest.raises(ConfigError, match=text):
        use_redis(url)


def test_a_redis_that_is_not_there_is_named_without_its_password(given_redis):
    use_redis(f"redis://:secret@localhost:{free_port()}/9")

    with pytest.raises(RedisUnavailableError, match=r"for tests, .*localhost") as caught:
        shop.testing().__enter__()
    assert "secret" not in str(caught.value)


def test_the_environment_names_it_too(given_redis, monkeypatch):
    monkeypatch.setenv("PYASYNQ_TEST_REDIS_URL", given_redis)
    use_redis(None)

    with private_redis() as url:
        assert url.startswith(given_redis)


def everything(client: redis.Redis) -> dict[bytes, bytes]:
    return {key: client.dump(key) for key in client.scan_iter()}
