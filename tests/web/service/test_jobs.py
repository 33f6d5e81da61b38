"""Jobs on many tasks: what they change, who may start and stop them, and how they end."""

import asyncio
import gc
import weakref

import pytest

from pyasynq.admin.redaction import SecretWords
from pyasynq.inspector import AsyncInspector, Change, TaskRef
from pyasynq.task import TaskState
from pyasynq.web.access.roles import Role
from pyasynq.web.access.visitor import Visitor
from pyasynq.web.refusal import Refusal
from pyasynq.web.service import job_board
from pyasynq.web.service import jobs as jobs_module
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.job_board import JobBoard
from pyasynq.web.service.job_request import JobRequest
from pyasynq.web.service.service import Service
from tests.support.stored_tasks import PAST_S, store

DELETE, RUN = Change(verb="delete"), Change(verb="run")


@pytest.fixture
async def inspector(redis_url):
    async with AsyncInspector(redis_url) as made:
        yield made


@pytest.fixture
async def board(monkeypatch):
    monkeypatch.setattr(
        job_board, "GRACE_S", 0.05
    )  # jobs of these tests wait for their next second
    made = JobBoard()
    yield made
    await made.aclose()


@pytest.fixture
def jobs(inspector, board):
    """Returns the jobs of a visitor."""

    def make(name="ann", role=Role.ADMIN, *, redact=None, board=board, read_only=False):
        visitor = Visitor(name=name, address="192.0.2.1", role=role)
        guard = Guard(visitor, is_read_only=read_only)
        return Service(inspector, guard, redact, board, live=None).jobs

    return make


def fill(redis_client, count, *, queue="mail", state="archived"):
    for number in range(count):
        kind, name = f"kind{number % 2}", f"{queue}-{number}"
        store(redis_client, state, name, queue=queue, type=kind, score=PAST_S)


async def ended(jobs, job_id):
    """Wait for the end of a job."""
    return await until(jobs, job_id, lambda job: job.is_over)


async def until(jobs, job_id, is_so):
    """Wait until something is true of a job; return it."""
    async with asyncio.timeout(10):
        while True:
            job = await jobs.get(job_id)
            if is_so(job):
                return job
            await asyncio.sleep(0)


async def text_of_refusal(awaitable):
    with pytest.raises(Refusal) as caught:
        await awaitable
    return f"{caught.value.status} {caught.value.text}"


def requested(change, **given):
    return JobRequest(change=change, **given)


async def test_a_job_changes_what_a_filter_finds(jobs, redis_client):
    fill(redis_client, 6)
    mine = jobs()

    job = await mine.start(requested(RUN, query="type:kind1"))
    after = await ended(mine, job.id)

    assert (job.state, job.who, job.query) == ("waiting", "ann", "type:kind1")
    assert (after.state, after.result.done, after.progress) == ("done", 3, 1.0)
    assert None not in (after.started_at, after.ended_at)
    assert redis_client.llen("asynq:{mail}:pending") == 3


async def test_a_job_changes_a_queue_in_a_state_or_one_group_of_it(jobs, redis_client):
    fill(redis_client, 3, queue="mail", state="retry")
    for group in ("a", "b"):
        store(redis_client, "aggregating", group, group=group)
        redis_client.hset(f"asynq:{{mail}}:t:{group}", "group", group)
    mine = jobs()

    whole = requested(RUN, queue="mail", state=TaskState.RETRY)
    one = requested(DELETE, queue="mail", state=TaskState.AGGREGATING, group="a")
    results = [(await ended(mine, (await mine.start(each)).id)).result for each in (whole, one)]

    assert [each.done for each in results] == [3, 1]
    assert redis_client.zcard("asynq:{mail}:g:b") == 1


async def test_a_job_changes_named_tasks_and_counts_those_that_are_elsewhere(jobs, redis_client):
    fill(redis_client, 3)
    tasks = (TaskRef("mail", "mail-0"), TaskRef("mail", "mail-1", TaskState.RETRY))
    request = requested(DELETE, tasks=(*tasks, TaskRef("mail", "nobody")))
    mine = jobs()

    preview = await mine.preview(request)
    after = await ended(mine, (await mine.start(request)).id)

    assert (preview.count, [each.id for each in preview.found.sample]) == (1, ["mail-0"])
    assert (after.named, after.query) == (3, "")
    assert (after.result.done, after.result.changed_meanwhile, after.result.failed) == (1, 1, 1)
    assert [each.id for each in after.result.failures] == ["nobody"]


