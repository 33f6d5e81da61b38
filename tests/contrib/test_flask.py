"""pyasynq in Flask: settings, application contexts of handlers, the command, errors, the web UI."""

import threading

import pytest
from flask import Flask, current_app, g, redirect, session

from pyasynq import App, ConfigError, TaskContext
from pyasynq.contrib.flask import Pyasynq, handle_or_404, install_error_handlers, mount_web_ui

AWAY = "redis://127.0.0.1:1"


def flask_app(**config) -> Flask:
    flask = Flask(__name__)
    flask.config.update(SECRET_KEY="secret", **config)
    return flask


@pytest.fixture
def queue():
    return Pyasynq(app=App("redis://nowhere.invalid", enqueue_patience=0))


@pytest.fixture
def harness(queue):
    with queue.app.testing() as harness:
        yield harness


def test_settings_come_from_the_config_of_flask(queue):
    flask = flask_app(
        PYASYNQ_REDIS_URL="redis://example.invalid:7",
        PYASYNQ_QUEUES={"mail": 2, "default": 1},
        PYASYNQ_CONCURRENCY=3,
        OTHER=1,
    )
    queue.init_app(flask)

    assert (queue.app.config.concurrency, queue.app.config.queues) == (
        3,
        {"mail": 2, "default": 1},
    )
    assert "example.invalid" in str(queue.app.source)
    assert flask.extensions["pyasynq"] is queue


def test_every_wrong_setting_is_named():
    with pytest.raises(ConfigError) as raised:
        Pyasynq(flask_app(PYASYNQ_CONCURENCY=3, PYASYNQ_QUEUES={"mail": 0}))

    assert len(raised.value.faults) == 2
    assert "in the config of Flask, PYASYNQ_…: " in raised.value.faults[0]
    assert "did you mean 'concurrency'" in str(raised.value)


def test_a_handler_runs_in_a_context_of_its_own_that_is_torn_down(queue, harness):
    flask = flask_app(NAME="shop")
    queue.init_app(flask)
    torn_down: list[tuple[str, str]] = []

    @flask.teardown_appcontext
    def close(error: BaseException | None) -> None:
        torn_down.append((g.opened, type(error).__name__))

    @queue.app.task(max_retry=0)
    def look(name: str) -> str:
        assert "opened" not in g
        g.opened = f"{name} of {current_app.config['NAME']}"
        if name == "bad":
            raise KeyError(name)
        return g.opened

    @queue.app.task
    async def wait(name: str) -> str:
        g.opened = name
        return current_app.config["NAME"]

    for name in ("first", "bad", "last"):
        look.options(retention=60).enqueue(name)
    wait.options(retention=60).enqueue("async")
    handled = harness.run_pending()

    assert [each.result for each in handled] == ["first of shop", None, "last of shop", "shop"]
    assert torn_down == [
        ("first of shop", "NoneType"),
        ("bad of shop", "KeyError"),
        ("last of shop", "NoneType"),
        ("async", "NoneType"),
    ]


async def test_handlers_in_threads_do_not_share_a_context(queue, redis_url):
    queue.init_app(flask_app(PYASYNQ_REDIS_URL=redis_url, PYASYNQ_CONCURRENCY=4))
    barrier = threading.Barrier(4, timeout=30)

    @queue.app.task(retention=60, max_retry=0)
    def meet(number: int) -> bool:
        g.number = number
        barrier.wait()
        return g.number == number

    async with queue.app.server().running(queue.app.mux):
        batch = await meet.aenqueue_many(range(4))
        results = await batch.aresults(timeout=30)
    await queue.app.aclose()

    assert [each.value for each in results] == [True] * 4


def test_a_worker_without_an_application_says_what_was_forgotten(queue, harness):
    @queue.app.task(max_retry=0)
    def look() -> None: ...

    look.enqueue()
    (handled,) = harness.run_pending()

    assert "call init_app(flask) before the worker runs" in str(handled.error)


def test_flask_objects_outside_of_a_context_fail_the_task_with_the_words_of_flask(harness):
    queue = Pyasynq(flask_app(), App(enqueue_patience=0), contexts=False)

    @queue.app.task(max_retry=0)
    def look() -> str:
        return current_app.name

    with queue.app.testing() as other:
        look.enqueue()
        (handled,) = other.run_pending()

    assert "Working outside of application context" in str(handled.error)


def test_the_application_that_was_initialised_last_is_the_one(queue, harness):
    @queue.app.task(retention=60)
    def look() -> str:
        return current_app.config["NAME"]

    for name in ("first", "second", "second"):
        queue.init_app(flask_app(NAME=name))
        look.enqueue()

    assert [each.result for each in harness.run_pending()] == ["second"] * 3


