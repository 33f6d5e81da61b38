"""How an App is named, and what the command line says when it cannot be loaded."""

import os
import subprocess
import sys

import pytest

from pyasynq.cli.main import project_defaults

APP = "from pyasynq import App\napp = App(name='found')\n"
SHOW = "import sys; from pyasynq.cli.target import load_app; print(load_app(*sys.argv[1:]).name)"
MODULE = [sys.executable, "-m", "pyasynq"]
SCRIPT = [os.path.join(os.path.dirname(sys.executable), "pyasynq")]  # noqa: PTH118, PTH120


@pytest.fixture
def files(tmp_path):
    """Write files, and return the folder."""

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def load(folder, *arguments):
    """Load an App as a command does; return its name, or what the command says."""
    done = subprocess.run(
        [*MODULE, "worker", *arguments, "--redis-url", "redis://127.0.0.1:1/0"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 2
    return done.stderr.removeprefix("Error: ").removesuffix("\n")


@pytest.fixture
def refused(cli_in):
    """Like `load`, in this process: for what is the same whatever it has loaded before."""

    def run(folder, *arguments):
        done = cli_in(folder, "worker", *arguments, "--redis-url", "redis://127.0.0.1:1/0")
        assert (done.code, done.out) == (2, "")
        assert "Traceback" not in done.err
        return done.err.removeprefix("Error: ").removesuffix("\n")

    return run


def name_of(folder, *arguments):
    command = [sys.executable, "-P", "-c", SHOW, *arguments]
    return subprocess.check_output(command, cwd=folder, text=True, timeout=60).strip()


FACTORY = "from pyasynq import App\ndef create_app(): return App(name='found')\n"
NESTED = "import types\nfrom pyasynq import App\nns = types.SimpleNamespace()\n"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (APP, "shop:app"),
        (FACTORY, "shop:create_app()"),
        (NESTED + "ns.app = App(name='found')", "shop:ns.app"),
        (NESTED + "ns.make = lambda: App(name='found')", "shop:ns.make()"),
    ],
)
def test_an_app_is_named_by_its_module_and_what_it_is_called_there(files, text, target):
    assert name_of(files(shop=text), target) == "found"


def test_the_folder_of_the_module_can_be_named(files):
    folder = files(src__shop__web=APP)

    assert name_of(folder, "shop.web:app", "src") == "found"


