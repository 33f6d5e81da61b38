"""`App.task`: what becomes of a decorated function, without any Redis."""

from datetime import timedelta

import pytest

from pyasynq import retry
from pyasynq.app import App
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext


def make_app(**settings):
    return App("redis://127.0.0.1:1", **settings)


def test_the_type_is_the_name_of_the_function():
    app = make_app()

    @app.task
    def resize(size: int) -> None: ...

    assert resize.type == "resize"
    assert list(app.tasks) == ["resize"]


def test_the_type_can_be_given():
    app = make_app()

    @app.task("image:resize", aliases=("resize", "image:shrink"))
    def resize(size: int) -> None: ...

    assert resize.type == "image:resize"
    assert resize.aliases == ("resize", "image:shrink")
    assert app.mux.patterns == ("image:resize", "image:shrink", "resize")


def test_a_definition_looks_like_its_function():
    app = make_app()

    @app.task
    def resize(size: int) -> None:
        """Make it small."""

    assert resize.__name__ == "resize"
    assert resize.__doc__ == "Make it small."
    assert repr(resize).startswith("<task 'resize' at /")


def test_a_plain_call_runs_the_function_itself():
    app = make_app()

    @app.task
    def add(a: int, b: int = 2) -> int:
        return a + b

    assert add(1) == 3


async def test_a_plain_call_of_a_coroutine_function_is_awaited():
    app = make_app()

    @app.task("add", queue="low")
    async def add(a: int, *, b: int) -> int:
        return a + b

    assert await add(1, b=4) == 5


def test_a_plain_call_passes_the_context_explicitly():
    app = make_app()

    @app.task
    def show(ctx: TaskContext, size: int) -> tuple[object, int]:
        return (ctx, size)

    context = object.__new__(TaskContext)

    assert show(context, 3) == (context, 3)


def test_bind_gives_type_payload_and_options():
    app = make_app()

    @app.task("image:resize", queue="low", timeout=30)
    def resize(ctx: TaskContext, size: int, *, name: str = "x") -> None: ...

    task = resize.bind(3)

    assert task == Task(
        "image:resize",
        b'{"size":3,"name":"x"}',
        options=EnqueueOptions(queue="low", timeout=30),
    )


def test_the_call_wins_over_the_decorator_over_the_app():
    app = make_app(
        task_defaults=EnqueueOptions(
            queue="a", max_retry=1, timeout=1, headers={"x": "app", "y": "app"}
        )
    )

    @app.task(queue="b", max_retry=2, headers={"x": "task"})
    def resize(size: int) -> None: ...

    task = resize.options(queue="c").options(retention=timedelta(hours=1)).bind(1)

    assert task.options == EnqueueOptions(
        queue="c",
        max_retry=2,
        timeout=1,
        retention=timedelta(hours=1),
        headers={"x": "task", "y": "app"},
    )


def test_options_leave_the_definition_as_it_was():
    app = make_app()

    @app.task(queue="b")
    def resize(size: int) -> None: ...

    resize.options(queue="c")

    assert resize.bind(1).options.queue == "b"


def test_a_wrong_argument_is_refused_before_any_connection():
    app = make_app()

    @app.task
    def resize(size: int) -> None: ...

    with pytest.raises(
        PayloadError,
        match=r"\$\.size: expected int, got str \('3'\); parameter 'size' of task 'resize'",
    ):
        resize.enqueue("3")
    with pytest.raises(TypeError, match=r"resize\(\): missing a required argument: 'size'"):
        resize.enqueue()


async def test_a_wrong_argument_of_aenqueue_is_refused_before_any_connection():
    app = make_app()

    @app.task
    def resize(size: int) -> None: ...

    with pytest.raises(PayloadError, match=r"\$\.size: expected int, got str"):
        await resize.aenqueue("3")


def test_a_type_registered_twice_names_both_source_lines():
    app = make_app()

    @app.task("a")
    def first() -> None: ...

    with pytest.raises(ConfigError) as caught:

        @app.task("b", aliases=("a",))
        def second() -> None: ...

    source_lines = [first.spec.source_line, f"{__file__}:{second_line()}"]
    assert str(caught.value) == (
        f"task type 'a' is registered twice: at {source_lines[0]} and at {source_lines[1]}"
    )
    assert list(app.tasks) == ["a"]


def second_line():
    """Return the line of the decorator of the second task above."""
    with open(__file__) as lines:  # noqa: PTH123 - the shortest way
        return next(n for n, line in enumerate(lines, 1) if '@app.task("b", aliases' in line)


def test_an_alias_named_twice_is_refused():
    app = make_app()

    with pytest.raises(ConfigError, match=r"alias 'a' of the task at .* is named twice"):

        @app.task("b", aliases=("a", "a"))
        def second() -> None: ...


def test_every_fault_of_a_decorator_is_named_at_once():
    app = make_app()

    with pytest.raises(ConfigError) as caught:

        @app.task(
            " ",
            aliases="old",
            retry_delay=3,
            is_failure=4,
            max_deferrals=-1,
            on_invalid_payload="drop",
            on_invalid_result="retry",
        )
        def resize(*sizes: int) -> None: ...

    assert [fault.split(" ")[:3] for fault in caught.value.faults] == [
        ["aliases", "must", "be"],
        ["task", "type", "must"],
        ["retry_delay", "must", "be"],
        ["is_failure", "must", "be"],
        ["max_deferrals", "must", "be"],
        ["on_invalid_payload", "must", "be"],
        ["on_invalid_result", "must", "be"],
        ["parameter", "*sizes", "of"],
    ]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"max_retries": 3}, "unknown option 'max_retries'; did you mean 'max_retry'?"),
        ({"max_retry": -1}, "max_retry must be from 0 to 2147483647, not -1"),
    ],
)
def test_a_wrong_option_is_refused_at_the_decorator(keywords, message):
    app = make_app()

    with pytest.raises(ConfigError) as caught:
        app.task(**keywords)

    assert str(caught.value) == message


def test_a_wrong_option_of_a_call_is_refused():
    app = make_app()

    @app.task
    def resize(size: int) -> None: ...

    with pytest.raises(ConfigError, match="timeout must be at least 0 s"):
        resize.options(timeout=-1)


def generator():
    yield 1


async def async_generator():
    yield 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (generator, "'generator' is a generator"),
        (async_generator, "'async_generator' is a generator"),
        (3, "a task must be a function, not 3"),
        (dict, "a task must be a function, not <class 'dict'>"),
    ],
)
def test_anything_but_a_plain_or_coroutine_function_is_refused(function, message):
    app = make_app()

    with pytest.raises(ConfigError, match=message):
        app.task(function)


def test_the_mux_knows_the_settings_and_the_kind_of_each_function():
    app = make_app()
    delay = retry.fixed(1)

    @app.task(retry_delay=delay, max_deferrals=3, is_failure=bool)
    async def fetch(url: str) -> None: ...

    @app.task
    def resize(size: int) -> None: ...

    mux = app.mux

    fetching, resizing = mux.route("fetch"), mux.route("resize")
    assert fetching.is_async
    assert fetching.settings.retry_delay is delay
    assert fetching.settings.max_deferrals == 3
    assert fetching.settings.is_failure is bool
    assert not resizing.is_async
