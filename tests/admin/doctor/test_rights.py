"""A user with the rights of a role, as the page of the reference lists them, has enough of them.

Each role does all that it can do, on a single server and on a cluster. Afterwards the log of Redis
must know of nobody who wanted more than he may.
"""

import asyncio
import inspect
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from pyasynq.admin.doctor import Doctor
from pyasynq.admin.doctor.rights import line_of, rights_of
from pyasynq.admin.doctor.roles import ROLES
from pyasynq.answers import raise_first
from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.errors import (
    DuplicateTaskError,
    IncompatibleRedisError,
    TaskIdConflictError,
)
from pyasynq.inspector import AsyncInspector
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.task_history import TaskHistory
from tests.support.builders import make_active
from tests.support.eventually import eventually_async
from tests.support.golden_state import dump
from tests.support.stored_tasks import PAST_S, store
from tests.support.workplace import QUICK

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "rights.md"
LINE = re.compile(r"^    (ACL SETUSER (\w+) .*)$", re.MULTILINE)
LINES = {role: line for line, role in LINE.findall(PAGE.read_text())}
STATES = ("pending", "active", "scheduled", "retry", "archived", "completed")
OF_TASKS = re.compile(rb"asynq:\{(mail|ads)\}:(?!x:)")
REFUSED = re.compile(r"permission|script can't|not allowed from script", re.IGNORECASE)
FAR = datetime(2033, 5, 18, tzinfo=UTC)


def version_of(client: redis.Redis) -> tuple[int, ...]:
    return tuple(map(int, client.info("server")["redis_version"].split(".")))


def adapted(line: str, client: redis.Redis) -> str:
    """Return *line* without what an old server does not know, as the page tells."""
    version = version_of(client)
    if version < (7, 0):
        line = re.sub(r"\(\+set [^)]*\)", "+set", line)
    if version < (6, 2):
        line = re.sub(r" (resetchannels|&\S+)", "", line)
    return line if version >= (6, 0, 6) else line.replace(" +lpos", "")


class Place:
    """A single server or a cluster, and users with the rights of roles on each of its servers."""

    def __init__(self, nodes, client, url) -> None:
        self.nodes = nodes
        self.client = client
        self.admin_url = url
        self.is_cluster = len(nodes) > 1

    def dump(self):
        """All that is stored of tasks, by node."""
        found = []
        for node in self.nodes:
            with node.client() as client:
                if version_of(client) < (7, 0):
                    pytest.skip("before Redis 7 no server tells when a key expires")
                state = dump(client)
            found.append({key: state[key] for key in state if OF_TASKS.match(key)})
        return found

    def url(self, role: str) -> str:
        """Let a user have the rights of *role*, and nobody be noted yet; return the URL."""
        line = LINES[role].replace(">PASSWORD", ">pw")
        for node in self.nodes:
            with node.client() as client:
                client.execute_command(*adapted(line, client).split())
                client.execute_command("ACL", "LOG", "RESET")
        return self.admin_url.replace("//", f"//{role}:pw@", 1)

    def refused(self) -> list[object]:
        """What was tried without the right to it."""
        found = []
        for node in self.nodes:
            with node.client() as client:
                for entry in client.execute_command("ACL", "LOG"):
                    values = dict(zip(entry[::2], entry[1::2], strict=True))
                    found.append(b" ".join(values[name] for name in (b"context", b"object")))
        return found


@pytest.fixture(params=["single", "cluster"])
def place(request) -> Iterator[Place]:
    if request.param == "single":
        server = request.getfixturevalue("redis_server")
        client = request.getfixturevalue("redis_client")
        found = Place([server], client, server.tcp_url)
    else:
        cluster = request.getfixturevalue("cluster")
        client = cluster.client()
        found = Place(cluster.nodes, client, cluster.url)
    yield found
    for node in found.nodes:
        with node.client() as each:
            each.execute_command("ACL", "DELUSER", *ROLES)
    if request.param == "cluster":
        client.close()


def test_the_page_lists_the_rights_of_each_role():
    assert {role: line_of(role) for role in ROLES} == LINES


def test_the_keys_of_another_namespace_are_taken_literally():
    assert {"~my\\*app:queues", "~my\\*app:{*", "&my\\*app:x:due"} <= {
        *rights_of("producer", namespace="my*app")
    }


@pytest.mark.parametrize("role", ROLES)
def test_the_doctor_finds_that_the_rights_of_a_role_are_enough_for_it(place, role):
    with Doctor(place.url(role)) as doctor:
        found = doctor.examine(role=role).findings

    codes = {each.code for each in found}
    assert not [each for each in found if each.severity == "error"]
    assert not codes & {"rights_missing", "pubsub_refused", "time_refused", "wake_up_refused"}


