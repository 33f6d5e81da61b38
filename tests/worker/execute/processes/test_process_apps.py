"""What a handler in a process of its own enqueues goes where its worker's tasks come from."""

import pytest

from tests.support.process_apps import AWAY, name_the_redis, order, order_on_a_loop, shop

pytestmark = pytest.mark.slow


@pytest.fixture
async def results():
    """Return what runs tasks of the shop elsewhere than its code says, for their results."""

    async def run(source, *tasks):
        shop.reconfigure(source, process_pool_size=1, queues={"orders": 1})
        handles = [await task.options(queue="orders").aenqueue() for task in tasks]
        async with shop.worker().running():
            return [await handle.aresult(timeout=30) for handle in handles]

    yield run
    await shop.aclose()
    shop.reconfigure(AWAY)


async def test_a_process_enqueues_to_the_redis_and_the_namespace_of_its_worker(
    results, redis_url, redis_client
):
    mark = "&" if "?" in redis_url else "?"

    found = await results(f"{redis_url}{mark}namespace=near", order, order_on_a_loop)

    assert found == [["pending"] * 3, ["pending"]]
    assert redis_client.llen("near:{default}:pending") == 4


async def test_a_process_cannot_get_a_client_of_the_user_and_uses_what_the_code_says(
    results, redis_client
):
    assert await results(redis_client, name_the_redis) == ["redis://127.0.0.1:1/5"]
