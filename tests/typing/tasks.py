"""What type checkers say about tasks. Only type-checked; each marked line must be an error."""

from datetime import timedelta
from typing import Any, assert_type

from pyasynq import (
    App,
    Batch,
    BatchCounts,
    EnqueueOptions,
    Task,
    TaskContext,
    TaskDefinition,
    TaskHandle,
    TaskResult,
    retry,
)

app = App(
    "redis://localhost",
    name="shop",
    queues={"critical": 6},
    concurrency=100,
    task_defaults=EnqueueOptions(max_retry=10, timeout=60),
)
App("redis://localhost", workers=100)  # error
App("redis://localhost", concurrency="many")  # error


class Receipt: ...


# Coroutine functions, bare and by the factory, without and with the context.
@app.task
async def bare(user_id: int, *, template: str = "plain") -> Receipt:
    raise NotImplementedError


@app.task("email:welcome", queue="critical", max_retry=5, retention=timedelta(hours=1))
async def made(user_id: int, *, template: str = "plain") -> Receipt:
    raise NotImplementedError


@app.task
async def bare_with_context(ctx: TaskContext, user_id: int) -> Receipt:
    raise NotImplementedError


@app.task(retry_delay=retry.fixed(1), on_invalid_payload="archive", aliases=("old",))
async def made_with_context(ctx: TaskContext, user_id: int) -> Receipt:
    raise NotImplementedError


# Plain functions, likewise.
@app.task
def plain(user_id: int, data: bytes = b"") -> Receipt:
    raise NotImplementedError


@app.task(unique=60)
def plain_made(user_id: int, data: bytes = b"") -> Receipt:
    raise NotImplementedError


@app.task
def plain_with_context(ctx: TaskContext, user_id: int) -> Receipt:
    raise NotImplementedError


@app.task("image:resize")
def plain_made_with_context(ctx: TaskContext, user_id: int) -> Receipt:
    raise NotImplementedError


@app.task
def nothing() -> None: ...


@app.task
async def json(document: dict[str, Any]) -> None: ...


class Resources:
    greeting: str


@app.task
async def stateful(ctx: TaskContext[Resources], user_id: int) -> Receipt:
    assert_type(ctx.state, Resources)
    ctx.state.farewell()  # error
    raise NotImplementedError


@app.task(queue="low")
def stateful_made(ctx: TaskContext[Resources], user_id: int) -> Receipt:
    assert_type(ctx.state.greeting, str)
    raise NotImplementedError


@app.middleware
async def around(ctx: TaskContext[Resources], call_next: Any) -> Any:
    return await call_next(ctx)


def helper(ctx: TaskContext) -> None: ...


@app.task
async def document_with_context(ctx: TaskContext, document: list[int]) -> Receipt:
    helper(ctx)
    raise NotImplementedError


async def right_with_state(ctx: TaskContext, typed: TaskContext[Resources]) -> None:
    text: str = ctx.state
    print(text, ctx.state.database.cursor(), ctx.state["key"], list(ctx.state))
    helper(ctx)
    helper(typed)
    assert_type(stateful.enqueue(1), TaskHandle[Receipt])
    assert_type(stateful_made.enqueue(1), TaskHandle[Receipt])
    assert_type(await stateful(typed, 1), Receipt)
    assert_type(stateful_made(typed, 1), Receipt)
    stateful.enqueue("1")  # error


def right() -> None:
    assert_type(bare.enqueue(1), TaskHandle[Receipt])
    assert_type(bare.enqueue(1, template="html"), TaskHandle[Receipt])
    assert_type(made.enqueue(user_id=1), TaskHandle[Receipt])
    assert_type(bare_with_context.enqueue(1), TaskHandle[Receipt])
    assert_type(made_with_context.enqueue(1), TaskHandle[Receipt])
    assert_type(plain.enqueue(1, b""), TaskHandle[Receipt])
    assert_type(plain_made.enqueue(1), TaskHandle[Receipt])
    assert_type(plain_with_context.enqueue(1), TaskHandle[Receipt])
    assert_type(plain_made_with_context.enqueue(user_id=1), TaskHandle[Receipt])
    assert_type(nothing.enqueue(), TaskHandle[None])
    assert_type(json.enqueue({"a": 1}), TaskHandle[None])
    assert_type(made.options(process_in=60, unique=600).enqueue(1), TaskHandle[Receipt])
    assert_type(plain_with_context.options(queue="low").bind(1), Task)
    assert_type(app.task_handle("critical", "a"), TaskHandle[Any])
    assert_type(bare.enqueue(1).id, str)


