"""What type checkers know of what is read: handles, inspectors, events, servers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, assert_type

from pyasynq import (
    App,
    AsyncClient,
    AsyncInspector,
    Client,
    ConnectionOptions,
    EnqueueOptions,
    EnqueueResult,
    Inspector,
    Progress,
    QueueInfo,
    Scheduler,
    SchedulerEntry,
    ServeMux,
    Server,
    ServerConfig,
    ServerInfo,
    Task,
    TaskContext,
    TaskHandle,
    TaskInfo,
    TaskState,
    current_context,
)

app = App(ConnectionOptions())


class Receipt: ...


@app.task(retention=60)
async def charge(order: int) -> Receipt:
    raise NotImplementedError


@app.task(executor="process", timeout=600)
def render(ctx: TaskContext, report: str) -> bytes:
    raise NotImplementedError


@app.task("mail:*", aliases=("letter:*",))
def any_mail(ctx: TaskContext, to: str | None = None) -> None: ...


@app.aggregator("orders", grace_period=30, max_delay=timedelta(minutes=1), max_size=100)
def collect(group: str, tasks: list[Task]) -> Task | None:
    return charge.bind(len(tasks))


@app.aggregator("other")
async def acollect(group: str, tasks: list[Task]) -> Task | None:
    return None


@app.aggregator("wrong")  # error
def not_an_aggregator(tasks: list[Task]) -> Task | None:
    return None


@app.aggregator("orders", grace=30)  # error
def wrong_limit(group: str, tasks: list[Task]) -> Task | None:
    return None


def handles(handle: TaskHandle[Receipt]) -> None:
    assert_type(handle.result(), Receipt)
    assert_type(handle.result(timeout=timedelta(seconds=5)), Receipt)
    assert_type(handle.info(), TaskInfo)
    assert_type(handle.info().state, TaskState)
    assert_type(handle.progress(), Progress | None)
    assert_type(handle.cancel(then="archive"), int)
    assert_type(render.enqueue("a").result(), bytes)
    assert_type(render.handle("id", "default").result(), bytes)
    assert_type(any_mail.aliases, tuple[str, ...])
    assert_type(app.enqueue_many([charge.bind(1)]), list[EnqueueResult])
    handle.cancel(then="now")  # error
    handle.result("5")  # error
    handle.state()  # error
    app.enqueue_many([1])  # error


async def ahandles(handle: TaskHandle[Receipt]) -> None:
    assert_type(await handle.aresult(timeout=5), Receipt)
    assert_type(await handle.ainfo(), TaskInfo)
    assert_type(await app.aenqueue_many([charge.bind(1)]), list[EnqueueResult])


def inspects(inspector: Inspector) -> None:
    assert_type(inspector.queues.infos(), Sequence[QueueInfo])
    assert_type(inspector.queues.info("default").pending, int)
    assert_type(inspector.tasks.get("default", "id"), TaskInfo)
    assert_type(inspector.tasks.get("default", "id").next_process_at, datetime | None)
    assert_type(inspector.servers.list(), Sequence[ServerInfo])
    assert_type(inspector.schedulers.entries(), Sequence[SchedulerEntry])
    inspector.queues.delete("default", force="yes")  # error
    inspector.jobs.list()  # error


async def ainspects() -> None:
    async with AsyncInspector() as inspector:
        assert_type(await inspector.queues.infos(), Sequence[QueueInfo])
        assert_type(await inspector.tasks.get("default", "id"), TaskInfo)


def clients() -> None:
    with Client("redis://localhost") as client:
        assert_type(client.enqueue(Task("a"), queue="low", process_in=5), TaskInfo)
        many = client.enqueue_many([Task("a"), (Task("b"), EnqueueOptions(queue="low"))])
        assert_type(many, list[EnqueueResult])
        assert_type(many[0].info, TaskInfo | None)
        client.enqueue("a")  # error
        client.enqueue(Task("a"), colour="red")  # error


async def aclients() -> None:
    async with AsyncClient() as client:
        assert_type(await client.enqueue(Task("a")), TaskInfo)


async def serves() -> None:
    mux = ServeMux()

    @mux.handler("email:")
    async def on_email(ctx: TaskContext, task: Task) -> bytes | None:
        return task.payload

    mux.handler("text:")(len)  # error
    server = Server("redis://localhost", ServerConfig(concurrency=100, queues={"critical": 6}))
    async with server.running(mux) as running:
        assert_type(running, Server)
    Server("redis://localhost", {"concurrency": 3})  # error
    ServerConfig(concurrent=3)  # error
    scheduler = Scheduler("redis://localhost")
    assert_type(scheduler.register("@every 5s", Task("a"), key="five", queue="low"), str)


def context(ctx: TaskContext) -> None:
    assert_type(ctx.attempt, int)
    assert_type(ctx.deadline, datetime)
    assert_type(ctx.remaining(), timedelta)
    ctx.progress(1, 2, "rows")
    ctx.write_result("text")  # error
    somewhere: TaskContext[Any] = current_context()
    assert_type(somewhere.task_id, str)
