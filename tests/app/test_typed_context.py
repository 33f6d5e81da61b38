"""`TaskContext[State]`: a context whose state has a type, in every way to write it."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Generic, Optional, TypeVar, Union

import pytest
from typing_extensions import TypeAliasType

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.context import TaskContext

T = TypeVar("T")


@dataclass
class Resources:
    greeting: str


class Box(Generic[T]): ...


def plain(ctx: TaskContext, name: str) -> str: ...
def typed(ctx: TaskContext[Resources], name: str) -> str: ...
def as_text(ctx: "TaskContext[Resources]", name: str) -> str: ...
def with_text_inside(ctx: TaskContext["Resources"], name: str) -> str: ...
def of_a_generic(ctx: TaskContext[Box[Resources]], name: str) -> str: ...
def noted(ctx: Annotated[TaskContext[Resources], "a note"], name: str) -> str: ...
def by_an_alias(ctx: "Alias", name: str) -> str: ...
def by_a_named_alias(ctx: "Named", name: str) -> str: ...
def by_a_generic_alias(ctx: "Of[Resources]", name: str) -> str: ...
async def awaited(ctx: TaskContext[Resources], name: str) -> str: ...


Alias = TaskContext[Resources]
Named = TypeAliasType("Named", TaskContext[Resources])
Of = TypeAliasType("Of", TaskContext[T], type_params=(T,))

FORMS = [
    plain,
    typed,
    as_text,
    with_text_inside,
    of_a_generic,
    noted,
    by_an_alias,
    by_a_named_alias,
    by_a_generic_alias,
    awaited,
]


@pytest.mark.parametrize("function", FORMS, ids=lambda each: each.__name__)
def test_a_context_is_recognised_however_it_is_written(function):
    task = App("redis://127.0.0.1:1").task(function)

    assert task.bind("Ann").payload == b'{"name":"Ann"}'


def optional(ctx: Optional[TaskContext[Resources]], name: str) -> None: ...  # noqa: UP045 - tested
def union(ctx: TaskContext | None, name: str) -> None: ...
def union_of_two(ctx: Union[TaskContext[Resources], int], name: str) -> None: ...  # noqa: UP007 - tested
def optional_by_default(ctx: "TaskContext[Resources] | None" = None) -> None: ...
def listed(name: str, ctx: list[TaskContext[Resources]]) -> None: ...


@pytest.mark.parametrize(
    "function",
    [optional, union, union_of_two, optional_by_default, listed],
    ids=lambda each: each.__name__,
)
def test_a_context_inside_another_type_is_refused_with_the_way_to_write_it(function):
    with pytest.raises(ConfigError) as caught:
        App("redis://127.0.0.1:1").task(function)

    assert (
        f"parameter 'ctx' of {function.__name__!r} has TaskContext inside its annotation; "
        "write `ctx: TaskContext`, as the first parameter: a worker always passes it"
    ) in str(caught.value)


def test_a_typed_context_that_is_not_first_is_refused():
    def late(name: str, ctx: TaskContext[Resources]) -> None: ...

    with pytest.raises(ConfigError, match=r"'ctx' of .* only the first parameter can be"):
        App("redis://127.0.0.1:1").task(late)


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_finds_the_state_of_the_lifespan_in_a_typed_context(redis_url, is_async):
    app = App(redis_url, task_check_interval=0.01)

    @app.lifespan
    @asynccontextmanager
    async def lifespan():
        yield Resources("hello")

    if is_async:

        @app.task(retention=60)
        async def greet(ctx: TaskContext[Resources], name: str) -> str:
            return f"{ctx.state.greeting} {name}"
    else:

        @app.task(retention=60)
        def greet(ctx: TaskContext[Resources], name: str) -> str:
            return f"{ctx.state.greeting} {name}"

    async with app.server().running(app.mux):
        handle = await greet.aenqueue("Ann")
        async with asyncio.timeout(20):
            assert await handle.aresult() == "hello Ann"
