"""An answer is cut after Redis has executed the call: it takes effect once, and that is reported.

Each script has a case here. The proxy resets the connection between the execution and the answer;
the runner repeats what may be repeated, and what may not is reported as "may have happened".
"""

from collections.abc import Callable
from pathlib import Path

import pytest

import pyasynq.broker.scripts
from pyasynq.broker.operation import Operation, Repeat, Script
from pyasynq.broker.operations import (
    attempts,
    cancel,
    dequeue,
    enqueue,
    explanation,
    finish,
    groups,
    healing,
    inspection,
    maintain,
    presence,
    probing,
    progress,
    queue_control,
    redis_info,
    schedulers,
    servers,
    task_control,
    task_lists,
    transfer,
    type_counts,
)
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import RedisUnavailableError
from pyasynq.task import TaskState
from pyasynq.wire.records import EnqueueEventRecord, SchedulerEntryRecord, ServerRecord
from pyasynq.wire.type_counts import TypeCountsRecord
from tests.support.builders import NOW_NS, make_data, make_keys, make_prepared
from tests.support.chaos_proxy import ChaosProxy
from tests.support.golden_state import dump

KEYS = make_keys()
STATS = inspection._stats([*[1] * 15, [], None, b""])
NOW_S = NOW_NS // NANOSECONDS
SCHEDULED = task_lists.container(KEYS, TaskState.SCHEDULED)
OWNED = Fence(owner="me")


def item(kind, **fields):
    return kind(task_id="a", fence=OWNED, **fields)


