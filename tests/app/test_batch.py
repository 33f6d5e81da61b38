"""Batches: many calls of one task, what was refused, how far they are, and their results."""

import asyncio
import itertools
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from pyasynq.app import App, Batch, BatchCounts, NotEnqueued, TaskHandle
from pyasynq.control_flow import SkipRetry
from pyasynq.errors import (
    BatchTimeoutError,
    ConfigError,
    DuplicateTaskError,
    PayloadError,
    RedisUnavailableError,
    ResultNotKeptError,
    ServerStateError,
    TaskFailedError,
)
from pyasynq.options import EnqueueOptions
from pyasynq.task import TaskState
from tests.support.builders import NOWHERE


@dataclass
class Receipt:
    number: int


class Point(NamedTuple):
    x: int
    y: int


def make_app(url, **settings):
    return App(
        url,
        task_defaults=EnqueueOptions(retention=60, max_retry=0),
        task_check_interval=0.01,
        **settings,
    )


@pytest.fixture
def app(redis_url):
    app = make_app(redis_url)
    yield app
    app.close()


async def enqueued(definition, calls, how):
    """Enqueue with the sync or the async form."""
    if how == "sync":
        return await asyncio.to_thread(definition.enqueue_many, calls)
    return await definition.aenqueue_many(calls)


BOTH = pytest.mark.parametrize("how", ["sync", "async"])


@BOTH
async def test_a_call_is_a_tuple_a_mapping_or_the_only_argument(app, how):
    @app.task
    def add(a: int, b: int = 2) -> int: ...

    batch = await enqueued(add, [(1,), (1, 5), {"a": 1, "b": 6}, {"a": 7}, 8], how)

    infos = [await handle.ainfo() for handle in batch]
    assert [info.payload for info in infos] == [
        b'{"a":1,"b":2}',
        b'{"a":1,"b":5}',
        b'{"a":1,"b":6}',
        b'{"a":7,"b":2}',
        b'{"a":8,"b":2}',
    ]
    assert (len(batch), batch.errors) == (5, ())
    assert batch.items == batch.handles == tuple(batch)
    await app.aclose()


def test_an_only_argument_that_is_a_tuple_or_a_mapping_stands_in_a_tuple(app):
    @app.task
    def note(document: dict[str, int]) -> None: ...

    @app.task
    def draw(point: Point) -> None: ...

    @app.task
    def nothing() -> None: ...

    batch = note.enqueue_many([({"a": 1},), {"document": {"b": 2}}])

    assert [handle.info().payload for handle in batch] == [
        b'{"document":{"a":1}}',
        b'{"document":{"b":2}}',
    ]
    assert draw.enqueue_many([Point(1, 2)]).handles[0].info().payload == b'{"point":[1,2]}'
    assert len(nothing.enqueue_many([(), {}])) == 2


@BOTH
async def test_what_is_refused_is_told_with_its_position_and_arguments(app, how):
    @app.task(unique=600)
    def add(a: int, b: int = 2) -> int: ...

    calls = [(1,), ("x",), (1,), {"c": 1}, (2,), [1], add.bind(5)]
    batch = await enqueued(add, calls, how)

    kinds = [type(each) for each in batch.items]
    assert kinds == [TaskHandle, *[NotEnqueued] * 3, TaskHandle, *[NotEnqueued] * 2]
    assert [(each.position, each.arguments, type(each.error)) for each in batch.errors] == [
        (1, ("x",), PayloadError),
        (2, (1,), DuplicateTaskError),
        (3, {"c": 1}, TypeError),
        (5, [1], PayloadError),
        (6, calls[6], TypeError),
    ]
    assert str(batch.errors[0].error) == (
        "$.a: expected int, got str ('x'); parameter 'a' of task 'add'"
    )
    assert str(batch.errors[4].error) == (
        "this is a task, not its arguments; App.enqueue_many takes tasks"
    )
    assert batch.errors[1].error.holder_id == batch.handles[0].id
    assert len(batch) == 2
    await app.aclose()


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ({"x": 1}, r"a mapping names the arguments, so write \(\{…\},\) for one"),
        ((1, 2), r"a tuple holds all arguments, so write \(…,\) around one"),
    ],
)
def test_a_call_of_the_wrong_form_tells_how_to_write_it(app, call, hint):
    @app.task
    def note(document: object) -> None: ...

    with pytest.raises(TypeError, match=hint):
        raise note.enqueue_many([call]).errors[0].error


def test_several_arguments_that_are_no_tuple_tell_to_write_one(app):
    @app.task
    def add(a: int, b: int) -> None: ...

    with pytest.raises(TypeError, match="write a tuple for several arguments"):
        raise add.enqueue_many([1]).errors[0].error


