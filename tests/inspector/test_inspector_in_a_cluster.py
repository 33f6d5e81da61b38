"""Everything an inspector does, in a Redis Cluster, where each queue lies on a node of its own."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.admin.bulk import BulkJob
from pyasynq.admin.failures import failures
from pyasynq.admin.search import search
from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.clock import FakeClock
from pyasynq.inspector.changes import Change, TaskRef
from pyasynq.inspector.inspector import Inspector
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskState
from pyasynq.web import create_app
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from pyasynq.worker.task_history import TaskHistory
from tests.support.eventually import eventually_async
from tests.support.web import Web

QUEUES = ["mail", "ads", "default", "критично", "a}b"]


@pytest.fixture
def client(cluster):
    with Client(cluster.url) as client:
        yield client


@pytest.fixture
def inspector(cluster):
    with Inspector(cluster.url) as inspector:
        yield inspector


def enqueue(client, queue, count=3, **options):
    fields = EnqueueOptions(queue=queue, unique=600, **options)
    tasks = [Task(f"email:{options}", str(number).encode()) for number in range(count)]
    client.enqueue_many([(task, fields) for task in tasks])


def test_every_queue_is_counted_listed_and_searched(client, inspector):
    for queue in QUEUES:
        enqueue(client, queue)
        enqueue(client, queue, process_in=60)
        enqueue(client, queue, group="g")

        page = inspector.tasks.list(queue, "scheduled", newest_first=True)
        found = inspector.tasks.search(queue, text="2")
        groups = inspector.groups.list(queue)
        aggregating = list(inspector.tasks.iterate(queue, "aggregating"))

        assert (len(page), page.total, len(aggregating)) == (3, 3, 3)
        assert [(each.group, each.size) for each in groups] == [("g", 3)]
        assert {task.payload for task in found.tasks} >= {b"2"}
        assert len(inspector.queues.history(queue, 5)) == 5
        assert inspector.queues.histories(5)[queue] == inspector.queues.history(queue, 5)
    infos = inspector.queues.infos()

    assert [(info.pending, info.scheduled, info.aggregating) for info in infos] == [(3, 3, 3)] * 5
    assert all(info.memory_usage for info in infos)


def test_tasks_of_all_queues_are_found_and_changed_together(client, inspector):
    for queue in QUEUES:
        enqueue(client, queue, process_in=60)

    found = search(inspector, "state:scheduled type~process_in")
    failed = failures(inspector)
    preview = BulkJob(inspector, Change(verb="archive")).preview("type~process_in")
    tasks = [TaskRef(task.queue, task.id, task.state) for task in found.tasks]
    result = BulkJob(inspector, Change(verb="archive"), limit=12).run_on(tasks)
    rest = BulkJob(inspector, Change(verb="delete")).run("state:scheduled type~process_in")

    assert {task.queue for task in found.tasks} == set(QUEUES)
    assert (len(found.tasks), preview.count, failed.failures) == (15, 15, 0)
    assert (result.done, rest.done) == (12, 3)


def test_tasks_are_moved_changed_and_deleted(client, inspector):
    for queue in QUEUES:
        enqueue(client, queue, process_in=60)
        one, two, three = inspector.tasks.list(queue, "scheduled")
        later = datetime.now(UTC) + timedelta(hours=1)

        inspector.tasks.update_payload(queue, one.id, b"new")
        inspector.tasks.reschedule(queue, two.id, later)
        inspector.tasks.run(queue, three.id)
        inspector.tasks.archive(queue, one.id)
        moved = inspector.tasks.run_all(queue, "scheduled")
        archived = inspector.tasks.archive_all(queue, "pending")
        deleted = inspector.tasks.delete_all(queue, "archived")

        assert (moved, archived, deleted) == (1, 2, 3)
        assert inspector.queues.info(queue).size == 0


def test_queues_are_paused_and_deleted(client, inspector, cluster):
    for queue in QUEUES:
        enqueue(client, queue)
        enqueue(client, queue, group="g", process_in=60)
        inspector.queues.pause(queue, reason="why", until=datetime.now(UTC) + timedelta(hours=1))
        assert inspector.queues.info(queue).pause_reason == "why"
        inspector.queues.unpause(queue)

        inspector.queues.delete(queue, force=True)

    left = [key for node in cluster.nodes for key in node.client().keys("*")]
    assert left == []


def test_servers_and_schedulers_are_asked_on_their_nodes(inspector):
    assert inspector.servers.list() == []
    assert inspector.schedulers.entries() == []
    assert inspector.schedulers.history("e") == []


def test_the_slot_and_the_node_of_a_queue_are_told(inspector, cluster):
    slot = inspector.queues.key_slot("default")
    (node,) = inspector.queues.nodes("default")

    assert slot == 5718
    assert node.address == f"127.0.0.1:{cluster.nodes[cluster.owner_at_first(slot)].port}"
    assert inspector.redis.cluster_info()["cluster_known_nodes"] == "3"
    assert "cluster_known_nodes:3\r\n" in inspector.redis.cluster_info_text()
    assert inspector.redis.cluster_nodes_text().count("master") == 3


async def test_the_rest_api_tells_where_queues_lie(client, cluster):
    enqueue(client, "mail")
    web = Web(create_app(cluster.url))

    found = await web.get("/api/redis_info")
    (queue,) = (await web.get("/api/queues"))["queues"]
    paused = await web.ask("POST", "/api/queues/mail:pause")
    await web.close()

    owner = cluster.nodes[cluster.owner_at_first(4247)].port
    assert found["cluster"]
    assert found["info"]["cluster_known_nodes"] == "3"
    assert found["raw_cluster_nodes"].count("master") == 3
    assert found["queue_locations"] == [
        {"queue": "mail", "keyslot": 4247, "nodes": [f"127.0.0.1:{owner}"]}
    ]
    assert found["address"].count("127.0.0.1:") == cluster.url.count("127.0.0.1:")
    assert (queue["pending"], paused.status_code) == (3, 204)


def test_queues_of_all_nodes_are_exported_and_imported(client, inspector):
    for queue in QUEUES:
        enqueue(client, queue)
        enqueue(client, queue, group="g")
        enqueue(client, queue, process_in=60)
    before = list(inspector.tasks.export())
    for queue in QUEUES:
        inspector.queues.delete(queue, force=True)

    result = inspector.tasks.import_(before)
    after = list(inspector.tasks.export())

    assert result.imported == 9 * len(QUEUES)
    kept = [
        [
            {name: each for name, each in json.loads(line).items() if name != "lock_ms"}
            for line in lines
        ]
        for lines in (before, after)
    ]
    assert kept[0] == kept[1]
    assert all("lock_ms" in line for line in after)


def test_tasks_are_explained_in_two_round_trips_to_any_node(client, inspector, cluster):
    for queue in QUEUES:
        enqueue(client, queue, count=2)
        enqueue(client, queue, process_in=60)
        pending = inspector.tasks.list(queue, "pending")
        (first, *_) = inspector.tasks.list(queue, "scheduled")

        assert [each.code for each in inspector.tasks.explain(queue, pending[0].id)] == [
            "no_server"
        ]
        assert [each.code for each in inspector.tasks.explain(queue, first.id)] == [
            "no_server",
            "not_due",
        ]
        task = Task(first.type, first.payload)
        held = inspector.tasks.explain_enqueue(task, queue=queue)
        unknown = inspector.tasks.explain(queue, "nowhere")

        assert (held[0].code, held[0].evidence["holder"]) == ("lock_held", first.id)
        assert [each.code for each in unknown] == ["unknown_id", "may_be_done"]


async def test_servers_of_a_cluster_publish_what_they_handle(cluster):
    mux = ServeMux()
    mux.add("email", lambda ctx, task: None, is_exact=True)
    config = ServerConfig(queues={"mail": 1})

    async with Server(cluster.url, config).running(mux), AsyncInspector(cluster.url) as inspector:
        async with AsyncClient(cluster.url) as client:
            info = await client.enqueue(Task("emails"), queue="mail", process_in=60)
        (server,) = await inspector.servers.list()
        found = await inspector.tasks.explain("mail", info.id)

    assert server.task_types == ("email",)
    assert [each.code for each in found] == ["no_handler", "not_due"]


async def test_whichever_node_is_asked_a_cancellation_counts_the_servers_of_all(cluster):
    runs, ended = asyncio.Event(), []

    async def wait(ctx, task):
        runs.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(ctx.task_id)

    mux = ServeMux()
    mux.add("wait", wait)
    config = ServerConfig(queues={"mail": 1}, task_check_interval=0.01)
    async with (
        Server(cluster.url, config).running(mux),
        Server(cluster.url, config).running(mux),
        AsyncInspector(cluster.url) as inspector,
        AsyncClient(cluster.url) as client,
    ):
        info = await client.enqueue(Task("wait"), queue="mail", max_retry=0)
        await runs.wait()
        heard = {await inspector.tasks.cancel("another", queue="mail") for _ in range(12)}
        task = TaskRef("mail", info.id, TaskState.ACTIVE)
        outcomes = await inspector.tasks.change(Change(verb="cancel"), [task])
        await eventually_async(lambda: ended)

    assert (heard, list(outcomes), ended) == ({2}, [None], [info.id])


async def test_attempts_and_types_of_queues_on_any_node_are_kept_and_shown(cluster, caplog):
    async def handle(ctx, task):
        raise ValueError

    mux = ServeMux()
    mux.add("a/b", handle, is_exact=True)
    config = ServerConfig(
        queues=dict.fromkeys(QUEUES, 1),
        task_check_interval=0.01,
        task_history=TaskHistory(),
        type_statistics=True,
    )
    async with AsyncClient(cluster.url) as client, AsyncInspector(cluster.url) as inspector:
        infos = [await client.enqueue(Task("a/b"), queue=each, max_retry=0) for each in QUEUES]
        async with Server(cluster.url, config).running(mux):
            for info in infos:
                await eventually_async(lambda info=info: is_archived(cluster, info))
        kept = [await inspector.tasks.attempts(each.queue, each.id) for each in infos]
    later = FakeClock(datetime.now(UTC) + timedelta(minutes=1))
    async with AsyncInspector(cluster.url, clock=later) as inspector:
        stats = await inspector.types.stats("a/b")
        (listed,) = await inspector.types.list()
        for queue in QUEUES:
            await inspector.queues.delete(queue, force=True)

    assert [[each.outcome for each in some] for some in kept] == [["failed"]] * len(QUEUES)
    assert (stats.counts.count, stats.counts.failures) == (len(QUEUES), len(QUEUES))
    assert [each.queue for each in stats.queues] == sorted(QUEUES)
    assert listed.queues == tuple(sorted(QUEUES))
    assert "not kept" not in caplog.text
    left = [key for node in cluster.nodes for key in node.client().keys("*")]
    assert [key for key in left if b"{" in key and b":handled:" not in key] == []


def is_archived(cluster, info):
    with cluster.client() as client:
        return client.zcard(f"asynq:{{{info.queue}}}:archived") == 1
