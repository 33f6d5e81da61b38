"""The guides about batches, progress and results: their code is code that runs here."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyasynq import App, EnqueueOptions, RetryLater, Task, TaskContext, TaskNotFoundError

GUIDES = Path(__file__).parents[2] / "docs" / "guides"

app = App("redis://nowhere.invalid", task_defaults=EnqueueOptions(retention=600))


@app.task
def check(order: int, card: str) -> bool:
    return card.startswith("4")


@app.task(group="cards")
def note(card: str) -> None: ...


@app.task
def report(cards: list[str]) -> int:
    return len(cards)


@app.aggregator("cards", grace_period=1)
def collect(group: str, tasks: list[Task]) -> Task:
    return report.bind([note.arguments(task)["card"] for task in tasks])


@app.task(retention=600)
def import_rows(ctx: TaskContext, rows: list[str]) -> int:
    for number, row in enumerate(rows, 1):
        save(row)
        ctx.progress(number, len(rows), "rows")
    return len(rows)


@app.task(retention=600)
async def fetch(url: str) -> None:
    if is_busy(url):
        raise RetryLater(60, "too many requests")


@dataclass
class Resources:
    greeting: str


@app.lifespan
@asynccontextmanager
async def lifespan() -> AsyncIterator[Resources]:
    yield Resources("hello")


@app.task(retention=600)
async def greet(ctx: TaskContext[Resources], name: str) -> str:
    return f"{ctx.state.greeting} {name}"


def save(row): ...


def is_busy(url):
    return "busy" in url


@pytest.fixture
def harness():
    with app.testing() as harness:
        yield harness


def plain(text: str) -> str:
    """Return code without its indentation, which differs inside of a test."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(("guide", "count"), [("batches", 4), ("progress-and-results", 5)])
def test_every_snippet_of_a_guide_is_code_that_runs_here(guide, count):
    code = plain(Path(__file__).read_text())
    page = (GUIDES / f"{guide}.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)

    assert len(snippets) == count
    assert [each for each in snippets if plain(each) not in code] == []


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


def test_an_aggregator_reads_arguments(harness):
    note.enqueue_many(["4000", "5000"])
    harness.run_pending()
    harness.clock.advance(1)

    (handled,) = harness.run_pending()

    assert (handled.type, handled.result) == ("report", 2)


def test_progress_is_read_by_a_handle(harness, capsys):
    handle = import_rows.enqueue(["a", "b"])
    harness.run_pending()
    progress = handle.progress()
    if progress is not None:
        print(progress.done, progress.total, progress.note, progress.fraction)

    assert capsys.readouterr().out == "2 2 rows 1.0\n"


def test_a_handle_is_made_of_the_id_and_deletes_the_task(harness, capsys):
    task_id = import_rows.options(queue="default").enqueue(["a"]).id
    harness.run_pending()
    later = import_rows.handle(task_id)
    print(later.info().state, later.result(timeout=10))
    later.delete()

    assert capsys.readouterr().out == "completed 1\n"
    with pytest.raises(TaskNotFoundError):
        later.info()


def test_the_reason_why_a_task_waits_is_its_last_error(harness):
    handle = fetch.enqueue("http://busy.example")
    harness.run_pending()

    assert handle.info().last_error == "too many requests"


def test_the_state_of_the_lifespan_has_a_type(harness):
    handle = greet.enqueue("Ann")
    harness.run_pending()

    assert handle.result(0) == "hello Ann"