@pytest.mark.parametrize("calls", ["abc", b"abc", {"a": 1}, 5, None], ids=repr)
def test_what_is_no_iterable_of_calls_is_refused(app, calls):
    @app.task
    def note(text: str) -> None: ...

    with pytest.raises(ConfigError, match="enqueue_many takes a list or another iterable of arg"):
        note.enqueue_many(calls)


def test_options_of_the_definition_apply_to_every_call(app):
    @app.task(queue="mail")
    def note(number: int) -> None: ...

    batch = note.options(process_in=60, queue="low", max_retry=7).enqueue_many(range(3))

    infos = [handle.info() for handle in batch]
    assert {(info.queue, info.state, info.max_retry) for info in infos} == {("low", "scheduled", 7)}


def test_one_id_for_many_tasks_is_refused(app):
    @app.task
    def note(number: int) -> None: ...

    with pytest.raises(ConfigError, match="task_id='a' is the ID of one task"):
        note.options(task_id="a").enqueue_many([1, 2])


def test_a_pattern_is_refused_as_for_one_call(app):
    @app.task("mail:*")
    def note(number: int) -> None: ...

    with pytest.raises(ConfigError, match="stands for many types"):
        note.enqueue_many([1])


@BOTH
async def test_a_large_iterable_is_stored_while_it_is_read(app, redis_client, how):
    @app.task
    def note(number: int) -> None: ...

    seen = []

    def numbers():
        for number in range(2_500):
            seen.append(redis_client.llen("asynq:{default}:pending"))
            yield number

    batch = await enqueued(note, numbers(), how)

    assert len(batch) == 2_500
    assert (seen[999], seen[1_000], seen[2_000]) == (0, 1_000, 2_000)
    await app.aclose()


def test_large_payloads_are_stored_in_smaller_chunks(app, redis_client):
    @app.task
    def note(data: bytes) -> None: ...

    seen = []

    def payloads():
        for _ in range(10):
            seen.append(redis_client.llen("asynq:{default}:pending"))
            yield bytes(1 << 20)

    note.enqueue_many(payloads())

    assert seen == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]


def test_an_iterable_that_raises_tells_how_much_was_stored(app, redis_client):
    @app.task
    def note(number: int) -> None: ...

    def numbers():
        yield from range(1_500)
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="the file is gone") as caught:
        note.enqueue_many(numbers())

    assert caught.value.__notes__ == ["1000 tasks were enqueued before; see enqueue_many"]
    assert redis_client.llen("asynq:{default}:pending") == 1_000


@pytest.mark.slow
def test_an_outage_tells_what_is_stored_and_what_is_not_known(own_redis):
    app = make_app(own_redis.url, enqueue_patience=0)

    @app.task
    def note(number: int) -> None: ...

    def numbers():
        for number in range(1_200):
            if number == 1_100:
                own_redis.stop()
            yield "x" if number == 1_150 else number

    with pytest.raises(RedisUnavailableError, match="1000 of the 1200 calls") as caught:
        note.enqueue_many(numbers())

    results = caught.value.results
    assert len(results) == 1_200
    assert {type(each).__name__ for each in results[:1_000]} == {"TaskInfo"}
    assert [(each.position, str(each.error)[:5]) for each in results[1_000:] if each] == [
        (1_150, "$.num")
    ]
    app.close()


@pytest.mark.slow
async def test_a_redis_that_is_absent_stores_nothing():
    app = make_app(NOWHERE, enqueue_patience=0)

    @app.task
    def note(number: int) -> None: ...

    with pytest.raises(RedisUnavailableError, match="0 of the 2 calls") as caught:
        await note.aenqueue_many([1, 2])

    assert caught.value.results == (None, None)
    await app.aclose()


@BOTH
async def test_waiting_tells_how_far_the_tasks_are(app, how):
    gate = asyncio.Event()

    @app.task
    async def buy(number: int) -> Receipt:
        if number == 3:
            await gate.wait()
        if number == 2:
            raise SkipRetry("no money")
        return Receipt(number)

    seen = []

    def note(counts):
        seen.append(counts)
        if counts.left == 1:
            app_loop.call_soon_threadsafe(gate.set)

    app_loop = asyncio.get_running_loop()
    batch = await buy.aenqueue_many([1, 2, 3])
    async with app.server().running(app.mux):
        if how == "sync":
            counts = await asyncio.to_thread(batch.wait, 20, progress=note)
        else:
            counts = await batch.await_done(20, progress=note)

    assert counts == seen[-1] == BatchCounts(completed=2, archived=1)
    assert (counts.total, counts.done, counts.ended, counts.left) == (3, 2, 3, 0)
    assert str(counts) == "2 done, 1 failed, 0 left"
    assert all(one != other for one, other in itertools.pairwise(seen))
    assert all(each.total == 3 for each in seen)
    await app.aclose()


