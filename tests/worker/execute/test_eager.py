"""Handlers that do not wait share an asyncio task, and nothing else shows it."""

import asyncio
import weakref
from contextvars import ContextVar

import anyio
import pytest

from pyasynq import retry
from pyasynq.control_flow import SkipRetry
from pyasynq.worker.execute.eager import EagerRunner
from pyasynq.worker.handlers.context import current_context
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_running
from tests.support.workplace import Workplace

COLOUR: ContextVar[str] = ContextVar("colour")
TASKS = 5


class Incomparable:
    __hash__ = None

    def __eq__(self, other):
        raise ValueError("which of the elements?")


async def run_all(work: Workplace, handle, **settings) -> None:
    """Run *handle* for five tasks that one fetch brings."""
    mux = ServeMux()
    mux.add("email", handle)
    infos = [await work.enqueue("email", b"%d" % number) for number in range(TASKS)]
    async with work.serving(mux, concurrency=TASKS, **settings) as server:
        for info in infos:
            await work.until_written(server, info)


def kept_asyncio_task(seen: dict[str, "asyncio.Task"]) -> "asyncio.Task":
    seen[current_context().task_id] = own = asyncio.current_task()
    return own


def name_of_asyncio_task() -> int:
    """Tells asyncio tasks that exist at the same moment apart, and keeps none of them."""
    return id(asyncio.current_task())


async def test_handlers_that_do_not_wait_share_an_asyncio_task(work):
    seen = []

    async def handle(ctx, task):
        seen.append(name_of_asyncio_task())

    await run_all(work, handle)

    assert len(seen) == TASKS
    assert len(set(seen)) == 1


async def test_scopes_that_have_ended_do_not_end_the_sharing(work):
    seen = []

    async def handle(ctx, task):
        async with asyncio.timeout(60), asyncio.TaskGroup():
            seen.append(name_of_asyncio_task())

    await run_all(work, handle)

    assert len(seen) == TASKS
    assert len(set(seen)) == 1


class Leaving:
    """What a handler may do to its asyncio task, and what the next one would find of it."""

    def __init__(self):
        self.kept = []
        self.keys = weakref.WeakSet()

    def reference(self, own):
        self.kept.append(own)

    def weak_reference(self, own):
        self.keys.add(own)

    def done_callback(self, own):
        own.add_done_callback(lambda _task: None)

    def attribute(self, own):
        own.request = "of this task only"

    def planned_cancellation(self, own):
        asyncio.get_running_loop().call_soon(own.cancel)

    def open_timeout(self, own):
        timeout = asyncio.timeout(3600)
        with pytest.raises(StopIteration):
            timeout.__aenter__().send(None)
        self.kept.append(timeout)

    def open_scope_of_anyio(self, own):
        self.kept.append(anyio.CancelScope().__enter__())

    def closed_scope_of_anyio(self, own):
        with anyio.CancelScope():  # noqa: ASYNC100 - it is about what stays of the scope
            pass

    def cancellation_taken_back(self, own):
        own.cancel()
        own.uncancel()

    def failure(self, own):
        raise RuntimeError("refused")


@pytest.mark.parametrize("what", [name for name in vars(Leaving) if name[0] != "_"])
async def test_no_handler_gets_an_asyncio_task_in_which_another_has_left_something(work, what):
    leaving, turns, before = Leaving(), [], {}

    async def handle(ctx, task):
        before.setdefault(task.payload, len(turns))
        asyncio.get_running_loop().call_soon(turns.append, task.payload)
        if task.payload == b"1" and ctx.attempt == 1:
            getattr(leaving, what)(asyncio.current_task())

    await run_all(work, handle, retry_delay=retry.fixed(0))

    shares = [payload for payload, turned in before.items() if not turned]
    assert shares == [b"0", b"1"]
    assert len(before) == TASKS


async def test_a_registry_of_asyncio_tasks_has_one_session_for_each_task(work):
    sessions, committed = {}, []

    def session():
        own = asyncio.current_task()
        if own not in sessions:
            sessions[own] = []
            own.add_done_callback(sessions.pop)
        return sessions[own]

    async def transfer(ctx, task):
        session().append(task.payload)
        if task.payload in {b"0", b"2"}:
            raise SkipRetry("refused")
        if task.payload != b"4":
            await asyncio.sleep(0)
        committed.append(list(session()))

    mux = ServeMux()
    mux.add("email", transfer)
    infos = [await work.enqueue("email", b"%d" % number) for number in range(TASKS)]
    async with work.serving(mux, concurrency=TASKS):
        for number, info in enumerate(infos):
            await work.until(info, "archived" if number in {0, 2} else None)

    assert sorted(committed) == [[b"1"], [b"3"], [b"4"]]
    assert sessions == {}


async def test_asyncio_tasks_of_a_class_of_the_application_are_not_shared(work):
    class Task(asyncio.tasks._PyTask):
        pass

    loop, turns, before = asyncio.get_running_loop(), [], []

    async def handle(ctx, task):
        assert type(asyncio.current_task()) is Task
        before.append(len(turns))
        loop.call_soon(turns.append, task.payload)

    loop.set_task_factory(lambda loop, work, **options: Task(work, loop=loop, **options))
    try:
        await run_all(work, handle)
    finally:
        loop.set_task_factory(None)

    assert before.count(0) == 1
    assert len(before) == TASKS