# They answer how much they changed, which a repeated call does not know.
COUNTING = {
    *("forward", "delete_expired_completed", "trim_archive", "drop_ghost", "quarantine_member"),
    *("reclaim_aggregation_sets", "restore_groups", "lease_unleased", "heal_lease"),
    *("move_many", "delete_many", "drop_listed", "archive_unlisted", "free_lock"),
}
# Each operation of which "a" is, or was, the subject.
CASES: dict[str, Callable[[], Operation]] = {
    "enqueue": lambda: enqueue.enqueue([make_prepared("new", unique=60)], now_ns=NOW_NS),
    "schedule": lambda: enqueue.schedule([make_prepared("new", process_in=60)]),
    "add_to_group": lambda: enqueue.add_to_group([make_prepared("new", group="g")], now_ns=NOW_NS),
    "dequeue_many": lambda: dequeue.dequeue_many(
        KEYS, count=1, owner="you", lease_expires_at_s=NOW_S + 30
    ),
    "list_owned": lambda: dequeue.list_owned(KEYS, owner="me", lease_expires_at_s=NOW_S + 30),
    "done_many": lambda: finish.done_many(KEYS, [item(finish.ToDelete)], now_ns=NOW_NS),
    "complete_many": lambda: finish.complete_many(
        KEYS,
        [item(finish.ToComplete, data=make_data(), expires_at_s=NOW_S + 9, result=b"r")],
        now_ns=NOW_NS,
    ),
    "retry_many": lambda: finish.retry_many(
        KEYS,
        [item(finish.ToRetry, data=make_data(retried=1), retry_at_ns=NOW_NS, is_failure=True)],
        now_ns=NOW_NS,
    ),
    "archive_many": lambda: finish.archive_many(
        KEYS, [item(finish.ToArchive, data=make_data())], now_ns=NOW_NS
    ),
    "requeue_many": lambda: finish.requeue_many(KEYS, [item(finish.ToRequeue)]),
    "quarantine": lambda: finish.quarantine(KEYS, "a", OWNED, now_ns=NOW_NS),
    "write_result": lambda: finish.write_result(KEYS, "a", "me", b"r"),
    "forward": lambda: maintain.forward(KEYS, now_ns=NOW_NS),
    "extend_lease": lambda: maintain.extend_lease(KEYS, [("a", "me")], until_s=NOW_S + 60),
    "list_lease_expired": lambda: maintain.list_lease_expired(KEYS, cutoff_s=NOW_S + 99),
    "drop_ghost": lambda: maintain.drop_ghost(KEYS, "ghost", cutoff_s=NOW_S + 99),
    "list_unleased": lambda: maintain.list_unleased(KEYS),
    "lease_unleased": lambda: maintain.lease_unleased(KEYS, ["unleased"], expiry_s=NOW_S - 99),
    "heal_lease": lambda: maintain.heal_lease(KEYS, "inactive", cutoff_s=NOW_S),
    "delete_expired_completed": lambda: maintain.delete_expired_completed(KEYS, now_s=NOW_S),
    "trim_archive": lambda: maintain.trim_archive(KEYS, now_s=NOW_S, max_size=1, max_age_s=9**9),
    "is_group_due": lambda: groups.is_group_due(KEYS, "full", now_s=NOW_S, grace_s=60, max_size=2),
    "check_aggregation": lambda: groups.check_aggregation(
        KEYS, "full", set_id="new", now_s=NOW_S, deadline_s=NOW_S + 120, grace_s=60, max_size=2
    ),
    "read_aggregation_set": lambda: groups.read_aggregation_set(KEYS, "due", "old"),
    "finish_aggregation": lambda: groups.finish_aggregation(
        KEYS, "due", "old", make_prepared("new"), now_ns=NOW_NS
    ),
    "quarantine_member": lambda: groups.quarantine_member(KEYS, "due", "old", "n", now_s=NOW_S),
    "reclaim_aggregation_sets": lambda: groups.reclaim_aggregation_sets(KEYS, now_s=NOW_S + 600),
    "restore_groups": lambda: groups.restore_groups(KEYS, now_s=NOW_S),
    "show_aggregator": lambda: groups.show_aggregator(KEYS, "me", now_s=NOW_S, ttl_s=60),
    "index_presence": lambda: presence.write_server_state(
        ServerRecord(host="h"), {}, namespace="asynq", now_s=NOW_S, ttl_s=10
    )[0],
    "write_presence": lambda: presence.write_server_state(
        ServerRecord(host="h"), {}, namespace="asynq", now_s=NOW_S, ttl_s=10
    )[2],
    "write_handled": lambda: presence.write_handled(
        "h", 1, "a", b"{}", namespace="asynq", ttl_s=200
    ),
    "exists_any": lambda: redis_info.exists_any_of_node([KEYS.pending]),
    "check_server": lambda: redis_info.server_checks("asynq")[0],
    "memory_limit": lambda: redis_info.memory_info_of(KEYS),
    "mark_cancel": lambda: cancel.mark_cancel(KEYS, "a", "drop"),
    "delete_task": lambda: task_control.delete_task(KEYS, "s"),
    "move_task": lambda: task_control.run_task(KEYS, "s", now_ns=NOW_NS),
    "reschedule_task": lambda: task_control.reschedule_task(
        KEYS, "s", due_ns=NOW_NS + 9 * NANOSECONDS, now_ns=NOW_NS
    ),
    "replace_message": lambda: task_control.replace_message(
        KEYS, "s", read=make_data(), written=make_data(retry=9), state="scheduled"
    ),
    "move_many": lambda: task_control.move_many(
        KEYS, SCHEDULED, TaskState.ARCHIVED, now_ns=NOW_NS, limit=9
    ),
    "delete_many": lambda: task_control.delete_many(KEYS, SCHEDULED, limit=9),
    "list_tasks": lambda: task_lists.list_tasks(
        KEYS, SCHEDULED, first=0, limit=9, is_from_tail=False
    ),
    "walk_tasks": lambda: task_lists.walk_tasks(KEYS, SCHEDULED, rank=0, limit=9),
    "drop_listed": lambda: healing.drop_listed(KEYS, SCHEDULED, "evicted"),
    "archive_unlisted": lambda: healing.archive_unlisted(KEYS, "lost", now_ns=NOW_NS),
    "free_lock": lambda: healing.free_lock(KEYS, KEYS.unique("email", b"y"), "evicted"),
    "try_command": lambda: probing.try_command("asynq:{x}:set", ("SADD", "asynq:{x}:set", "a")),
    "walk_hashes": lambda: transfer.walk_hashes(KEYS, SCHEDULED, rank=0, limit=9),
    "import_task": lambda: transfer.import_task(
        transfer.ToImport(
            keys=KEYS,
            task_id="new",
            state=TaskState.ARCHIVED,
            score=NOW_S,
            fields={b"msg": make_data(id="new"), b"state": b"archived"},
            lock=KEYS.unique("email", b"x"),
            lock_ms=90_000,
        )
    ),
    "pause_queue": lambda: queue_control.pause_queue(KEYS, now_s=NOW_S, details=b"why"),
    "delete_queue": lambda: queue_control.delete_queue(make_keys("empty"), now_s=NOW_S),
    "list_live": lambda: servers.list_live("servers", namespace="asynq", now_s=NOW_S),
    "write_progress": lambda: progress.write_progress(KEYS, "a", OWNED, b'{"done":1}'),
    "read_placed_task": lambda: explanation.read_placed_task(KEYS, "p"),
    "read_server": lambda: explanation.read_server("asynq:servers:{h:1:a}", "a", namespace="asynq"),
    "enqueue_tick": lambda: schedulers.enqueue_tick(
        make_prepared("new", unique=60), "e", tick_s=NOW_S, ttl_s=60, now_ns=NOW_NS, overlap="skip"
    ),
    "read_tick": lambda: schedulers.read_tick(KEYS, "e", now_s=NOW_S, ttl_s=60),
    "lead": lambda: schedulers.lead("default", namespace="asynq", member="me", ttl_ms=4000),
    "resign": lambda: schedulers.resign("default", namespace="asynq", member="me"),
    "write_entries": lambda: [
        *schedulers.write_entries(
            "s", [SchedulerEntryRecord(id="e")], namespace="asynq", now_s=NOW_S, ttl_s=20
        )
    ][1],
    "record_event": lambda: schedulers.record_event(
        "e", EnqueueEventRecord(task_id="a", enqueued_ns=NOW_NS), namespace="asynq", ttl_s=60
    ),
    "record_attempts": lambda: attempts.record_attempts(
        KEYS,
        [
            attempts.StoredAttempt(
                task_id="a", at_us=NOW_NS // 1000, ends_at_s=NOW_S + 60, data=b'{"n":1}'
            )
        ],
        kept=20,
        most_histories=10,
        now_s=NOW_S,
    ),
    "count_types": lambda: type_counts.count_types(
        KEYS, NOW_S // 60, {"email": TypeCountsRecord(count=1, run={"3": 1})}
    ),
    "delete_indexed": lambda: attempts.forget_attempts(KEYS, limit=10),
    "get_task": lambda: inspection.get_task(KEYS, "a"),
    "queue_stats": lambda: inspection.queue_stats(KEYS, now_ns=NOW_NS),
    "queue_memory": lambda: inspection.queue_memory(KEYS, STATS),
}


