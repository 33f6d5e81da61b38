"""All that can be left behind, at once and beside work: each is healed, the rest unharmed."""

import time
from collections import Counter

import pytest

from pyasynq import retry
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import LONG_AGO_S, make_data
from tests.support.eventually import eventually_async

KEYS = queue_keys("default")
OF_EACH = 25
IDS = ("plain", "{}", "a}{b", "new\nline", "x" * 10_000, "✗")


def leave(client, kind: str, task_id: str) -> None:
    """Leave one task behind in the way of *kind*."""
    names = {"id": "other", "queue": "elsewhere"} if kind == "other names" else {"id": task_id}
    msg = {"empty": b"", "garbage": b"\xff\xff"}.get(kind, make_data(type="email", **names))
    if kind == "wrong type":
        client.set(KEYS.task(task_id), "no hash")
    elif kind != "evicted":
        client.hset(KEYS.task(task_id), mapping={"msg": msg, "state": "active"})
    if kind != "lost active":
        client.lpush(KEYS.active, task_id)
    if kind != "lost lease":
        client.zadd(KEYS.lease, {task_id: LONG_AGO_S})


BECOMES = {
    "worker gone": {"retried"},
    "evicted": {"dropped"},
    "empty": {"dropped"},
    "garbage": {"quarantined"},
    "wrong type": {"dropped"},
    "other names": {"retried"},
    "lost lease": {"leased", "retried"},
    "lost active": {"restored", "retried"},
}


@pytest.mark.slow
async def test_whatever_is_left_behind_is_healed_item_by_item_beside_work(work, redis_client):
    runs: Counter[str] = Counter()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        runs[ctx.task_id] += 1

    left = {kind: [f"{kind} {n} {IDS[n % len(IDS)]}" for n in range(OF_EACH)] for kind in BECOMES}
    for kind, ids in left.items():
        for task_id in ids:
            leave(redis_client, kind, task_id)
    infos = [await work.enqueue("email") for _ in range(300)]
    alive = [task_id for kind, ids in left.items() if "retried" in BECOMES[kind] for task_id in ids]
    wanted = {info.id for info in infos} | set(alive)
    at_once, began = retry.fixed(0), time.monotonic()
    async with work.serving(mux, retry_delay=at_once) as first:
        async with work.serving(mux, retry_delay=at_once) as second:
            await eventually_async(
                lambda: set(runs) == wanted and not redis_client.exists(KEYS.active)
            )
    seconds = time.monotonic() - began

    counts: Counter[str] = Counter()
    for count in first.counters.all() + second.counters.all():
        counts[count.kind] += count.value
    lost, duplicated = len(wanted - set(runs)), sum(runs.values()) - len(wanted)
    print(
        f"left behind: {dict(counts)}; {len(wanted)} tasks, {lost} lost, {duplicated} run twice, "
        f"all recovered after {seconds:.1f} s"
    )
    expected = Counter(kind for kinds in BECOMES.values() for kind in kinds)
    assert counts == {kind: OF_EACH * number for kind, number in expected.items()}
    assert duplicated == 0
    assert redis_client.zcard(KEYS.lease) == 0
    assert set(redis_client.zrange(KEYS.archived, 0, -1)) == {
        task_id.encode() for task_id in left["garbage"]
    }