@pytest.mark.parametrize("command", [["worker"], ["dev", "--no-reload", "--no-ui"]])
def test_the_folder_of_the_module_is_a_flag_a_variable_and_a_setting(files, command):
    folder = files(src__shop="import sys\nsys.exit(f'loaded from {__file__}')\n")
    (folder / "pyproject.toml").write_text('[tool.pyasynq]\napp = "shop:app"\napp_dir = "src"\n')
    where = f"loaded from {folder}/src/shop.py"
    environment = {**os.environ, "PYASYNQ_APP_DIR": "src"}
    worker = [*MODULE, "worker"]

    for given, variables in (
        ([*worker], os.environ),
        ([*worker, "shop:app", "--app-dir", "src"], os.environ),
        ([*worker, "shop:app"], environment),
    ):
        done = subprocess.run(
            given, cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
        assert where in done.stderr


@pytest.mark.parametrize(
    ("texts", "target", "said"),
    [
        ({"shop": FACTORY}, "shop:create_app", "if it makes one, write shop:create_app()"),
        ({"shop": FACTORY}, "shop:create_app(1)", "name the App as module:name, such as app:app"),
        ({"shop": APP}, "shop:ns.app", "has no 'ns.app'; did you mean shop:app?"),
        ({"shop": "x = 1"}, "shop:app", "/shop.py) has no 'app' and no App at all"),
        ({"src__shop": APP}, "shop:app", "but in its folder src; use --app-dir src"),
        ({"src__shop__web": APP}, "shop.web:app", "but in its folder src; use --app-dir src"),
        (
            {"shop": "from .other import x\n"},
            "shop:app",
            "name it with its package, as in shop.shop:app, from the folder above",
        ),
        (
            {"shop": "import jobs\n" + APP, "jobs": "from shop import app\n"},
            "shop:app",
            "two modules import each other: let both import the App from a third one",
        ),
        (
            {"shop": "import jobs\n" + APP, "jobs": "import shop\nshop.app\n"},
            "shop:app",
            "two modules import each other: let both import the App from a third one",
        ),
        ({"shop": "number = 3"}, "shop:number", "shop:number is of type int, not an App"),
        (
            {"shop": APP + "@app.task(max_retries=3)\ndef f(): ...\n"},
            "shop:app",
            "unknown option 'max_retries'; did you mean 'max_retry'? [shop.py:3]",
        ),
        ({"shop": APP, "util": "x = 1"}, "app:app", "or on the path; here is shop:app"),
        (
            {"shop": "import pyasynq\nx: pyasynq.App = pyasynq.App()\n", "jobs": APP},
            "shop",
            "not 'shop'; here is jobs:app and shop:x",
        ),
        ({"shop": "from json import loadz\n"}, "shop:app", "cannot import name 'loadz'"),
        (
            {"shop": "x = 1\ndef f(:\n"},
            "shop:app",
            "shop.py:2: SyntaxError: invalid syntax: def f(:",
        ),
    ],
)
def test_an_app_that_cannot_be_loaded_is_explained(files, refused, texts, target, said):
    assert said in refused(files(**texts), target)


def test_a_folder_that_does_not_exist_is_named(files, refused):
    folder = files(shop=APP)

    said = refused(folder, "shop:app", "--app-dir", "scr")

    assert said == f"there is no folder '{folder}/scr', which --app-dir names"


@pytest.mark.parametrize("command", ["worker", "dev", "scheduler"])
def test_a_command_without_an_app_names_those_that_the_folder_has(files, cli_in, command):
    done = cli_in(files(shop=APP), command)

    assert done.code == 2
    assert f"name an App, as in `pyasynq {command} app:app`; here is shop:app\n" in done.err


def test_dev_does_not_wait_for_a_change_that_cannot_help(files, cli_in):
    folder = files(shop=APP)

    done = cli_in(folder, "dev", "shop.py")

    assert (done.code, done.err[:50]) == (2, "Error: name the App as module:name, such as app:ap")
    assert not (folder / ".pyasynq").exists()


HIDERS = ("queue", "redis", "secrets", "uvloop", "click", "logging", "asyncio", "msgspec")


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
def test_files_that_are_named_like_modules_of_a_worker_do_not_harm_it(files, command, redis_url):
    folder = files(shop=APP + "raise SystemExit('loaded')\n", **dict.fromkeys(HIDERS, "1 / 0\n"))

    done = subprocess.run(
        [*command, "worker", "shop:app", "--redis-url", redis_url],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == "loaded\n"


@pytest.mark.parametrize(
    ("texts", "target"),
    [
        ({"shop": "from queue import jobs\n", "queue": "jobs = []\n"}, "shop:app"),
        ({"shop": "import queue\nqueue.jobs\n", "queue": "jobs = []\n"}, "shop:app"),
        ({"shop": "import queue.jobs\n", "queue": "jobs = []\n"}, "shop:app"),
        ({"shop": "from redis import jobs\n", "redis": "jobs = []\n"}, "shop:app"),
        ({"shop": "from statistics import mean\n", "statistics": "jobs = []\n"}, "shop:app"),
        ({"shop": "import statistics\nstatistics.mean\n", "statistics": ""}, "shop:app"),
    ],
)
def test_a_file_and_a_module_of_one_name_are_told(files, texts, target):
    (name,) = set(texts) - {"shop"}
    folder = files(**texts)

    said = load(folder, target)

    assert said.endswith(
        f" ({folder}/{name}.py and another module are both called {name!r}; rename your file)"
    )


@pytest.mark.parametrize("name", ["signal", "time"])
def test_an_app_in_a_file_that_is_hidden_is_explained(files, refused, name):
    said = refused(files(**{name: APP}), f"{name}:app")

    assert said.endswith(f"your {name}.py is hidden by it, so rename your file")


def test_a_directory_that_was_deleted_is_an_error_that_says_so(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    program = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m pyasynq worker shop:app"

    done = subprocess.run(
        ["sh", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert done.stderr.endswith(
        "Error: the current directory no longer exists; change to another one\n"
    )


def test_in_a_project_of_django_its_app_need_not_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    without = project_defaults()
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    within = project_defaults()
    (tmp_path / "pyproject.toml").write_text('[tool.pyasynq]\napp = "shop:app"\n')

    assert "target" not in without["worker"]
    assert {within[name]["target"] for name in ("worker", "dev", "scheduler")} == {
        "pyasynq.contrib.django:app"
    }
    assert project_defaults()["worker"]["target"] == "shop:app"
