"""Which tasks a function of an App handles: those of its type, and of patterns that say so."""

import pytest

from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.errors import ConfigError, HandlerNotFoundError
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext


@pytest.fixture
def ran():
    return []


@pytest.fixture
def app(ran):
    app = App("redis://nowhere.invalid", on_invalid_payload="archive")

    @app.task
    def cleanup() -> None:
        ran.append("cleanup")

    @app.task("mail", aliases=["send"])
    async def mail(user: int = 0) -> None:
        ran.append("mail")

    @app.task("mail:*", retention=60)
    def any_mail(ctx: TaskContext) -> str:
        ran.append(ctx.task_type)
        return ctx.task_type

    @app.task("mail:bulk:*")
    def bulk_mail(ctx: TaskContext) -> None:
        ran.append(f"bulk {ctx.task_type}")

    return app


def run(app, *types):
    """Run a task of each type, as another producer stores it; return their errors."""
    with app.testing() as harness:
        with Client(harness.url) as client:
            for each in types:
                client.enqueue(Task(each, b'{"users": [1, 2]}'))
        return [handled.error for handled in harness.run_pending()]


@pytest.mark.parametrize("task_type", ["cleanup_everything", "send_bulk", "mail_v2", "mai", "s"])
def test_a_type_that_nobody_registered_runs_nothing(app, ran, task_type):
    (error,) = run(app, task_type)

    assert isinstance(error, HandlerNotFoundError)
    assert ran == []


def test_an_alias_matches_exactly_too(app, ran):
    errors = run(app, "mail", "send")

    assert errors == [None, None]
    assert ran == ["mail", "mail"]


def test_a_pattern_handles_every_type_that_begins_so(app, ran):
    errors = run(app, "mail:v2", "mail:")

    assert errors == [None, None]
    assert ran == ["mail:v2", "mail:"]


def test_the_longest_pattern_wins(app, ran):
    run(app, "mail:bulk:all")

    assert ran == ["bulk mail:bulk:all"]


def test_an_exact_type_wins_over_a_pattern(app, ran):
    @app.task("mail:known")
    def known() -> None:
        ran.append("known")

    run(app, "mail:known", "mail:known2")

    assert ran == ["known", "mail:known2"]


def test_a_star_alone_handles_what_nothing_else_does(app, ran):
    @app.task("*")
    def other(ctx: TaskContext) -> None:
        ran.append(f"other {ctx.task_type}")

    run(app, "cleanup", "cleanup_everything")

    assert ran == ["cleanup", "other cleanup_everything"]


def test_the_result_of_a_type_of_a_pattern_is_decoded_as_its_function_says(app):
    with app.testing() as harness, Client(harness.url) as client:
        info = client.enqueue(Task("mail:v2"), retention=60)
        harness.run_pending()

        assert app.task_handle("default", info.id).result() == "mail:v2"


def test_a_pattern_has_no_type_to_enqueue(app):
    with pytest.raises(ConfigError) as caught:
        app.tasks["mail:*"].bind()

    assert str(caught.value) == (
        "'mail:*' stands for many types, and a task has one; name one and let the pattern be an "
        "alias, as in @app.task(\"mail\", aliases=['mail:*'])"
    )


@pytest.mark.parametrize("pattern", ["mail:*:all", "*:all", "**"])
def test_a_star_in_the_middle_of_a_type_is_refused(app, pattern):
    def mail() -> None: ...

    with pytest.raises(ConfigError, match=r"has a '\*' before its end"):
        app.task(pattern)(mail)