async def test_many_deletions_must_be_confirmed_and_the_preview_says_how(jobs, redis_client):
    fill(redis_client, 1001)
    request = requested(DELETE, query="state:archived")
    mine = jobs()

    preview = await mine.preview(request)
    refusal = await text_of_refusal(mine.start(request, confirm="yes"))
    untouched = redis_client.zcard("asynq:{mail}:archived")
    after = await ended(mine, (await mine.start(request, confirm="mail")).id)

    assert (preview.count, preview.confirm) == (1001, "mail")
    assert refusal.startswith("409 1,001 tasks would be deleted: give 'mail'")
    assert untouched == 1001
    assert (after.result.done, after.limit) == (1001, None)


def fill_big_queue(redis_client):
    """Store 1,001 tasks of a type in one queue; in another, many stand behind 600 others."""
    with redis_client.pipeline(transaction=False) as pipeline:
        for number in range(1001):
            store(pipeline, "archived", f"a{number}", queue="qa", type="old", score=PAST_S)
        for number in range(800):
            kind = "old" if number >= 600 else "new"
            store(pipeline, "archived", f"b{number}", queue="qb", type=kind, score=1000 + number)
        pipeline.execute()


async def test_a_queue_of_which_a_part_was_looked_at_is_never_left_out_of_what_is_confirmed(
    jobs, redis_client, monkeypatch
):
    monkeypatch.setattr(jobs_module, "SCANNED", 1000)
    fill_big_queue(redis_client)
    request = requested(DELETE, query="type:old")
    mine = jobs()

    preview = await mine.preview(request)
    refusal = await text_of_refusal(mine.start(request, confirm="qa"))
    after = await ended(mine, (await mine.start(request, confirm="1001")).id)

    told = [(each.queue, each.count, each.is_estimated) for each in preview.found.places]
    assert told == [("qa", 1001, True), ("qb", 0, True)]
    assert (preview.count, preview.confirm) == (1001, "1001")
    assert "how many these are" in refusal
    assert (after.confirmed, after.result.done, after.result.is_capped) == (1102, 1102, True)


async def test_a_confirmed_job_deletes_nothing_in_queues_that_were_not_confirmed(
    jobs, redis_client, monkeypatch
):
    fill(redis_client, 1001)
    store(redis_client, "archived", "a", queue="low", type="other")
    mine = jobs()
    request = requested(DELETE, query="type:kind0,kind1")
    preview = await mine.preview(request)

    job = await mine.start(request, confirm="mail")
    store(redis_client, "archived", "b", queue="low", type="kind0")
    after = await ended(mine, job.id)

    assert (preview.confirm, after.result.done) == ("mail", 1001)
    assert redis_client.zcard("asynq:{low}:archived") == 2


class Name(str):
    """A text that tells whether somebody still has it."""

    __slots__ = ("__weakref__",)


async def test_a_job_that_has_ended_keeps_the_number_of_its_tasks_and_not_their_names(
    jobs, redis_client
):
    tasks = tuple(TaskRef("mail", Name(number)) for number in range(150))
    kept = weakref.ref(tasks[-1].id)  # failures name the first 100
    mine = jobs()

    job = await mine.start(requested(RUN, tasks=tasks))
    await ended(mine, job.id)
    del tasks
    gc.collect()

    assert (await mine.get(job.id)).named == 150
    assert kept() is None


async def test_without_a_confirmation_a_job_never_deletes_more_than_a_thousand(jobs, redis_client):
    fill(redis_client, 1001)

    job = await jobs().start(requested(DELETE, query="state:archived", limit=1000))
    after = await ended(jobs(), job.id)

    assert (job.limit, after.result.done) == (1000, 1000)
    assert redis_client.zcard("asynq:{mail}:archived") == 1


