"""Functions of a wrong form are refused at their decorator, with the form that is wanted."""

from contextlib import asynccontextmanager, contextmanager

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server

MIDDLEWARE = "write `async def middleware(ctx, call_next)`"
LIFESPAN = "write `async def lifespan(): ...; yield state; ...`"


def generator(ctx, call_next):
    yield


async def async_generator(ctx, call_next):
    yield


class Timing:
    def __init__(self, ctx, call_next):
        pass


class YieldingObject:
    async def __call__(self, ctx, call_next):
        yield


class Good:
    async def __call__(self, ctx, call_next):
        return await call_next(ctx)


def one_argument(ctx):
    pass


@pytest.fixture
def app():
    return App("redis://nowhere.invalid")


@pytest.mark.parametrize(
    ("middleware", "fault"),
    [
        (generator, "a middleware must not be a generator function, as 'generator' is"),
        (async_generator, "a middleware must not be a generator function, as 'async_generator' is"),
        (YieldingObject(), "a middleware must not be a generator function, as 'YieldingObject' is"),
        (Timing, "a middleware must be a function, not the class 'Timing'"),
        (one_argument, "a middleware takes 2 arguments, but 'one_argument' does not"),
        ("text", "a middleware must be a function, not 'text'"),
    ],
)
def test_a_middleware_of_another_form_is_refused(app, middleware, fault):
    for register in (app.middleware, ServeMux().use):
        with pytest.raises(ConfigError) as caught:
            register(middleware)

        assert str(caught.value) == f"{fault}; {MIDDLEWARE}"


def test_a_middleware_may_be_an_object_or_any_function_of_two_arguments(app):
    app.middleware(Good())
    app.middleware(lambda *args: args[1](args[0]))

    assert len(app.mux.middlewares) == 2


async def coroutine():
    pass


def plain_generator():
    yield


@contextmanager
def plain_context_manager():
    yield


async def of_fastapi(app):
    yield


class Opened:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        pass


@pytest.mark.parametrize(
    ("lifespan", "fault"),
    [
        (coroutine, "lifespan 'coroutine' never yields"),
        (plain_generator, "lifespan 'plain_generator' must be async"),
        (plain_context_manager, "lifespan 'plain_context_manager' must be async"),
        (of_fastapi, "a lifespan takes no argument, but 'of_fastapi' does not"),
        (Timing, "a lifespan must be a function, not the class 'Timing'"),
        (3, "a lifespan must be a function, not 3"),
    ],
)
def test_a_lifespan_of_another_form_is_refused(app, lifespan, fault):
    for register in (app.lifespan, lambda given: Server(lifespan=given)):
        with pytest.raises(ConfigError) as caught:
            register(lifespan)

        assert str(caught.value) == f"{fault}; {LIFESPAN}"


async def never():
    if False:
        yield


async def twice():
    yield
    yield


def nothing(): ...


@contextmanager
def blocking():
    yield


OF_ANOTHER_FORM = {
    "never": (never, "lifespan 'never' has not yielded"),
    "twice": (twice, "lifespan 'twice' yields more than once"),
    "nothing": (
        nothing,
        "lifespan 'nothing' returned NoneType, which is no async context manager",
    ),
    "blocking": (
        lambda: blocking(),  # noqa: PLW0108 - its form cannot be seen from outside
        "lifespan '<lambda>' returned _GeneratorContextManager, which is no async context manager",
    ),
}


@pytest.mark.parametrize("name", OF_ANOTHER_FORM)
async def test_a_lifespan_whose_form_shows_when_it_is_opened_is_told(redis_url, name):
    lifespan, fault = OF_ANOTHER_FORM[name]

    with pytest.raises(ConfigError) as caught:
        async with Server(redis_url, lifespan=lifespan).running(ServeMux()):
            pass

    assert str(caught.value) == f"{fault}; {LIFESPAN}"


async def test_an_error_of_a_lifespan_is_its_own(redis_url):
    async def broken():
        raise RuntimeError("no database")
        yield

    with pytest.raises(RuntimeError, match=r"^no database$"):
        async with Server(redis_url, lifespan=broken).running(ServeMux()):
            pass


async def good():
    yield


@pytest.mark.parametrize("lifespan", [good, asynccontextmanager(good), Opened])
def test_a_lifespan_may_be_whatever_gives_an_async_context_manager(app, lifespan):
    assert app.lifespan(lifespan) is lifespan


@pytest.mark.parametrize(
    ("listener", "fault"),
    [
        (plain_generator, "must not be a generator function, as 'plain_generator' is"),
        (of_fastapi, "must not be a generator function, as 'of_fastapi' is"),
        (coroutine, "takes one argument, but 'coroutine' does not"),
        (Timing, "must be a function, not the class 'Timing'"),
    ],
)
def test_a_listener_of_another_form_is_refused(app, listener, fault):
    with pytest.raises(ConfigError) as caught:
        app.on("failed")(listener)

    assert str(caught.value) == f"a listener {fault}; write `def listener(event)`"


@pytest.mark.parametrize(
    ("aggregator", "fault"),
    [
        (generator, "must not be a generator function, as 'generator' is"),
        (one_argument, "takes 2 arguments, but 'one_argument' does not"),
        (Timing, "must be a function, not the class 'Timing'"),
    ],
)
def test_an_aggregator_of_another_form_is_refused(app, aggregator, fault):
    with pytest.raises(ConfigError) as caught:
        app.aggregator("digest:*")(aggregator)

    assert str(caught.value) == f"an aggregator {fault}; write `def aggregator(group, tasks)`"


def test_an_aggregator_without_its_pattern_is_refused(app):
    with pytest.raises(ConfigError) as caught:

        @app.aggregator
        def digest(group, tasks):
            return None

    assert str(caught.value) == (
        'an aggregator needs a pattern of groups; write `@app.aggregator("digest:*")`'
    )


def test_an_object_whose_call_is_a_generator_function_is_no_handler():
    with pytest.raises(ConfigError, match="handler of 'email' is a generator function"):
        ServeMux().add("email", YieldingObject())