def test_two_apps_in_one_application_have_prefixes():
    flask = flask_app(PYASYNQ_CONCURRENCY=2, MAIL_CONCURRENCY=3)
    first = Pyasynq(flask, App())
    with pytest.raises(ConfigError, match="has an extension 'pyasynq' already"):
        Pyasynq(flask, App())
    second = Pyasynq(flask, App(), prefix="MAIL")

    assert (first.app.config.concurrency, second.app.config.concurrency) == (2, 3)
    assert {"pyasynq", "mail"} <= set(flask.cli.commands)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"flask": App()}, "init_app needs a Flask application, not App"),
        ({"app": Flask("shop")}, "app must be an App of pyasynq, not Flask"),
        ({"prefix": "mail"}, "prefix must be in capital letters"),
    ],
)
def test_wrong_arguments_are_told(given, told):
    with pytest.raises(ConfigError, match=told):
        Pyasynq(**given)


def test_errors_are_answered_and_handles_are_found(queue, harness):
    flask = flask_app()
    queue.init_app(flask)
    install_error_handlers(flask)

    @queue.app.task(retention=60)
    def make(pages: int) -> int:
        return pages

    @queue.app.task
    def other(ctx: TaskContext) -> None: ...

    @flask.post("/make/<task_id>/<pages>")
    def order(task_id: str, pages: str):
        number = int(pages) if pages.isdigit() else pages
        return make.options(task_id=task_id, unique=60).enqueue(number).id

    @flask.get("/make/<path:task_id>")
    def result(task_id: str):
        return {"pages": handle_or_404(make, task_id).result(timeout=0)}

    http = flask.test_client()
    codes = [
        http.post("/make/7/1").status_code,
        http.post("/make/8/1").status_code,  # the same lock
        http.post("/make/7/2").status_code,  # the same ID
        http.post("/make/9/many").status_code,
        http.get("/make/7").status_code,
    ]
    harness.run_pending()
    other_id = other.enqueue().id
    absent = [http.get(f"/make/{each}").status_code for each in ("8", "%20", "%00", other_id)]
    queue.app.close()
    queue.app.reconfigure(AWAY)
    away = http.post("/make/8/1")

    assert codes == [200, 409, 409, 422, 409]
    assert absent == [404] * 4
    assert (away.status_code, away.headers["Retry-After"]) == (503, "5")


def test_without_the_handlers_an_error_is_a_500(queue, harness):
    flask = flask_app()

    @queue.app.task(unique=60)
    def make() -> None: ...

    @flask.post("/make")
    def order():
        return make.enqueue().id

    http = flask.test_client()

    assert [http.post("/make").status_code for _ in range(2)] == [200, 500]


def test_the_web_ui_is_mounted_read_only_behind_the_login_of_the_application(queue, harness):
    flask = flask_app()
    queue.init_app(flask)

    @flask.get("/login/<name>")
    def login(name: str):
        session["user"] = name
        return ""

    @queue.app.task(queue="a/b")
    def make() -> None: ...

    def visitor():
        name = session.get("user")
        return redirect("/login") if name == "guest" else name

    ui = mount_web_ui(flask, "/monitoring", queue.app, auth=visitor)
    make.options(task_id="x/y").enqueue()
    http = flask.test_client()
    spoofed = http.get("/monitoring/", buffered=True, environ_overrides={"pyasynq.visitor": "ann"})
    http.get("/login/guest")
    guest = http.get("/monitoring/", buffered=True)
    http.get("/login/ann")
    page = http.get("/monitoring", follow_redirects=True, buffered=True)
    task = http.get("/monitoring/api/queues/a%2Fb/tasks/x%2Fy", buffered=True)
    same_origin = {"Sec-Fetch-Site": "same-origin"}
    paused = http.post("/monitoring/api/queues/a%2Fb:pause", buffered=True, headers=same_origin)
    ui.close()

    assert (spoofed.status_code, guest.status_code, guest.location) == (401, 302, "/login")
    assert (page.status_code, paused.status_code) == (200, 403)
    assert 'href="/monitoring/' in page.text
    assert task.json["id"] == "x/y"


def test_a_path_that_would_hide_the_application_is_refused(queue):
    with pytest.raises(ConfigError, match="at a path such as '/monitoring'"):
        mount_web_ui(flask_app(), "/", queue.app, auth=None)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--help"], 0, "Each runs in an application context of its own"),
        (["--queues", "mail=often"], 2, "often"),
        (["--concurrency", "0"], 1, "concurrency must be"),
        (["--ui"], 2, "--ui needs --http"),
    ],
)
def test_the_command_tells_what_is_wrong_in_plain_words(queue, arguments, code, told):
    flask = flask_app(PYASYNQ_REDIS_URL=AWAY)
    queue.init_app(flask)

    ran = flask.test_cli_runner().invoke(args=["pyasynq", "worker", *arguments])

    assert ran.exit_code == code
    assert told in ran.output
    assert "Traceback" not in ran.output