async def test_a_job_changes_no_more_tasks_than_the_application_allows(jobs, redis_client):
    fill(redis_client, 5)
    board = JobBoard(most=2)
    mine = jobs(board=board)

    preview = await mine.preview(requested(RUN, query="state:archived"))
    after = await ended(mine, (await mine.start(requested(RUN, query="state:archived"))).id)

    assert (preview.count, preview.found.count, preview.limit) == (2, 5, 2)
    assert (after.result.done, after.limit) == (2, 2)


@pytest.mark.parametrize(
    ("change", "role", "is_allowed"),
    [
        (RUN, Role.READ, False),
        (RUN, Role.OPERATE, True),
        (DELETE, Role.OPERATE, False),
        (Change(verb="cancel"), Role.OPERATE, True),
        (Change(verb="cancel", then="drop"), Role.OPERATE, False),
        (DELETE, Role.ADMIN, True),
    ],
)
async def test_a_job_needs_the_role_of_what_it_does(jobs, redis_client, change, role, is_allowed):
    store(redis_client, "archived", "a")
    store(redis_client, "active", "b")
    mine, request = jobs(role=role), requested(change, query="queue:mail")

    if is_allowed:
        assert (await mine.preview(request)).count == 1
        assert (await ended(mine, (await mine.start(request)).id)).state == "done"
    else:
        assert (await text_of_refusal(mine.preview(request))).startswith("403")
        assert (await text_of_refusal(mine.start(request))).startswith("403")
        assert await mine.list() == []


async def test_whoever_may_look_sees_the_jobs_of_all_and_stops_none(jobs, redis_client):
    fill(redis_client, 2)
    first = await jobs("ann").start(requested(RUN, query="id:mail-0"))
    second = await jobs("bob").start(requested(RUN, query="id:mail-1"))
    looking = jobs("eve", Role.READ)
    for each in (first, second):
        await ended(looking, each.id)

    assert [(each.id, each.who) for each in await looking.list()] == [
        (second.id, "bob"),
        (first.id, "ann"),
    ]
    assert (await text_of_refusal(looking.cancel(first.id))).startswith("403")
    assert (await text_of_refusal(jobs("x", Role.NONE).list())).startswith("403")


async def test_a_job_that_nobody_knows_says_that_they_are_lost_by_a_restart(jobs):
    for call in (jobs().get, jobs().cancel):
        refusal = await text_of_refusal(call("no\nbody"))

        assert refusal.startswith("404 there is no job 'no\\\\nbody'")
        assert "lost when this server restarts" in refusal


async def test_a_job_is_stopped_before_its_next_chunk_and_the_log_says_by_whom(
    jobs, redis_client, caplog
):
    caplog.set_level("INFO", "pyasynq.admin")
    fill(redis_client, 50)
    mine = jobs()
    job = await mine.start(requested(DELETE, query="state:archived", per_second=4))

    await until(mine, job.id, lambda job: job.result.done)
    await jobs("bob", Role.OPERATE).cancel(job.id)
    after = await ended(mine, job.id)
    again = await mine.cancel(job.id)

    lines = [each.getMessage() for each in caplog.records if each.name == "pyasynq.admin"]
    assert (after.state, again.state) == ("cancelled", "cancelled")
    assert 0 < after.result.done < 50
    assert redis_client.zcard("asynq:{mail}:archived") == 50 - after.result.done
    begin = f"delete by ann from 192.0.2.1: begins, job {job.id}, filter: state:archived"
    assert begin in lines
    end = next(each for each in lines if each.startswith("delete by ann") and each != begin)
    assert end.startswith("delete by ann from 192.0.2.1: stopped by bob from 192.0.2.1, ")
    assert end.endswith(f"job {job.id}, filter: state:archived")
    assert f"stop job by bob from 192.0.2.1: done, job {job.id}" in lines