FORMS = {
    "now": {},
    "later": {"process_in": 3600},
    "due soon": {"process_in": 1},
    "in a group": {"group": "g"},
    "in a group later": {"group": "g", "process_in": 3600},
    "unique": {"unique": 60, "unique_until": "started"},
    "unique and later": {"unique": 60, "unique_key": "k", "process_in": 60},
    "with all else": {"expires": 60, "retention": 60, "headers": {"a": "b"}, "deadline": FAR},
}


async def test_a_producer_enqueues_in_every_form(place):
    url = place.url("producer")
    app = App(url)

    @app.task(unique=60)
    async def greet(name: str) -> None: ...

    async with AsyncClient(url) as client:
        for options in FORMS.values():
            await client.enqueue(Task("email", b"1"), queue="mail", **options)
        both = [
            (Task("email", form.encode()), EnqueueOptions(queue=queue, **options))
            for queue in ("default", "low")
            for form, options in FORMS.items()
        ]
        results = await client.enqueue_many(both)
        with pytest.raises(DuplicateTaskError):
            await client.enqueue(Task("email", b"unique"), queue="low", unique=60)
        with pytest.raises(TaskIdConflictError):
            await client.enqueue(Task("email"), task_id=results[0].info.id)
    with Client(url) as blocking:
        blocking.enqueue(Task("email"), queue="other")
    await greet.aenqueue("Ann")
    await app.aclose()

    assert [each.error for each in results] == [None] * len(both)
    assert place.refused() == []


async def test_a_worker_works_cancels_recovers_and_schedules(place):
    app = App(
        place.url("worker"),
        name="shop",
        queues={"default": 2, "low": 1},
        retry_delay=lambda *_given: 0.01,
        group_aggregator=lambda _group, _tasks: Task("fine", b"{}"),
        group_max_size=2,
        group_grace_period=1,
        task_history=TaskHistory(),
        type_statistics=True,
        **QUICK,
    )
    started, ticked, ran = asyncio.Event(), asyncio.Event(), []

    @app.task(retention=60)
    async def fine(ctx: TaskContext) -> str:
        ran.append(ctx.task_id)
        ctx.progress(1, 2)
        await other.options(process_in=0.05, unique=10).aenqueue()
        return "done"

    @app.task(queue="low", unique=10)
    async def other() -> None: ...

    @app.task(max_retry=1)
    async def failing() -> None:
        raise ValueError

    @app.task
    async def long() -> None:
        started.set()
        await asyncio.Event().wait()

    @app.periodic("@every 1s")
    async def tick() -> None:
        ticked.set()

    store(place.client, "completed", "old", queue="low", score=PAST_S)
    make_active(place.client, "lost", keys=queue_keys("low"))
    place.client.lpush("asynq:{low}:active", "ghost")
    async with app.worker().running(), AsyncClient(place.admin_url) as client:
        await fine.aenqueue()
        await failing.aenqueue()
        running = await long.aenqueue()
        for payload in (b"1", b"2"):
            await client.enqueue(Task("fine", payload), group="g")
        await started.wait()
        async with AsyncInspector(place.admin_url) as inspector:
            await inspector.tasks.cancel(running.id, queue="default", then="drop")
            await eventually_async(
                lambda: not place.client.exists(f"asynq:{{default}}:t:{running.id}")
            )
        await ticked.wait()
        await eventually_async(lambda: len(ran) == 2)
        await eventually_async(lambda: place.client.zcard("asynq:{default}:completed") == 1)
        await eventually_async(lambda: place.client.zcard("asynq:{default}:archived") == 1)
        await eventually_async(lambda: not place.client.exists("asynq:{low}:t:old"))
        await eventually_async(lambda: place.client.zscore("asynq:{low}:archived", "lost"))
        await eventually_async(lambda: not place.client.llen("asynq:{low}:active"))
    await app.aclose()

    assert place.client.zcard("asynq:servers") == 0
    assert place.client.exists("asynq:{low}:x:attempts:lost", "asynq:{low}:x:types:other") == 2
    assert place.refused() == []


class Given(NamedTuple):
    """What calls of an inspector need: an entry of a scheduler, and exported tasks."""

    entry: str
    lines: list[str]


