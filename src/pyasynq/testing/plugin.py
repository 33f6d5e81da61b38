"""Fixtures and options that pytest finds by itself where pyasynq is installed.

    pyasynq_redis_url   URL of a Redis that is empty, and private to the test
    pyasynq_app         the App of the project; a project says which one
    pyasynq_harness     its harness, as of `App.testing`
    pyasynq_worker      its worker, running in the background

Nothing is loaded before a test uses one of them, or pytest is told of a Redis.
"""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyasynq.app.app import App
    from pyasynq.app.harness.harness import AppHarness
    from pyasynq.testing.worker import RunningWorker

URL = "pyasynq_redis_url"
SHARED = "pyasynq_redis_shared"
APP = "pyasynq_app"
HOW_TO_NAME_THE_APP = (
    "say which App the tests are about: write `pyasynq_app = shop:app` into the settings of "
    "pytest, or a fixture pyasynq_app that returns it into conftest.py"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tell pytest about our options and settings."""
    url = "URL of a Redis for tests; if not given, a private one is started when it is needed"
    shared = "the Redis for tests may hold other data, which is left alone"
    group = parser.getgroup("pyasynq")
    group.addoption("--pyasynq-redis-url", metavar="URL", help=url)
    group.addoption("--pyasynq-redis-shared", action="store_true", default=None, help=shared)
    parser.addini(URL, url)
    parser.addini(SHARED, shared, type="bool", default=False)
    parser.addini(APP, "where the App of the tests is, as in shop:app")


def pytest_configure(config: pytest.Config) -> None:
    """Let tests use the Redis that pytest was told of."""
    told = "pyasynq(**options): keyword arguments of App.testing for the fixture pyasynq_harness"
    config.addinivalue_line("markers", told)
    url = config.getoption(URL) or config.getini(URL)
    if url or _is_shared(config):
        from pyasynq.errors import ConfigError  # noqa: PLC0415 - loaded only where it is used
        from pyasynq.testing.redis import use_redis  # noqa: PLC0415 - as above

        try:
            use_redis(url or None, may_hold_data=_is_shared(config))
        except ConfigError as error:
            raise pytest.UsageError(f"--pyasynq-redis-url: {error}") from None


def _is_shared(config: pytest.Config) -> bool:
    return bool(config.getoption(SHARED) or config.getini(SHARED))


@pytest.fixture
def pyasynq_redis_url() -> Iterator[str]:
    """URL of a Redis that is empty, and private to the test: for a Client, a Server, an App.

    The server starts once per process of the test run, unless --pyasynq-redis-url names one.
    """
    from pyasynq.testing.redis import private_redis  # noqa: PLC0415 - loaded only where it is used

    with private_redis() as url:
        yield url


@pytest.fixture(scope="session")
def pyasynq_app(pytestconfig: pytest.Config) -> "App":
    """The App that the tests are about; named by the setting pyasynq_app, or by your own fixture.

    In pytest.ini: ``pyasynq_app = shop:app``. Or override this fixture in conftest.py.
    """
    return app_at(pytestconfig.getini(APP))


def app_at(path: str) -> "App":
    """Return the App at ``module:name``.

    Raises:
        UsageError: there is no such name, or it is not an App.
    """
    from pyasynq.app.app import App  # noqa: PLC0415 - loaded only where it is used

    module, _, name = path.partition(":")
    if not (module and name):
        raise pytest.UsageError(HOW_TO_NAME_THE_APP)
    found: Any = importlib.import_module(module)
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise pytest.UsageError(f"pyasynq_app = {path}: {error}") from None
    if not isinstance(found, App):
        kind = type(found).__name__
        raise pytest.UsageError(f"pyasynq_app = {path} is of type {kind}, not an App")
    return found


@pytest.fixture
def pyasynq_harness(pyasynq_app: "App", request: pytest.FixtureRequest) -> "Iterator[AppHarness]":
    """The harness of pyasynq_app, as of App.testing(): run_pending(), clock, assert_enqueued().

    ``@pytest.mark.pyasynq(eager=True)`` above a test gives App.testing these arguments.
    """
    options: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers("pyasynq"))):
        options |= mark.kwargs
    with pyasynq_app.testing(**options) as harness:
        yield harness


@pytest.fixture
def pyasynq_worker(pyasynq_app: "App") -> "Iterator[RunningWorker]":
    """A real worker of pyasynq_app, in a thread, on a private Redis; its until_idle() waits."""
    from pyasynq.testing.worker import running_worker  # noqa: PLC0415 - loaded only where it is used

    with running_worker(pyasynq_app) as worker:
        yield worker