def batches(batch: Batch[Receipt]) -> None:
    batch = assert_type(bare.enqueue_many([1, (2,), {"user_id": 3}]), Batch[Receipt])
    other = plain_with_context.options(queue="low").enqueue_many(range(3))
    batch = assert_type(other, Batch[Receipt])
    assert_type(batch.wait(5, progress=print), BatchCounts)
    assert_type([handle.id for handle in batch], list[str])
    assert_type(batch.results(), list[TaskResult[Receipt]])
    assert_type(batch.results()[0].value, Receipt | None)
    assert_type(batch.errors[0].position, int)
    assert_type(bare.handle("a"), TaskHandle[Receipt])
    assert_type(bare.arguments(Task("bare")), dict[str, Any])
    batch = bare.enqueue_many(1)  # error
    batch.wait("5")  # error


async def right_async() -> None:
    batch = assert_type(await bare.aenqueue_many([1]), Batch[Receipt])
    assert_type(await batch.await_done(5), BatchCounts)
    assert_type(await (await bare.aenqueue_many([1])), BatchCounts)
    assert_type(await bare.aenqueue(1), TaskHandle[Receipt])
    assert_type(await plain_with_context.aenqueue(1), TaskHandle[Receipt])
    assert_type(await made.options(queue="low").aenqueue(1), TaskHandle[Receipt])


async def plain_calls(ctx: TaskContext) -> None:
    assert_type(await bare(1), Receipt)
    assert_type(await made(1, template="html"), Receipt)
    assert_type(await bare_with_context(ctx, 1), Receipt)
    assert_type(plain(1), Receipt)
    assert_type(plain_with_context(ctx, 1), Receipt)
    await bare("1")  # error
    await bare_with_context(1)  # error
    plain_with_context(1)  # error


async def wrong(ctx: TaskContext) -> None:
    bare.enqueue("1")  # error
    bare.enqueue()  # error
    bare.enqueue(1, "html")  # error
    bare.enqueue(1, template=2)  # error
    bare.enqueue(1, colour="red")  # error
    made.enqueue("1")  # error
    bare_with_context.enqueue(ctx, 1)  # error
    made_with_context.enqueue("1")  # error
    plain.enqueue("1")  # error
    plain_made.enqueue(1, "data")  # error
    plain_with_context.enqueue(ctx, 1)  # error
    plain_made_with_context.enqueue("1")  # error
    nothing.enqueue(1)  # error
    json.enqueue([1])  # error
    await bare.aenqueue("1")  # error
    await bare_with_context.aenqueue("1")  # error
    await plain_with_context.aenqueue()  # error
    bare.bind("1")  # error
    bare.options(queue=1)  # error
    bare.options(colour="red")  # error
    bare.options(queue="low").enqueue("1")  # error
    app.task("a", on_invalid_payload="drop")  # error
    app.task("a", retry_delay=3)  # error
    app.task(3)  # error


def annotated(task: TaskDefinition[[int], Receipt]) -> TaskHandle[Receipt]:
    task.enqueue("1")  # error
    return task.enqueue(1)


@app.task
async def exact(user_id: int) -> Receipt:
    raise NotImplementedError


@app.task
def other(user_id: str) -> Receipt:
    raise NotImplementedError


annotated(exact)
annotated(other)  # error


# Periodic tasks: of functions, and above a task.
@app.periodic("*/5 * * * *", timezone="Asia/Shanghai", queue="low", key="sweep")
async def sweep(days: int = 7) -> Receipt:
    raise NotImplementedError


@app.periodic(timedelta(minutes=5), args=(1,), missed="all", overlap="skip", jitter=3)
def sweep_plainly(ctx: TaskContext, days: int) -> Receipt:
    raise NotImplementedError


@app.periodic("@daily", kwargs={"days": 2})
@app.periodic("@hourly", args=(1,))
@app.task("sweep:typed")
async def sweep_typed(ctx: TaskContext, days: int) -> Receipt:
    raise NotImplementedError


async def periodic(ctx: TaskContext) -> None:
    assert_type(sweep.enqueue(days=1), TaskHandle[Receipt])
    assert_type(await sweep(3), Receipt)
    assert_type(sweep_plainly(ctx, 3), Receipt)
    assert_type(await sweep_typed(ctx, 3), Receipt)
    assert_type(sweep_typed.enqueue(3), TaskHandle[Receipt])
    sweep.enqueue("1")  # error
    sweep_plainly.enqueue(ctx, 1)  # error
    sweep_typed.enqueue("1")  # error
    app.periodic(5)  # error
    app.periodic("@daily", missed="some")  # error
    app.periodic("@daily", colour="red")  # error
    app.periodic("@daily", queue=1)  # error