@pytest.mark.parametrize(
    "command",
    [
        ("SET", "asynq:{mail}:pending", "x"),
        ("DEL", "asynq:{mail}:t:pending"),
        ("UNLINK", "asynq:{mail}:pending"),
        ("EXPIRE", "asynq:{mail}:pending", "1"),
        ("LRANGE", "asynq:{mail}:pending", "0", "-1"),
        ("ZRANGE", "asynq:{mail}:archived", "0", "-1"),
        ("SMEMBERS", "asynq:{mail}:groups"),
        ("HGETALL", "asynq:{mail}:t:pending"),
        ("SCAN", "0"),
        ("KEYS", "*"),
        ("SADD", "asynq:servers", "x"),
        ("PUBLISH", "asynq:cancel", "x"),
        ("CONFIG", "GET", "requirepass"),
    ],
)
@pytest.mark.parametrize("is_script", [False, True])
def test_a_producer_can_neither_list_nor_delete_nor_write_over_tasks(
    command, is_script, redis_server, redis_client
):
    place = Place([redis_server], redis_client, redis_server.tcp_url)
    fill(redis_client)
    before = place.dump()
    with redis.Redis.from_url(place.url("producer")) as client:
        with pytest.raises(redis.ResponseError, match=REFUSED):
            if is_script:
                client.eval("return redis.call(unpack(ARGV))", 0, *command)
            else:
                client.execute_command(*command)

    assert place.dump() == before
    redis_client.execute_command("ACL", "DELUSER", "producer")


def ids(*wanted: str) -> list[tuple[str, str]]:
    return [("mail", each) for each in wanted]


# Each method of an inspector that only reads: how it is called.
READS = {
    "queues.list": lambda i, given: [i.queues.list()],
    "queues.info": lambda i, given: [i.queues.info("mail")],
    "queues.infos": lambda i, given: [i.queues.infos()],
    "queues.history": lambda i, given: [i.queues.history("mail")],
    "queues.histories": lambda i, given: [i.queues.histories(90)],
    "queues.key_slot": lambda i, given: [i.queues.key_slot("mail")],
    "queues.nodes": lambda i, given: [i.queues.nodes("mail")],
    "tasks.get": lambda i, given: [i.tasks.get("mail", each) for each in STATES],
    "tasks.progress": lambda i, given: [i.tasks.progress("mail", "active")],
    "tasks.find": lambda i, given: [i.tasks.find("retry")],
    "tasks.get_many": lambda i, given: [i.tasks.get_many(ids(*STATES))],
    "tasks.states": lambda i, given: [i.tasks.states(ids(*STATES))],
    "tasks.list": lambda i, given: [i.tasks.list("mail", each) for each in STATES],
    "tasks.iterate": lambda i, given: [
        i.tasks.iterate("mail", each) for each in (*STATES, "aggregating")
    ],
    "tasks.search": lambda i, given: [i.tasks.search("mail", text="a")],
    "tasks.walk": lambda i, given: [i.tasks.walk("mail", each) for each in STATES],
    "tasks.look": lambda i, given: [i.tasks.look(ids(*STATES))],
    "tasks.explain": lambda i, given: [
        i.tasks.explain("mail", each) for each in (*STATES, "g1", "none")
    ],
    "tasks.explain_enqueue": lambda i, given: [
        i.tasks.explain_enqueue(Task("email"), queue="mail")
    ],
    "tasks.export": lambda i, given: [i.tasks.export()],
    "tasks.attempts": lambda i, given: [i.tasks.attempts("mail", "retry")],
    "types.list": lambda i, given: [i.types.list()],
    "types.stats": lambda i, given: [i.types.stats("email")],
    "groups.list": lambda i, given: [i.groups.list("mail")],
    "servers.list": lambda i, given: [i.servers.list()],
    "schedulers.entries": lambda i, given: [i.schedulers.entries()],
    "schedulers.history": lambda i, given: [i.schedulers.history(given.entry)],
    "redis.info": lambda i, given: [i.redis.info()],
    "redis.cluster_info": lambda i, given: [i.redis.cluster_info()],
    "redis.cluster_info_text": lambda i, given: [i.redis.cluster_info_text()],
    "redis.cluster_nodes_text": lambda i, given: [i.redis.cluster_nodes_text()],
    "snapshots.take": lambda i, given: [i.snapshots.take()],
    "redis.info_text": lambda i, given: [i.redis.info_text()],
}
# Each that changes something, in an order in which all of them find what they change.
CHANGES = {
    "queues.pause": lambda i, given: [i.queues.pause("mail", by="me", reason="why", until=FAR)],
    "queues.unpause": lambda i, given: [i.queues.unpause("mail")],
    "tasks.update_payload": lambda i, given: [i.tasks.update_payload("mail", "scheduled", b"2")],
    "tasks.replace": lambda i, given: [i.tasks.replace("mail", "scheduled", max_retry=7)],
    "tasks.reschedule": lambda i, given: [i.tasks.reschedule("mail", "scheduled", FAR)],
    "tasks.cancel": lambda i, given: [i.tasks.cancel("active", queue="mail", then="drop")],
    "tasks.run": lambda i, given: [i.tasks.run("mail", "completed")],
    "tasks.change": lambda i, given: [
        i.tasks.change(Change(verb="run"), [TaskRef("mail", "archived")])
    ],
    "tasks.archive": lambda i, given: [i.tasks.archive("mail", "retry")],
    "tasks.delete": lambda i, given: [i.tasks.delete("mail", "scheduled")],
    "tasks.archive_all": lambda i, given: [i.tasks.archive_all("mail", "aggregating", group="g")],
    "tasks.run_all": lambda i, given: [i.tasks.run_all("mail", "archived")],
    "tasks.delete_all": lambda i, given: [i.tasks.delete_all("mail", "pending")],
    "tasks.import_": lambda i, given: [i.tasks.import_(given.lines, on_conflict="new-id")],
    "schedulers.run": lambda i, given: [i.schedulers.run(given.entry)],
    "schedulers.pause": lambda i, given: [i.schedulers.pause(given.entry, by="me")],
    "schedulers.resume": lambda i, given: [i.schedulers.resume(given.entry)],
    "schedulers.clear_history": lambda i, given: [i.schedulers.clear_history(given.entry)],
    "queues.delete": lambda i, given: [i.queues.delete("ads", force=True)],
}
ONLY_IN_A_CLUSTER = {
    *("queues.key_slot", "queues.nodes"),
    *("redis.cluster_info", "redis.cluster_info_text", "redis.cluster_nodes_text"),
}


