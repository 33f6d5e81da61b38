"""The lifespan in the guide to the App."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pyasynq import App, TaskContext

app = App()


@dataclass
class Resources:
    greeting: str


@app.lifespan
@asynccontextmanager
async def lifespan() -> AsyncIterator[Resources]:
    yield Resources("hello")


@app.task(retention=600)
async def greet(ctx: TaskContext[Resources], name: str) -> str:
    return f"{ctx.state.greeting} {name}"


def test_what_the_lifespan_yields_is_the_state():
    with app.testing() as harness:
        handle = greet.enqueue("Ann")
        harness.run_pending()

        assert handle.result(0) == "hello Ann"


def test_a_state_of_the_test_takes_its_place():
    with app.testing(state=Resources("good evening")) as harness:
        handle = greet.enqueue("Ann")
        harness.run_pending()

        assert handle.result(0) == "good evening Ann"
