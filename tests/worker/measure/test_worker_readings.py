"""What a server measures of its tasks, of its loop, of its listeners and of its Redis."""

import asyncio
import time

import pytest

from pyasynq import retry
from pyasynq.control_flow import RevokeTask
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.listening import make_mux, succeed
from tests.worker.measure.test_server_readings import values

STARTED, FINISHED = "pyasynq_tasks_started_total", "pyasynq_tasks_finished_total"


def sizes(server, name, *labels):
    """Return how many values a histogram has."""
    found = values(server).get((name, *labels))
    return 0 if found is None else sum(found.counts)


async def test_tasks_are_counted_by_queue_type_and_outcome_as_their_queue_counts_them(work):
    mux = ServeMux()

    async def handle(ctx, task):
        if task.payload == b"revoke":
            raise RevokeTask
        if task.payload == b"fail" and ctx.retry_count < 2:
            raise ValueError

    mux.add("email", handle)
    for payload in (b"", b"fail", b"revoke"):
        await work.enqueue("email", payload, max_retry=5)
    await work.enqueue("nobody", max_retry=0)
    async with work.serving(mux, retry_delay=retry.fixed(0.01)) as server:
        await eventually_async(lambda: work.count("processed") == 6)
        await eventually_async(
            lambda: (FINISHED, "default", "nobody", "archived") in values(server)
        )
        found = values(server)

    assert {key[2:]: value for key, value in found.items() if key[0] == FINISHED} == {
        ("email", "succeeded"): 2,
        ("email", "retried"): 2,
        ("email", "dropped"): 1,
        ("nobody", "archived"): 1,
    }
    assert (found[STARTED, "default", "email"], found[STARTED, "default", "nobody"]) == (5, 1)
    for name in ("duration", "wait"):
        assert sum(found[f"pyasynq_task_{name}_seconds", "default", "email"].counts) == 5
    assert sum(found["pyasynq_flush_outcomes",].counts) >= 1
    assert found["pyasynq_fetch_tasks",].total == 6


async def test_a_task_that_runs_has_started_and_takes_a_slot(work):
    runs, end = asyncio.Event(), asyncio.Event()

    async def wait(ctx, task):
        runs.set()
        await end.wait()

    await work.enqueue("email")
    async with work.serving(make_mux(wait), concurrency=3) as server:
        await runs.wait()
        found = values(server)
        end.set()

    assert found[STARTED, "default", "email"] == 1
    assert found["pyasynq_worker_slots", "used"] == 1
    assert found["pyasynq_worker_slots", "free"] == 2
    assert not [key for key in found if key[0] == FINISHED]


@pytest.mark.parametrize("task_type", ["a\nb", "x" * 5000, "\x00\N{SNOWMAN}"])
async def test_labels_can_be_shown_whatever_a_type_is_called(work, task_type):
    mux = ServeMux()
    mux.add(task_type, succeed)
    await work.enqueue(task_type)
    await work.enqueue("unknown\nunknown", max_retry=0)
    async with work.serving(mux) as server:
        await eventually_async(lambda: work.count("processed") == 2)
        await eventually_async(lambda: len([key for key in values(server) if FINISHED in key]) == 2)
        labels = [label for _name, *labels in values(server) for label in labels]

    assert all(each.isprintable() and len(each) < 300 for each in labels)


async def test_long_types_that_end_differently_have_labels_of_their_own(work):
    mux = ServeMux()
    for end in ("a", "b"):
        mux.add("x" * 300 + end, succeed)
        await work.enqueue("x" * 300 + end)
    async with work.serving(mux) as server:
        await eventually_async(lambda: work.count("processed") == 2)
        await eventually_async(lambda: len([key for key in values(server) if FINISHED in key]) == 2)
        labels = [key[2] for key in values(server) if key[0] == FINISHED]

    assert {len(each) for each in labels} == {200}


async def test_a_blocked_loop_is_seen_in_its_delay(work):
    async def block(ctx, task):
        time.sleep(0.1)  # noqa: ASYNC251 - it is what is to be seen

    info = await work.enqueue("email")
    async with work.serving(make_mux(block), watchdog_interval=0.01) as server:
        await work.until(info, None)
        await eventually_async(
            lambda: sum(values(server)["pyasynq_event_loop_delay_seconds",].counts[5:]) >= 1
        )


async def test_an_outage_is_seen_with_its_errors_and_new_connections(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        server = Server(proxy.url)
        async with server.running(make_mux(succeed)):
            before = values(server)
            proxy.refuse()
            proxy.cut()
            await eventually_async(lambda: values(server)["pyasynq_redis_outage",] == 1)
            during = values(server)
            proxy.accept()
            await eventually_async(lambda: values(server)["pyasynq_redis_outage",] == 0)
            after = values(server)

    errors = "pyasynq_redis_errors_total"
    assert not [key for key in before if key[0] == errors]
    assert {key[1] for key in during if key[0] == errors} <= {
        *("processor", "subscriber", "heartbeater", "forwarder", "recoverer", "janitor"),
    }
    assert [key for key in during if key[0] == errors]
    connects = ("pyasynq_redis_connects_total",)
    assert 1 <= before[connects] < after[connects]
    assert all(each["pyasynq_heartbeat_age_seconds",] >= 0 for each in (before, during, after))


async def test_a_lease_that_was_lost_is_counted(work):
    runs, end = asyncio.Event(), asyncio.Event()

    async def wait(ctx, task):
        runs.set()
        await end.wait()

    info = await work.enqueue("email")
    async with work.serving(make_mux(wait)) as server:
        await runs.wait()
        work.redis.zrem("asynq:{default}:lease", info.id)
        lost = "pyasynq_leases_lost_total", "default"
        await eventually_async(lambda: values(server).get(lost) == 1)

        assert values(server)[FINISHED, "default", "email", "lost"] == 1


async def test_a_listener_that_fails_is_counted_by_event(work):
    mux = make_mux(succeed)

    @mux.listeners.register(("succeeded",))
    async def fail(event):
        raise ValueError

    await work.enqueue("email")
    async with work.serving(mux) as server:
        failures = "pyasynq_listener_failures_total", "succeeded"
        await eventually_async(lambda: values(server).get(failures) == 1)


async def test_a_task_that_was_due_tells_how_late_it_became_pending(work):
    info = await work.enqueue("email", process_in=0.5)  # so late that it cannot be due at once
    async with work.serving(make_mux(succeed)) as server:
        await work.until(info, None)
        await eventually_async(lambda: sizes(server, "pyasynq_forward_lateness_seconds"))


async def test_members_of_groups_are_counted_when_an_aggregate_replaces_them(work):
    mux = make_mux(succeed)

    @mux.aggregator("*")
    async def one(group, tasks):
        return None

    for number in range(3):
        await work.enqueue("email", str(number).encode(), group="all")
    async with work.serving(mux, group_max_size=3, group_grace_period=1) as server:
        aggregated = "pyasynq_tasks_aggregated_total", "default"
        await eventually_async(lambda: values(server).get(aggregated) == 3)


async def test_a_server_that_only_counts_writes_nothing_of_that_to_redis(work, commands):
    info = await work.enqueue("email")
    async with work.serving(make_mux(succeed), type_statistics=False) as server:
        await work.until(info, None)
        await eventually_async(
            lambda: (FINISHED, "default", "email", "succeeded") in values(server)
        )

    assert not [each for each in commands.texts() if ":x:types" in each]
    assert not work.redis.keys("*x:types*")
