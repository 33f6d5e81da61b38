"""Whatever stands in fields, scores and keys that are ours: a worker goes on with all else."""

import contextlib
import logging
import time
from collections import Counter

import pytest

from pyasynq.inspector.inspector import Inspector
from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_data
from tests.support.eventually import eventually_async
from tests.support.garbage import FIELDS, GARBAGE

pytestmark = pytest.mark.timeout(60)

SCORES = ("-inf", "inf", "-1e300", "1e300", "0.5", "-0.5", "9223372036854775808")
SORTED_SETS = (
    "lease",
    "scheduled",
    "retry",
    "archived",
    "completed",
    "aggregation_sets",
    "x:waiters",
    "x:aggregators",
    "x:scheduled_groups",
)
OTHER_KEYS = ("pending", "active", "groups", "g:red", "paused", "processed", "failed", "unique:x")
PREFIX = "asynq:{default}:"


class Ledger:
    """What the handlers of a test have run."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.mux = ServeMux()
        self.mux.handler("email")(self._handle)
        self.mux.aggregator("*", max_size=100, grace_period=1)(self._aggregate)

    async def _handle(self, ctx, _task):
        self.ran[ctx.task_id] += 1

    def _aggregate(self, _group, tasks):
        for task in tasks:
            self.ran[task.payload.decode()] += 1


def tracebacks(caplog) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.exc_info is not None]


def place(redis_client, where: str, task_id: str, **fields: bytes) -> None:
    """Store a task in a state in which its worker left it, or in which it waits."""
    data = make_data(id=task_id, queue="default", payload=task_id.encode())
    mapping = {"msg": data, "state": where, **fields}
    key = f"{PREFIX}t:{task_id}"
    if where == "active":
        redis_client.hset(key, mapping=mapping)
        redis_client.lpush(f"{PREFIX}active", task_id)
        redis_client.zadd(f"{PREFIX}lease", {task_id: 1})
    elif where == "pending":
        redis_client.hset(key, mapping=mapping)
        redis_client.lpush(f"{PREFIX}pending", task_id)
    elif where == "aggregating":
        redis_client.hset(key, mapping={"group": "red", **mapping})
        redis_client.zadd(f"{PREFIX}g:red", {task_id: int(time.time())})
        redis_client.sadd(f"{PREFIX}groups", "red")
    else:
        redis_client.hset(key, mapping=mapping)
        redis_client.zadd(f"{PREFIX}{where}", {task_id: int(time.time())})


def waiting(redis_client) -> int:
    """How many tasks have not ended."""
    lists = sum(redis_client.llen(f"{PREFIX}{name}") for name in ("pending", "active"))
    sets = sum(redis_client.zcard(f"{PREFIX}{name}") for name in ("scheduled", "retry", "lease"))
    return lists + sets + sum(redis_client.zcard(key) for key in redis_client.keys(f"{PREFIX}g:*"))


@pytest.mark.parametrize("field", FIELDS)
async def test_garbage_in_a_field_of_a_task_harms_no_other_task(field, work, caplog):
    ledger = Ledger()
    places = ("pending", "scheduled", "retry", "active", "aggregating")
    for where in places:
        for number, value in enumerate(GARBAGE):
            place(work.redis, where, f"{where} {number}", **{field: value})
        place(work.redis, where, f"{where} good")
    work.redis.sadd("asynq:queues", "default")

    async with work.serving(ledger.mux, retry_delay=lambda *_: 0, group_grace_period=1):
        await eventually_async(lambda: waiting(work.redis) == 0, within_s=40)
        info = await work.enqueue("email")
        await work.until(info, None)

    assert [each for each in places if not ledger.ran[f"{each} good"]] == []
    assert tracebacks(caplog) == []
    assert [each for each in ledger.ran if ledger.ran[each] > 1] == []


@pytest.mark.parametrize("field", [each for each in FIELDS if each != "state"])
def test_tools_can_read_a_task_with_garbage_in_any_field(field, redis_url, redis_client):
    redis_client.sadd("asynq:queues", "default")
    for where in ("pending", "scheduled", "active"):
        for number, value in enumerate(GARBAGE):
            place(redis_client, where, f"{where} {number}", **{field: value})

    with Inspector(redis_url) as inspector:
        infos = [
            inspector.tasks.get("default", f"{where} {number}")
            for where in ("pending", "scheduled", "active")
            for number in range(len(GARBAGE))
        ]
        told = inspector.queues.info("default")

    assert len(infos) == 3 * len(GARBAGE)
    assert told.pending == told.scheduled == told.active == len(GARBAGE)


@pytest.mark.parametrize("name", SORTED_SETS)
async def test_scores_and_members_of_any_kind_keep_no_task_from_running(name, work, caplog):
    ledger = Ledger()
    members = {f"{score} \udcff".encode("utf-8", "surrogateescape"): score for score in SCORES}
    work.redis.zadd(f"{PREFIX}{name}", members | {b"": "5", b"red": "inf", b"x" * 10_000: "7"})
    work.redis.sadd("asynq:queues", "default")

    async with work.serving(ledger.mux, group_grace_period=1):
        now = await work.enqueue("email")
        later = await work.enqueue("email", process_in=1)
        grouped = await work.enqueue("email", b"grouped", group="red")
        for info in (now, later, grouped):
            await work.until(info, None)

    assert {now.id, later.id, "grouped"} <= set(ledger.ran)
    assert tracebacks(caplog) == []


async def test_the_next_due_time_is_known_beside_a_score_without_end(work):
    """Otherwise a task would wait for the next regular look, which may be far off."""
    ledger = Ledger()
    work.redis.zadd(f"{PREFIX}scheduled", {"never": "inf"})
    place(work.redis, "retry", "soon")
    work.redis.zadd(f"{PREFIX}retry", {"soon": int(time.time()) + 1})
    work.redis.sadd("asynq:queues", "default")

    async with work.serving(ledger.mux, delayed_task_check_interval=3600):
        await eventually_async(lambda: ledger.ran["soon"] == 1)


def spoil(redis_client, name: str) -> None:
    """Give a key a type that it cannot have, but for one that may have any."""
    key = f"{PREFIX}{name}"
    redis_client.delete(key)
    redis_client.xadd(key, {"of": "another type"})


@pytest.mark.parametrize("name", [*SORTED_SETS, *OTHER_KEYS])
async def test_a_key_of_another_type_is_told_without_a_traceback_and_can_be_mended(
    name, work, caplog
):
    ledger = Ledger()
    spoil(work.redis, name)
    caplog.set_level(logging.INFO, "pyasynq")

    async with work.serving(ledger.mux, group_grace_period=1, queues={"default": 1, "good": 1}):
        good = await work.enqueue("email", queue="good")
        later = await work.enqueue("email", queue="good", process_in=1)
        grouped = await work.enqueue("email", b"good", queue="good", group="red")
        for info in (good, later, grouped):
            await work.until(info, None)
        with contextlib.suppress(Exception):
            await work.enqueue("email", task_id="meanwhile", group="red")
        work.redis.delete(f"{PREFIX}{name}")
        after = await work.enqueue("email")
        after_a_while = await work.enqueue("email", process_in=1)
        grouped = await work.enqueue("email", b"after", group="red")
        for info in (after, after_a_while, grouped):
            await work.until(info, None)

    assert {good.id, later.id, "good", after.id, after_a_while.id, "after"} <= set(ledger.ran)
    assert tracebacks(caplog) == []


OURS = ("x:waiters", "x:aggregators", "x:scheduled_groups")


@pytest.mark.parametrize("name", OURS)
async def test_tasks_of_every_kind_run_while_a_key_of_ours_has_another_type(name, work, caplog):
    ledger = Ledger()
    spoil(work.redis, name)

    async with work.serving(ledger.mux, group_grace_period=1):
        tasks = [Task("email", b"plain"), Task("email", b"grouped")]
        plain = await work.client.enqueue(tasks[0])
        later = await work.enqueue("email", process_in=1)
        grouped = await work.client.enqueue(tasks[1], group="red")
        both = await work.enqueue("email", b"both", group="red", process_in=1)
        for info in (plain, later, grouped, both):
            await work.until(info, None)

    assert {plain.id, later.id, "grouped"} <= set(ledger.ran)
    assert ledger.ran["both"] + ledger.ran[both.id] == 1
    assert tracebacks(caplog) == []
