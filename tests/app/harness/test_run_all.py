"""`run_all` moves the clock from one due time to the next."""

import pytest

from pyasynq import RetryLater, retry
from pyasynq.app import App
from pyasynq.errors import ConfigError, PyasynqError
from pyasynq.task import Task

app = App(queues={"default": 2, "mail": 1}, group_grace_period=60)
ran: list[object] = []


@pytest.fixture(autouse=True)
def nothing_ran():
    ran.clear()


@app.task
def note(what: str) -> None:
    ran.append(what)


@app.task(max_retry=3, retry_delay=retry.exponential(10, factor=2, maximum=600, jitter=0.5))
def flaky(fails: int) -> None:
    ran.append("flaky")
    if ran.count("flaky") <= fails:
        raise ConnectionError(f"attempt {ran.count('flaky')}")


@app.task
def hourly() -> None:
    hourly.options(process_in=3600).enqueue()


@app.task
def later() -> None:
    raise RetryLater(5)


@app.task(queue="mail", group="letters")
def letter(to: str) -> None: ...


@app.aggregator("letters", max_delay=100)
def together(group: str, tasks: list[Task]) -> Task | None:
    return note.bind(f"{len(tasks)} letters")


@app.task(group="broken")
def broken() -> None: ...


@app.aggregator("broken")
def refuse(group: str, tasks: list[Task]) -> Task | None:
    raise ValueError("never")


@app.task(group="unknown")
def forgotten() -> None: ...


def test_scheduled_tasks_run_in_the_order_of_their_times():
    with app.testing() as harness:
        start = harness.clock.now
        note.options(process_in=7200.25).enqueue("second")
        note.options(process_in=0.5, queue="mail").enqueue("first")
        handled = harness.run_all()

        assert ran == ["first", "second"]
        assert [each.queue for each in handled] == ["mail", "default"]
        assert (harness.clock.now - start).total_seconds() == 7200.25
        assert harness.run_all() == []


def test_retries_run_whatever_their_delay():
    with app.testing() as harness:
        handle = flaky.options(retention=60).enqueue(2)
        handled = harness.run_all()

        assert [str(each.error) for each in handled] == ["attempt 1", "attempt 2", "None"]
        assert handle.info().state == "completed"


def test_groups_run_when_nothing_was_added_for_a_while():
    with app.testing() as harness:
        for name in ("Ann", "Bob"):
            letter.enqueue(name)
        (handled,) = harness.run_all()

    assert (handled.type, ran) == ("note", ["2 letters"])


def test_what_is_left_alone_does_not_go_on_for_ever():
    with app.testing() as harness:
        forgotten.enqueue()

        assert harness.run_all() == []


def test_an_endless_chain_is_an_error():
    with app.testing() as harness:
        hourly.enqueue()
        with pytest.raises(PyasynqError, match="after 20 attempts there are still tasks to run"):
            harness.run_all(limit=20)


def test_a_task_that_puts_itself_off_for_ever_is_an_error():
    with app.testing() as harness:
        later.enqueue()
        with pytest.raises(PyasynqError, match="after 20 attempts"):
            harness.run_all(limit=20)


def test_a_group_whose_aggregator_always_fails_is_an_error():
    with app.testing() as harness:
        broken.enqueue()
        with pytest.raises(PyasynqError, match="the clock has moved 10 times, and no") as raised:
            harness.run_all(limit=10)

    assert str(raised.value.__cause__) == "never"


def test_what_an_aggregator_raises_is_raised_when_all_that_is_due_has_run():
    with app.testing() as harness:
        broken.enqueue()
        note.enqueue("due")
        note.options(process_in=3600).enqueue("later")
        with pytest.raises(ValueError, match="never") as raised:
            harness.run_all(raises=True)

    assert ran == ["due"]
    assert raised.traceback[-1].name == "refuse"


def test_failures_of_handlers_and_aggregators_are_a_group():
    with app.testing(raises=True) as harness:
        broken.enqueue()
        harness.clock.advance(60)
        flaky.enqueue(1)
        with pytest.raises(ExceptionGroup, match="1 of 1 attempts failed, and 1 of agg") as raised:
            harness.run_pending()

    assert [type(each) for each in raised.value.exceptions] == [ConnectionError, ValueError]


def test_an_aggregator_that_returns_no_task_is_raised():
    other = App()

    @other.task(group="all")
    def member() -> None: ...

    @other.aggregator("*", grace_period=1)
    async def collect(group, tasks):
        return "a task"

    with other.testing(raises=True) as harness:
        member.enqueue()
        with pytest.raises(ConfigError, match="must return a Task or None, not str"):
            harness.run_all()


def test_what_is_to_end_the_test_ends_it_in_an_aggregator_too():
    other = App()

    @other.task(group="all")
    def member() -> None: ...

    @other.aggregator("*", grace_period=1)
    def collect(group: str, tasks: list[Task]) -> Task | None:
        pytest.fail("the test itself")

    with other.testing() as harness:
        member.enqueue()
        with pytest.raises(pytest.fail.Exception, match="the test itself"):
            harness.run_all()


def test_a_failure_is_raised_before_it_would_be_retried():
    with app.testing() as harness:
        flaky.enqueue(1)
        note.options(process_in=3600).enqueue("later")
        with pytest.raises(ConnectionError, match="attempt 1"):
            harness.run_all(raises=True)

        assert ran == ["flaky"]


async def test_an_async_test_has_the_same():
    async with app.testing() as harness:
        await note.options(process_in=60).aenqueue("once")
        handled = await harness.arun_all()

    assert [each.type for each in handled] == ["note"]


def test_a_lifespan_is_around_the_whole_run():
    other, steps = App(), []

    @other.lifespan
    async def lifespan():
        steps.append("start")
        yield
        steps.append("end")

    @other.task
    async def step() -> None:
        steps.append("step")

    with other.testing() as harness:
        step.enqueue()
        step.options(process_in=60).enqueue()
        harness.run_all()

    assert steps == ["start", "step", "step", "end"]
