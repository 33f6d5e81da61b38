"""Several callers change the same tasks and queues at the same moment."""

import asyncio
import contextlib

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.errors import QueueNotEmptyError, TaskStateError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux


@pytest.fixture
async def inspectors(redis_url):
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(AsyncInspector(redis_url)) for _ in range(4)]


async def test_changes_of_several_callers_are_all_kept(redis_url, inspectors):
    async with AsyncClient(redis_url) as client:
        await client.enqueue(Task("email"), queue="mail", task_id="a", process_in=60)

        await asyncio.gather(
            inspectors[0].tasks.replace("mail", "a", payload=b"new"),
            inspectors[1].tasks.replace("mail", "a", max_retry=7),
            inspectors[2].tasks.replace("mail", "a", headers={"k": "v"}),
            inspectors[3].tasks.replace("mail", "a", type="advert"),
        )

        info = await inspectors[0].tasks.get("mail", "a")
    assert (info.payload, info.max_retry, info.headers, info.type) == (
        *(b"new", 7, {"k": "v"}, "advert"),
    )


async def test_one_of_several_callers_runs_a_task(redis_url, redis_client, inspectors):
    async with AsyncClient(redis_url) as client:
        await client.enqueue(Task("email"), queue="mail", task_id="a", process_in=60)

        calls = [each.tasks.run("mail", "a") for each in inspectors]
        answers = await asyncio.gather(*calls, return_exceptions=True)

    assert answers.count(None) == 1
    assert sum(isinstance(each, TaskStateError) for each in answers) == 3
    assert redis_client.llen("asynq:{mail}:pending") == 1


async def test_several_callers_that_move_all_tasks_move_each_once(
    redis_url, redis_client, inspectors
):
    options = EnqueueOptions(queue="mail", process_in=60)
    async with AsyncClient(redis_url) as client:
        await client.enqueue_many([Task("email", options=options)] * 2000)

        counts = await asyncio.gather(
            *(each.tasks.run_all("mail", "scheduled") for each in inspectors)
        )

    pending = redis_client.lrange("asynq:{mail}:pending", 0, -1)
    assert sum(counts) == len(pending) == len(set(pending)) == 2000


async def test_a_task_that_is_enqueued_while_its_queue_is_deleted_is_deleted_or_whole(
    redis_url, redis_client, inspectors
):
    async with AsyncClient(redis_url) as client:

        async def produce():
            for _ in range(300):
                await client.enqueue(Task("email"), queue="mail")

        await client.enqueue(Task("email"), queue="mail")
        producer = asyncio.create_task(produce())
        while not producer.done():
            with contextlib.suppress(QueueNotEmptyError, LookupError):
                await inspectors[0].queues.delete("mail", force=True)
        await producer
    async with AsyncClient(redis_url) as client:  # the other one lists a queue once a second
        await client.enqueue(Task("email"), queue="mail", task_id="last")

        infos = await inspectors[0].queues.infos()

    hashes = len(redis_client.keys("asynq:{mail}:t:*"))
    assert [(info.queue, info.pending) for info in infos] == [("mail", hashes)]


async def test_a_worker_and_an_inspector_do_each_task_once(work):
    runs = []
    mux = ServeMux()

    @mux.handler("email")
    async def note(ctx, task):
        runs.append(ctx.task_id)

    options = EnqueueOptions(process_in=3600)
    results = await work.client.enqueue_many([Task("email", options=options)] * 1000)
    async with AsyncInspector(work.url) as inspector, work.serving(mux) as server:
        assert await inspector.tasks.run_all("default", "scheduled") == 1000
        for result in results:
            await work.until_written(server, result.info)

    assert sorted(runs) == sorted(result.info.id for result in results)