def prepare_redis(client) -> None:
    """One task in each state: "a" is active and ours, the others pending, due, done, archived."""
    task = {"msg": make_data()}
    client.hset(KEYS.task("a"), mapping={**task, "state": "active", "owner": "me"})
    client.lpush(KEYS.active, "a", "ghost", "unleased")
    client.zadd(KEYS.lease, {"a": NOW_S + 30, "ghost": NOW_S + 30, "inactive": NOW_S - 99})
    client.hset(KEYS.task("p"), mapping={**task, "state": "pending", "pending_since": NOW_NS})
    client.lpush(KEYS.pending, "p")
    client.hset(KEYS.task("s"), mapping={**task, "state": "scheduled"})
    client.zadd(KEYS.scheduled, {"s": NOW_S - 5, "evicted": NOW_S + 99})
    client.set(KEYS.unique("email", b"y"), "evicted")
    client.hset(KEYS.task("lost"), mapping={**task, "state": "retry"})
    client.hset(KEYS.task("c"), mapping={**task, "state": "completed"})
    client.zadd(KEYS.completed, {"c": NOW_S - 5})
    for archived in ("x", "y"):
        client.hset(KEYS.task(archived), mapping={**task, "state": "archived"})
        client.zadd(KEYS.archived, {archived: NOW_S - 5})
    old = KEYS.aggregation_set("due", "old")
    for member, key in {
        "m": old,
        "n": old,
        "o": KEYS.group("full"),
        "q": KEYS.group("full"),
    }.items():
        client.hset(KEYS.task(member), mapping={**task, "state": "aggregating"})
        client.zadd(key, {member: NOW_S})
    client.sadd(KEYS.groups, "full")
    client.zadd(KEYS.aggregation_sets, {old: NOW_S + 120})
    client.zadd(KEYS.scheduled_groups, {"full": NOW_S - 5})
    client.set(make_keys("empty").processed, 5)
    for history in ("g", "h"):
        client.zadd(KEYS.attempts, {history: NOW_S + 60})
        client.zadd(KEYS.attempts_of(history), {b'{"n":1}': NOW_NS // 1000})
    client.set("asynq:leader:default", "me")
    client.zadd("asynq:servers", {"asynq:servers:{h:1:a}": NOW_S, "asynq:servers:{h:1:b}": 1})


def open_runner(url: str) -> Runner:
    return Runner(Connector.of(url).open_sync(), clock=SystemClock())


def without_countdown(state):
    """Replace times to live, which differ between two runs; only whether there is one must not."""
    return {key: (kind, value, ttl is not None) for key, (kind, value, ttl) in state.items()}


def test_every_script_has_a_case():
    folder = Path(pyasynq.broker.scripts.__file__).parent

    assert sorted(CASES) == sorted(path.stem for path in folder.glob("*.lua"))
    for name, make in CASES.items():
        call = make().call
        assert isinstance(call, Script)
        assert call.name == name


@pytest.mark.parametrize("name", CASES)
def test_a_call_whose_answer_is_lost_has_its_effect_once(
    name, redis_server, redis_url, redis_client
):
    undisturbed = open_runner(redis_server.tcp_url)
    prepare_redis(redis_client)
    answer = undisturbed.run(CASES[name]())
    wanted = without_countdown(dump(redis_client))
    undisturbed.close()
    redis_client.flushall()
    prepare_redis(redis_client)
    operation = CASES[name]()

    with ChaosProxy(redis_server.port) as proxy:
        runner = open_runner(proxy.url)
        # Known to the server, so that the answer that is cut is the one of the execution.
        redis_client.script_load(operation.call.source)
        proxy.cut_after = b"EVALSHA"
        if operation.repeat is Repeat.NEVER:
            with pytest.raises(RedisUnavailableError) as caught:
                runner.run(operation)
            assert caught.value.may_have_happened
        else:
            repeated = runner.run(operation)
            if name not in COUNTING:
                assert repeated == answer
        runner.close()

    assert proxy.cuts == 1
    assert without_countdown(dump(redis_client)) == wanted


def test_tasks_of_a_lost_dequeue_are_found_by_their_owner(redis_server, redis_url, redis_client):
    prepare_redis(redis_client)
    operation = CASES["dequeue_many"]()
    redis_client.script_load(operation.call.source)

    with ChaosProxy(redis_server.port) as proxy:
        runner = open_runner(proxy.url)
        proxy.cut_after = b"EVALSHA"
        with pytest.raises(RedisUnavailableError):
            runner.run(operation)
        ours = dequeue.list_owned(KEYS, owner="you", lease_expires_at_s=NOW_S + 30)
        found = runner.run(ours)
        redis_client.zadd(KEYS.lease, {"p": NOW_S + 31})  # Go has recovered and dequeued it again
        found_later = runner.run(ours)
        runner.close()

    assert [leased.task_id for leased in found] == ["p"]
    assert found_later == []


@pytest.mark.parametrize("kind", ["enqueue", "schedule"])
def test_a_real_conflict_is_reported_even_after_a_lost_answer(
    kind, redis_server, redis_url, redis_client
):
    prepare_redis(redis_client)
    options = {"process_in": 60} if kind == "schedule" else {}
    other = make_prepared("p", **options, headers={"not": "the same"})
    operation = enqueue.store([other], now_ns=NOW_NS)
    redis_client.script_load(operation.call.source)

    with ChaosProxy(redis_server.port) as proxy:
        runner = open_runner(proxy.url)
        proxy.cut_after = b"EVALSHA"
        (refusal,) = runner.run(operation)
        runner.close()

    assert "already in queue 'mail' (state 'pending')" in str(refusal)
