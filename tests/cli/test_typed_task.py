"""``pyasynq task enqueue --app``: the options of the App, and a payload that fits."""

import json
import sys

import pytest

APP = """
from datetime import datetime
from pyasynq import App, TaskContext
app = App(queues={"mail": 1, "default": 1})
@app.task(queue="mail", max_retry=3, timeout=20, retention=60, headers={"team": "a"})
def greet(ctx: TaskContext, name: str, count: int = 1, at: datetime | None = None) -> None: ...
@app.task("sweep", aliases=("old:sweep",))
def sweep() -> None: ...
@app.task("raw")
def raw(data: bytes) -> None: ...
@app.task("mail:*", queue="mail")
def any_mail(name: str) -> None: ...
def create_app(): return app
"""


@pytest.fixture
def enqueue(cli, redis_url, tmp_path, monkeypatch):
    """Runs the command in the folder of the App, whose module nobody else meets."""
    (tmp_path / "shop.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(*arguments: str, app: str = "shop:app", url: str = redis_url):
        monkeypatch.setenv("PYASYNQ_REDIS_URL", url)
        sys.modules.pop("shop", None)
        return cli("task", "enqueue", "--app", app, *arguments)

    yield run
    sys.modules.pop("shop", None)


def test_the_options_of_the_app_apply_unless_others_are_given(enqueue):
    usual = enqueue("-t", "greet", "-l", '{"name": "Ann"}', "-o", "json")
    other = enqueue(
        *("-t", "greet", "-l", '{"name": "Ann"}', "-q", "default", "--retry", "0"),
        *("--header", "k=v", "-o", "json"),
    )

    assert usual.code == 0, usual.err
    info = json.loads(usual.out)
    assert (info["queue"], info["max_retry"], info["timeout"]) == ("mail", 3, 20.0)
    assert (info["retention"], info["headers"]) == (60.0, {"team": "a"})
    given = json.loads(other.out)
    assert (given["queue"], given["max_retry"], given["timeout"]) == ("default", 0, 20.0)
    assert given["headers"] == {"team": "a", "k": "v"}


def test_the_payload_is_written_as_a_call_of_the_task_writes_it(enqueue):
    done = enqueue("-t", "greet", "-l", '{ "count": 2, "name": "Ann" }', "-o", "json")

    assert json.loads(done.out)["payload"] == '{"name":"Ann","count":2,"at":null}'


@pytest.mark.parametrize(
    ("arguments", "payload", "queue"),
    [
        (("-t", "sweep"), "", "default"),
        (("-t", "old:sweep"), "", "default"),
        (("-t", "raw", "-l", "é"), "é", "default"),
        (("-t", "mail:welcome", "-l", '{"name": "Ann"}'), '{"name":"Ann"}', "mail"),
    ],
)
def test_tasks_of_every_form_are_enqueued_under_the_type_that_was_given(
    enqueue, arguments, payload, queue
):
    done = enqueue(*arguments, "-o", "json")

    assert done.code == 0, done.err
    info = json.loads(done.out)
    assert (info["type"], info["payload"], info["queue"]) == (arguments[1], payload, queue)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ('{"name": 5}', "$.name: expected str, got int"),
        ("{}", "$.name: missing"),
        ('{"name": "Ann", "amount": 2}', "unknown: 'amount'"),
        ('{"name": "Ann", "at": "soon"}', "$.at: "),
        ("[1]", "expected object, got array"),
        ("{", "input data was truncated"),
    ],
)
def test_a_payload_that_does_not_fit_is_exit_code_2_and_shows_the_parameters(
    enqueue, redis_client, payload, why
):
    done = enqueue("-t", "greet", "-l", payload)

    assert done.code == 2
    assert why in done.err
    assert "task 'greet' takes (name: str, count: int = 1, at: " in done.err
    assert redis_client.dbsize() == 0


def test_a_missing_payload_and_one_that_nobody_reads_are_told(enqueue):
    missing = enqueue("-t", "greet")
    extra = enqueue("-t", "sweep", "-l", '{"name": "Ann"}')

    assert (missing.code, extra.code) == (2, 2)
    assert "$.name: missing" in missing.err
    assert "unknown: 'name'; task 'sweep' takes ()" in extra.err


def test_a_type_that_the_app_does_not_have_is_exit_code_3_with_a_suggestion(enqueue):
    near = enqueue("-t", "greets")
    far = enqueue("-t", "xyz")

    assert (near.code, far.code) == (3, 3)
    assert "the app has no task 'greets'; did you mean 'greet'?" in near.err
    assert "the app has no task 'xyz'; it has 'greet', 'sweep'" in far.err


def test_an_app_that_is_not_there_is_exit_code_2(enqueue):
    done = enqueue("-t", "greet", app="shap:app")

    assert done.code == 2
    assert "there is no module 'shap'" in done.err


def test_a_factory_and_a_redis_of_its_own_work_as_for_a_worker(enqueue, redis_url):
    done = enqueue(
        "-t", "sweep", "--redis-url", redis_url, app="shop:create_app()", url="redis://127.0.0.1:1"
    )

    assert done.code == 0, done.err


def test_a_redis_that_is_away_is_exit_code_69(enqueue):
    done = enqueue("-t", "sweep", url="redis://127.0.0.1:1/0")

    assert done.code == 69
    assert "Is Redis running there?" in done.err
