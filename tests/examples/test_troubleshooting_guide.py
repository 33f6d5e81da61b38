"""The page about troubleshooting: each text that it quotes is what a user is told.

A mistake is made here, or in the tests of those that the table of mistakes lists; lines of the log
are read from the source.
"""

import asyncio
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import pyasynq.web
from pyasynq import App, Client, EnqueueOptions, Task, TaskContext
from pyasynq.broker.operations.redis_info import PING
from pyasynq.broker.runners.redis_errors import hint, refusal, wrong_setting
from pyasynq.broker.runners.runner import Runner
from pyasynq.cli.target import load_app
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.transport.wrong_settings import NEEDS_TLS, NO_TLS
from pyasynq.errors import (
    DuplicateTaskError,
    ResultTimeoutError,
    TaskFailedError,
    TaskIdConflictError,
)
from pyasynq.lifecycle.listening import listener_on
from pyasynq.worker.task_log import _reason  # the last part of a line
from tests.app.test_mistakes import MISTAKES
from tests.support.log_calls import all_lines
from tests.support.ports import free_port

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "guides" / "troubleshooting.md"
OF_OTHERS = {"No matching distribution found for pyasynq", "pyasynq: command not found"}
IN_A_PROCESS_OF_ITS_OWN = {  # and the tests that show it
    "cannot be loaded: module": "architecture/test_public_names.py",
    "and another module are both called": "cli/test_target.py",
    "name an App, as in": "cli/test_target.py",
}
NOWHERE = "redis://127.0.0.1:1"


def first_cells() -> list[str]:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [
        cell for row in rows if (cell := row.split(" | ")[0].removeprefix("| ")) != "what you see"
    ]


QUOTES = [
    quote
    for cell in first_cells()
    if cell.startswith("`")
    for _ticks, quote in re.findall(r"(`+)(.+?)\1", cell)
]


def says(text: str, quote: str) -> bool:
    """Whether *quote*, in which … stands for anything, is in *text*."""
    pattern = re.escape(quote.strip("…")).replace("…", ".+?")
    return re.search(pattern, text, re.DOTALL) is not None


class Things:
    def method(self, number: int) -> None: ...


async def add(a: int, b: int = 0) -> int:
    return a + b


def anything(value=None): ...


def positional(a, /): ...


def periodic(spec: str, **options) -> None:
    app = App(NOWHERE)
    app.periodic(spec, **options)(anything)
    assert app.mux


def unavailable() -> None:
    runner = Runner(Connector.of(NOWHERE).open_sync(), clock=SystemClock())
    try:
        runner.run(PING, patience_s=0)
    finally:
        runner.close()


def unanswered() -> None:
    port = free_port()
    with listener_on("127.0.0.1", port):
        url = f"redis://127.0.0.1:{port}?connect_timeout=0.05&socket_timeout=0.05"
        runner = Runner(Connector.of(url).open_sync(), clock=SystemClock())
        try:
            runner.run(PING, patience_s=0)
        finally:
            runner.close()


def taken_port() -> None:
    port = free_port()
    with listener_on("127.0.0.1", port):
        listener_on("127.0.0.1", port)


def never_awaited(make: Callable[[], object]) -> None:
    """Drop a coroutine, and raise the warning that Python has for that."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make()
    raise caught[0].message


def failing(kind: type[Exception], **attributes) -> None:
    raise kind(**attributes)


TASK = App(NOWHERE).task(add)
ANY = App(NOWHERE).task(anything)
MADE: list[Callable[[], object]] = [
    unavailable,
    unanswered,
    taken_port,
    lambda: Connector.of("localhost:6379"),
    lambda: App(NOWHERE).task(Things.method),
    lambda: App(NOWHERE).task(positional),
    lambda: EnqueueOptions(max_retry="3"),
    lambda: EnqueueOptions(timeout=-1),
    lambda: periodic("every 5 minutes"),
    lambda: periodic("0 2 * * *", timezone="Berlin"),
    lambda: ANY.bind(object()),
    lambda: ANY.bind({1, 2}),
    lambda: never_awaited(lambda: TASK.aenqueue(1)),
    lambda: never_awaited(lambda: TASK(1)),
    lambda: Client(NOWHERE).enqueue(TASK),
    lambda: Task("add", {"a": 1}),
    lambda: failing(DuplicateTaskError, queue="default", task_type="add", holder_id="5f0c"),
    lambda: failing(TaskIdConflictError, queue="default", task_id="5f0c", state="archived"),
    lambda: failing(ResultTimeoutError, task_id="5f0c", state="pending", timeout_s=5),
    lambda: failing(TaskFailedError, task_id="5f0c", error="too wide"),
]
ANSWERS_OF_REDIS = (
    "Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "AUTH <password> called without any password configured for the default user.",
    NO_TLS,
    NEEDS_TLS,
    "certificate verify failed: self-signed certificate",
    "This instance has cluster support disabled",
    "unknown command 'SENTINEL', with args beginning with: 'MASTERS'",
    "DB index is out of range",
    'Protocol error, got "H" as reply type byte',
    "DENIED Redis is running in protected mode",
)
REFUSALS = (
    "MOVED 3999 127.0.0.1:6381",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "NOPERM this user has no permissions to run the 'ping' command",
)
MODULES = {
    "shop_empty": "x = 1",
    "shop_number": "app = 3",
    "shop_factory": "def app(): ...",
    "shop_needs": "import not_there_at_all",
    "shop_circle": "from shop_other import task\nx = 1",
    "shop_other": "from shop_circle import x\ntask = 1",
}


def heard(act: Callable[[], object]) -> str:
    with pytest.raises((Exception, Warning)) as caught:
        act()
    return str(caught.value)


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("shop")
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        targets = [
            heard(lambda name=name: load_app(f"{name}:app", str(folder))) for name in MODULES
        ]
        targets += [heard(lambda at=at: load_app(at, str(folder))) for at in ("shop.py", "shp:app")]
    return [
        *targets,
        *(heard(each) for each in MADE),
        *(str(wrong_setting(each)) for each in ANSWERS_OF_REDIS),
        *(str(refusal(PING, each)) for each in REFUSALS),
        hint("READONLY You can't write against a read only replica."),
        pyasynq.web.MISSING,
        *(told for _name, _mistake, told in MISTAKES),
        *(line.text for line in all_lines()),
        *log_of_tasks(),
    ]


def log_of_tasks() -> list[str]:
    """Return the texts of failures that only a worker tells."""
    app = App(NOWHERE)

    @app.task(timeout=1, max_retry=0)
    async def slow(ctx: TaskContext) -> None:
        await asyncio.Event().wait()

    with app.testing() as harness, Client(harness.url) as client:
        app.task(add)
        client.enqueue(Task("add", b"not json"), max_retry=0)
        slow.enqueue()
        errors = [each.error for each in harness.run_pending()]
    return [_reason(each) for each in errors]


@pytest.mark.parametrize("quote", sorted({*QUOTES} - OF_OTHERS))
def test_what_the_page_quotes_is_what_users_are_told(quote, said):
    elsewhere = [each for each in IN_A_PROCESS_OF_ITS_OWN.items() if each[0] in quote]
    if elsewhere:
        (words, file) = elsewhere[0]
        assert words in (TESTS / file).read_text()
    else:
        assert [text for text in said if says(text, quote)], f"nobody is told {quote!r}"


def test_the_page_has_the_likely_mistakes():
    assert len(QUOTES) >= 60
    assert len({*QUOTES}) == len(QUOTES)
