"""A real worker in the background of a test."""

import threading

import pytest

from pyasynq.app import App
from pyasynq.testing import running_worker
from pyasynq.worker.handlers.context import TaskContext

app = App("redis://nowhere.invalid")
done: list[object] = []
hold, goes_on = threading.Event(), threading.Event()


@pytest.fixture(autouse=True)
def nothing_done():
    done.clear()
    hold.clear()
    goes_on.clear()


@app.lifespan
async def lifespan():
    yield "state"


@app.task(retention=60)
def add(ctx: TaskContext[str], left: int, right: int) -> int:
    done.append(ctx.state)
    return left + right


@app.task
def wait() -> None:
    goes_on.set()
    assert hold.wait(30)
    done.append("waited")


@app.task(executor="process")
def work(ctx: TaskContext) -> None:
    wait.enqueue()
    done.append(ctx.state)


@app.periodic("@every 1s", key="tick")
def tick() -> None:
    done.append("tick")
    goes_on.set()


def test_tasks_run_as_in_production_and_their_results_are_there():
    with running_worker(app) as worker:
        assert add.enqueue(1, 2).result(timeout=30) == 3
        assert worker.worker.health().is_ready

    assert done == ["state"]


def test_it_waits_until_nothing_is_left_or_says_what_is():
    with running_worker(app) as worker:
        work.enqueue()
        assert goes_on.wait(30)
        with pytest.raises(AssertionError, match="still pending or running: 1 in 'default'"):
            worker.until_idle(timeout=0)

        hold.set()
        worker.until_idle(timeout=30)

        assert sorted(done, key=str) == [None, "waited"]


def test_periodic_tasks_are_enqueued_if_that_is_wanted():
    with running_worker(app, scheduler=True):
        assert goes_on.wait(30)

    assert "tick" in done


def test_a_worker_that_cannot_start_says_why():
    other = App()

    @other.lifespan
    async def broken():
        raise ValueError("no database")
        yield

    with pytest.raises(ValueError, match="no database"), running_worker(other):
        pass


def test_the_app_has_its_own_redis_again_after_it():
    with running_worker(app):
        pass

    assert app.source.hosts == (("nowhere.invalid", 6379),)
