"""The guide to the App: its code is code that runs here."""

import subprocess
import sys
import threading
import warnings

import pytest

from pyasynq import App, ConfigError, EnqueueOptions, PyasynqError, TaskContext
from pyasynq.testing import task_context

app = App(queues={"critical": 6, "default": 3}, concurrency=20)


@app.task("email:welcome", queue="critical", max_retry=5, retention=600)
async def send_welcome(user_id: int, *, template: str = "plain") -> str:
    return f"welcome, user {user_id} ({template})"


@app.task
def resize(ctx: TaskContext, path: str, width: int) -> None:
    print(f"attempt {ctx.attempt}: {path} to {width} px")


SHOP = {
    "__init__.py": "",
    "app.py": """
# shop/app.py
from pyasynq import App

app = App(name="shop")
""",
    "mails.py": """
# shop/mails.py
from shop.app import app


@app.task("email:welcome")
async def send_welcome(user_id: int) -> None: ...
""",
    "worker.py": """
# shop/worker.py
import shop.mails  # registers its tasks
from shop.app import app

__all__ = ["app"]
""",
}


def test_a_task_is_called_in_four_ways():
    with app.testing() as harness:
        handle = send_welcome.enqueue(42)
        later = send_welcome.options(process_in=60, queue="default").enqueue(42, template="html")
        harness.run_pending()

        assert handle.info().state == "completed"
        assert later.info().state == "scheduled"
        assert resize(task_context(), "cat.png", 640) is None


async def test_a_coroutine_enqueues_and_calls():
    async with app.testing() as harness:
        handle = await send_welcome.aenqueue(42, template="html")
        await harness.arun_pending()

        assert await handle.aresult(timeout=0) == "welcome, user 42 (html)"

    text = await send_welcome(42)

    assert text == "welcome, user 42 (plain)"


def test_a_wrong_call_is_refused_before_anything_is_sent():
    with pytest.raises(TypeError, match="missing"):
        send_welcome.enqueue()
    with pytest.raises(PyasynqError, match=r"\$\.user_id: expected int, got str"):
        send_welcome.enqueue("Ann")


def test_a_task_is_found_by_its_type():
    definition = app.tasks["email:welcome"]
    print(definition.type, definition.default_options.queue, list(app.tasks))

    assert definition is send_welcome
    assert list(app.tasks) == ["email:welcome", "resize"]


def test_tasks_of_several_modules_are_one_app(tmp_path):
    (tmp_path / "shop").mkdir()
    for name, text in SHOP.items():
        (tmp_path / "shop" / name).write_text(text)
    look = "from shop.worker import app; print(list(app.tasks))"

    done = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("['email:welcome']\n", "")


def test_the_option_nearest_to_the_call_wins():
    shop = App(task_defaults=EnqueueOptions(max_retry=10, timeout=60))

    @shop.task(timeout=30)
    def pack(order: int) -> None: ...

    options = pack.options(max_retry=0).default_options

    assert (options.max_retry, options.timeout) == (0, 30)


def test_every_wrong_setting_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        App(concurrency=0, queues={"mail": 0}, name="")

    assert len(caught.value.faults) == 3


def test_a_type_is_registered_once():
    shop = App()

    @shop.task("pack")
    def pack(order: int) -> None: ...

    with pytest.raises(ConfigError, match="'pack' is registered twice"):

        @shop.task("pack")
        def pack_again(order: int) -> None: ...


async def test_a_blocking_call_in_a_coroutine_works_and_warns_once():
    shop = App()

    @shop.task
    def pack(order: int) -> None: ...

    async with shop.testing() as harness:
        with pytest.warns(RuntimeWarning, match=r"blocks the event loop; use `await aenqueue"):
            pack.enqueue(1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pack.enqueue(2)

        assert len(harness.tasks()) == 2


def test_any_thread_may_use_the_app():
    with app.testing() as harness:
        thread = threading.Thread(target=lambda: resize.enqueue("cat.png", 640))
        thread.start()
        thread.join()

        assert [each.type for each in harness.tasks()] == ["resize"]