def fill(client) -> None:
    """Store a task in each state, and tasks of a group."""
    for state in STATES:
        store(
            client, state, state, score=2_000_000_000, unique_key=f"asynq:{{mail}}:unique:{state}"
        )
        client.set(f"asynq:{{mail}}:unique:{state}", state)
    for number in (1, 2):
        store(client, "aggregating", f"g{number}", group="g", score=1)
    store(client, "pending", "a", queue="ads")
    minute = int(time.time()) // 60 - 1
    for queue in ("mail", "ads"):
        keys = queue_keys(queue)
        client.zadd(keys.attempts, {"retry": 2_000_000_000})
        client.zadd(keys.attempts_of("retry"), {b'{"n":1}': 1})
        client.zadd(keys.types, {"email": minute})
        client.hset(keys.type_counts("email"), str(minute), b'{"n":1}')


@asynccontextmanager
async def scheduling(url: str) -> AsyncIterator[Given]:
    """Let a scheduler live around a block."""
    scheduler = Scheduler(url, name="shop")
    entry_id = scheduler.register("@yearly", Task("report"), queue="mail")
    async with scheduler.running(), AsyncInspector(url) as inspector:
        async with asyncio.timeout(20):
            while not await inspector.schedulers.entries():  # noqa: ASYNC110 - another one's
                await asyncio.sleep(0.01)
        lines = [line async for line in inspector.tasks.export("ads", task_id="a")]
        yield Given(entry_id, lines)


async def call(inspector: AsyncInspector, call_of, given: Given) -> None:
    for result in call_of(inspector, given):
        if hasattr(result, "__aiter__"):
            async for _each in result:
                pass
        else:
            answer = await result
            raise_first(answer if isinstance(answer, list | tuple) else ())


def test_every_method_of_an_inspector_is_called_by_these_tests():
    inspector = AsyncInspector("redis://127.0.0.1:1")
    parts = "queues", "tasks", "types", "groups", "servers", "schedulers", "redis", "snapshots"
    methods = {
        f"{part}.{name}"
        for part in parts
        for name, _method in inspect.getmembers(getattr(inspector, part), callable)
        if not name.startswith("_")
    }

    assert {*READS, *CHANGES} == methods


@pytest.mark.parametrize("role", ["inspector", "admin"])
async def test_an_inspector_and_an_admin_look_at_everything(place, role):
    fill(place.client)
    url = place.url(role)
    async with scheduling(place.admin_url) as given, AsyncInspector(url) as inspector:
        for name, calls in READS.items():
            if place.is_cluster or name not in ONLY_IN_A_CLUSTER:
                await call(inspector, calls, given)

    assert place.refused() == []


async def test_an_admin_changes_everything(place):
    fill(place.client)
    url = place.url("admin")
    async with scheduling(place.admin_url) as given, AsyncInspector(url) as inspector:
        for calls in CHANGES.values():
            await call(inspector, calls, given)
        async with AsyncClient(url) as client:
            await client.enqueue(Task("email"))

    assert place.refused() == []


@pytest.mark.parametrize("role", ["inspector", "producer"])
async def test_who_may_only_look_or_enqueue_is_refused_every_change(place, role):
    fill(place.client)
    url = place.url(role)
    allowed = []
    async with scheduling(place.admin_url) as given, AsyncInspector(url) as inspector:
        before = place.dump()
        for name, calls in CHANGES.items():
            if name == "schedulers.resume":
                continue  # which changes nothing where nobody may pause
            if (role, name) == ("producer", "tasks.import_"):
                continue  # to store tasks is what a producer is for
            try:
                await call(inspector, calls, given)
            except IncompatibleRedisError as error:
                assert "does not permit" in str(error)
                continue
            allowed.append(name)

        assert (allowed, place.dump()) == ([], before)
