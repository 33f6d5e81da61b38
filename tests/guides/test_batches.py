"""The guide to batches: its code is code that runs here."""

import asyncio

import pytest

from pyasynq import App, EnqueueOptions

app = App("redis://nowhere.invalid", task_defaults=EnqueueOptions(retention=600))


@app.task
def check(order: int, card: str) -> bool:
    return card.startswith("4")


@pytest.fixture
def harness():
    with app.testing() as harness:
        yield harness


async def test_a_batch_is_waited_for_and_gives_its_results(redis_url, capsys):
    app.reconfigure(redis_url)
    async with app.server().running(app.mux):
        await asyncio.to_thread(wait_for_a_batch)
    await app.aclose()

    printed = capsys.readouterr().out.splitlines()
    assert printed[-3:] == ["2 done, 0 failed, 0 left", "True", "False"]


def wait_for_a_batch():
    cards = [(1, "4000"), (2, "5000")]
    batch = check.enqueue_many(cards)
    counts = batch.wait(timeout=60, progress=print)
    for result in batch.results():
        print(result.value if result.error is None else result.error)

    assert counts.completed == 2


def test_options_apply_to_a_batch(harness):
    cards = [(1, "4000"), (2, "5000")]
    urgent = check.options(queue="critical", retention=600)
    batch = urgent.enqueue_many(cards)

    assert {handle.queue for handle in batch} == {"critical"}


def test_what_is_refused_is_told(harness, capsys):
    batch = check.enqueue_many([(1, "4000"), ("one", "4000"), (2, "4242")])
    for refused in batch.errors:
        print(refused.position, refused.arguments, refused.error)

    assert len(batch) == 2
    assert capsys.readouterr().out.startswith("1 ('one', '4000') $.order: expected int, got str")


def test_what_is_refused_does_not_keep_others_from_being_stored(harness):
    batch = check.enqueue_many([(1, "4000"), ("one", "4000")])
    harness.run_pending(raises=True)

    assert [refused.position for refused in batch.errors] == [1]
    assert batch.counts().completed == 1
    assert batch.results()[0].value is True