async def test_the_end_of_the_process_stops_jobs_and_the_log_says_so(
    jobs, redis_client, board, caplog
):
    caplog.set_level("INFO", "pyasynq.admin")
    fill(redis_client, 20)
    mine = jobs()
    running = [
        await mine.start(requested(DELETE, query="state:archived", per_second=4))
        for _ in range(job_board.AT_ONCE)
    ]
    waiting = await mine.start(requested(RUN, query="state:archived"))
    await until(mine, running[-1].id, lambda job: job.state == "running")

    await board.aclose()

    found = [await mine.get(each.id) for each in (*running, waiting)]
    assert {each.state for each in found} == {"stopped"}
    assert (found[-1].started_at, found[-1].result.done) == (None, 0)
    ends = [each.getMessage() for each in caplog.records if "a shutdown" in each.getMessage()]
    assert [f"job {each.id}" in "".join(ends) for each in found] == [True] * len(found)


async def test_a_few_jobs_run_at_once_and_the_others_wait_in_line(jobs, redis_client):
    fill(redis_client, 5)
    mine = jobs()
    slow = [
        await mine.start(requested(RUN, query="state:archived", per_second=4, limit=1000))
        for _ in range(job_board.AT_ONCE)
    ]
    waiting = await mine.start(requested(RUN, query="state:archived"))
    await until(mine, slow[-1].id, lambda job: job.state == "running")

    assert (await mine.get(waiting.id)).state == "waiting"
    await mine.cancel(slow[0].id)
    assert (await ended(mine, waiting.id)).state == "done"


async def test_a_job_that_waits_can_be_cancelled_and_changes_nothing(jobs, redis_client, board):
    fill(redis_client, 5)
    mine = jobs()
    for _ in range(job_board.AT_ONCE):
        await mine.start(requested(Change(verb="archive"), query="id:x state:retry", per_second=4))
    waiting = await mine.start(requested(RUN, query="state:archived"))

    await mine.cancel(waiting.id)
    after = await ended(mine, waiting.id)

    assert (after.state, after.started_at, after.result.done) == ("cancelled", None, 0)
    assert redis_client.zcard("asynq:{mail}:archived") == 5


async def test_too_many_jobs_are_refused_and_old_ones_forgotten(jobs, redis_client, monkeypatch):
    monkeypatch.setattr(job_board, "AT_ONCE", 1)
    monkeypatch.setattr(job_board, "MOST_WAITING", 2)
    monkeypatch.setattr(job_board, "KEPT", 3)
    fill(redis_client, 5)
    mine, request = jobs(), requested(RUN, query="id:x state:archived")

    made = [await mine.start(request) for _ in range(3)]
    refusal = await text_of_refusal(mine.start(request))
    for each in made:
        await ended(mine, each.id)
    for _ in range(3):
        made.append(await mine.start(request))
        await ended(mine, made[-1].id)

    assert refusal.startswith("429 2 jobs wait already")
    assert [each.id for each in await mine.list()] == [each.id for each in made[:1:-1]]


async def test_a_job_that_fails_says_why(jobs, redis_client, inspector):
    fill(redis_client, 1)
    mine = jobs()

    job = await mine.start(requested(RUN, query="queue:mail state:archived"))
    await inspector.queues.delete("mail", force=True)
    after = await ended(mine, job.id)

    assert after.state in ("failed", "done")
    assert (after.state == "failed") is bool(after.error)


@pytest.mark.parametrize(
    ("change", "query", "refusal"),
    [
        (RUN, "queue:nowhere", "NotFound"),
        (Change(verb="cancel"), "state:archived", "400 cancel takes tasks that are active"),
    ],
)
async def test_what_a_job_cannot_do_is_told_by_its_preview(
    jobs, redis_client, change, query, refusal
):
    fill(redis_client, 1)

    with pytest.raises(Exception) as caught:
        await jobs().preview(requested(change, query=query))

    assert refusal in f"{type(caught.value).__name__} {caught.value}"


async def test_a_redactor_hides_what_a_filter_compares_with_contents(jobs, redis_client):
    store(redis_client, "archived", "a", payload=b'{"password": "hunter2"}')
    mine = jobs(redact=SecretWords())
    request = requested(RUN, query="payload~password queue:mail")

    preview = await mine.preview(request)
    job = await mine.start(request)

    assert b"hunter2" not in preview.found.sample[0].payload
    assert job.query == "payload~… queue:mail"
    await ended(mine, job.id)