async def test_a_batch_is_awaited_and_its_callback_may_be_a_coroutine_function(app):
    @app.task(retention=0)
    async def note(number: int) -> None: ...

    seen = []

    async def tell(counts):
        await asyncio.sleep(0)
        seen.append(counts)

    batch = await note.aenqueue_many(range(5))
    async with app.server().running(app.mux):
        assert await batch == BatchCounts(gone=5)
        assert await batch.await_done(progress=tell) == BatchCounts(gone=5)

    assert seen == [BatchCounts(gone=5)]
    await app.aclose()


def test_counts_are_read_in_bounded_round_trips(app):
    @app.task
    def note(number: int) -> None: ...

    batch = note.options(process_in=60).enqueue_many(range(1_200))
    batch.handles[0].delete()

    assert batch.counts() == BatchCounts(scheduled=1_199, gone=1)


@BOTH
async def test_tasks_that_do_not_end_in_time_go_on(app, how):
    @app.task
    def note(number: int) -> None: ...

    batch = await note.aenqueue_many([1, 2])
    with pytest.raises(BatchTimeoutError) as caught:
        if how == "sync":
            await asyncio.to_thread(batch.wait, 0.05)
        else:
            await batch.await_done(0.05)

    assert str(caught.value) == "2 of 2 tasks have not ended after 0.05 s"
    assert caught.value.counts == await batch.acounts() == BatchCounts(pending=2)
    await app.aclose()


async def test_the_blocking_forms_are_refused_inside_an_event_loop(app):
    @app.task
    def note(number: int) -> None: ...

    batch = await note.aenqueue_many([1])
    with pytest.raises(ServerStateError, match="use `await batch`"):
        batch.wait(0)
    with pytest.raises(ServerStateError, match=r"use `await batch.aresults\(\)`"):
        batch.results(0)
    with pytest.raises(ConfigError, match="timeout"):
        await batch.await_done(-1)
    await app.aclose()


@BOTH
async def test_results_come_in_the_order_of_the_calls_with_the_error_of_each(app, how):
    @app.task
    async def buy(number: int) -> Receipt:
        if number == 2:
            raise SkipRetry("no money")
        return Receipt(number)

    batch = await enqueued(buy, [1, "x", 2, 3], how)
    async with app.server().running(app.mux):
        if how == "sync":
            results = await asyncio.to_thread(batch.results, 20)
        else:
            results = await batch.aresults(20)

    assert [each.value for each in results] == [Receipt(1), None, None, Receipt(3)]
    assert [type(each.error) for each in results] == [
        type(None),
        PayloadError,
        TaskFailedError,
        type(None),
    ]
    assert [each.handle for each in results] == [
        batch.handles[0],
        None,
        batch.handles[1],
        batch.handles[2],
    ]
    await app.aclose()


def test_results_without_a_retention_are_refused_at_once(app):
    @app.task(retention=0)
    def note(number: int) -> int: ...

    with pytest.raises(ResultNotKeptError, match="write retention=600"):
        note.enqueue_many([1]).results()


def test_results_that_are_gone_are_told_for_each(app):
    @app.task
    def note(number: int) -> int: ...

    batch = note.enqueue_many([1])
    batch.handles[0].delete()

    (result,) = batch.results(20)
    assert isinstance(result.error, ResultNotKeptError)


def test_an_empty_batch_has_ended(app):
    @app.task
    def note(number: int) -> int: ...

    batch = note.enqueue_many([])
    seen = []

    assert batch.wait(0, progress=seen.append) == BatchCounts()
    assert (len(batch), batch.results(0), seen) == (0, [], [BatchCounts()])


def test_a_handler_that_waits_for_a_batch_in_a_test_is_told(app):
    @app.task
    def note(number: int) -> None: ...

    @app.task
    def wait() -> None:
        note.enqueue_many([1]).wait()

    with app.testing() as harness:
        wait.enqueue()
        handled = harness.run_pending()

    (waited,) = (each for each in handled if each.type == "wait")
    assert isinstance(waited.error, ServerStateError)


def test_counts_name_every_state():
    states = [*TaskState, None]

    counts = BatchCounts.of(states)

    assert all(getattr(counts, state.value) == 1 for state in TaskState)
    assert (counts.gone, counts.total, counts.left, counts.done) == (1, 8, 5, 2)


def test_a_batch_shows_how_many_it_has(app):
    @app.task
    def note(number: int) -> int: ...

    assert repr(note.enqueue_many([1, 2, "x"])) == "<Batch of 2 tasks, 1 not enqueued>"
    assert isinstance(note.enqueue_many(itertools.islice(itertools.count(), 3)), Batch)