@pytest.mark.parametrize("waiting", [b"0", b"2"])
async def test_a_handler_that_waits_keeps_its_asyncio_task_to_itself(work, waiting):
    after = {}

    async def handle(ctx, task):
        if task.payload >= waiting:
            await asyncio.sleep(0)
            kept_asyncio_task(after)

    await run_all(work, handle)

    assert len(after) == TASKS - int(waiting)
    assert len(set(after.values())) == len(after)


async def test_the_asyncio_task_of_a_handler_bears_the_id_of_its_task(work):
    names = []

    async def handle(ctx, task):
        names.append((asyncio.current_task().get_name(), ctx.task_id))
        if task.payload >= b"3":
            await asyncio.sleep(0)
            names.append((asyncio.current_task().get_name(), ctx.task_id))

    await run_all(work, handle)

    assert len(names) == TASKS + 2
    assert all(name == task_id for name, task_id in names)


@pytest.mark.parametrize("value", ["red", Incomparable()])
async def test_a_context_variable_that_a_handler_sets_is_not_seen_by_the_next(work, value):
    found = []

    async def handle(ctx, task):
        found.append(COLOUR.get(None))
        COLOUR.set(value)

    await run_all(work, handle)

    assert found == [None] * TASKS


async def test_an_equal_value_of_a_context_variable_is_not_seen_by_the_next_either(work):
    first, found = [], []
    COLOUR.set(first)

    async def handle(ctx, task):
        found.append(COLOUR.get() is first)
        COLOUR.set([])

    await run_all(work, handle)

    assert found == [True] * TASKS


async def test_a_handler_that_resets_its_context_variables_shares_its_asyncio_task(work):
    seen = []

    async def handle(ctx, task):
        token = COLOUR.set("red")
        seen.append(name_of_asyncio_task())
        COLOUR.reset(token)

    await run_all(work, handle)

    assert len(seen) == TASKS
    assert len(set(seen)) == 1


async def test_a_handler_that_cancels_itself_ends_no_other_one(work):
    runs = []

    async def handle(ctx, task):
        runs.append(task.payload)
        if task.payload == b"1" and runs.count(b"1") == 1:
            asyncio.current_task().cancel()
        elif task.payload == b"2":
            await asyncio.sleep(0)

    await run_all(work, handle)

    assert sorted(runs) == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_cancellation_that_a_handler_takes_back_ends_no_other_one(work):
    runs = []

    async def handle(ctx, task):
        runs.append(task.payload)
        if task.payload == b"1":
            asyncio.current_task().cancel()
            asyncio.current_task().uncancel()
        elif task.payload == b"2":
            await asyncio.sleep(0)

    await run_all(work, handle)

    assert sorted(runs) == [b"0", b"1", b"2", b"3", b"4"]


async def test_what_a_handler_leaves_running_keeps_its_context(work):
    found_ids, left = {}, []

    async def look(task_id):
        found_ids[task_id] = current_context().task_id

    async def handle(ctx, task):
        left.append(asyncio.create_task(look(ctx.task_id)))

    await run_all(work, handle)
    await asyncio.gather(*left)

    assert len(found_ids) == TASKS
    assert all(own == found for own, found in found_ids.items())


async def test_handlers_start_in_the_order_of_their_tasks(work):
    started = []

    async def handle(ctx, task):
        started.append(task.payload)
        if task.payload in {b"1", b"3"}:
            await asyncio.sleep(0)

    await run_all(work, handle)

    assert started == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_handler_that_has_waited_leaves_the_next_fetch_alone():
    waits, both_ran, seen = asyncio.Event(), asyncio.Event(), {}

    async def run(running):
        if running.leased.task_id == "first":
            await waits.wait()
        seen[running.leased.task_id] = asyncio.current_task()
        if len(seen) == 2:
            both_ran.set()

    first, second = make_running(task_id="first"), make_running(task_id="second")
    contexts = dict.fromkeys((first, second))
    eager = EagerRunner(asyncio.get_running_loop(), contexts, run, lambda _running: None)
    eager.start(first)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waits.set()  # goes on before what is started now
    eager.start(second)
    await both_ran.wait()

    assert seen["first"] is not seen["second"]


async def test_tasks_that_come_when_the_shared_asyncio_task_has_just_ended_share_another():
    loop, ran, own = asyncio.get_running_loop(), [], []

    async def run(running):
        ran.append(running)
        running.has_ended, running.handle = True, None

    tasks = [make_running(task_id=str(number)) for number in range(6)]
    eager = EagerRunner(loop, dict.fromkeys(tasks), run, own.append)

    def start_the_rest():
        for running in tasks[1:]:
            eager.start(running)

    eager.start(tasks[0])
    loop.call_soon(start_the_rest)  # in the same turn of the loop, after the first has ended
    for _ in range(4):
        await asyncio.sleep(0)

    assert ran == tasks
    assert own == []
