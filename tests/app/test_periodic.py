"""`@app.periodic`: what it registers, and what is wrong when it is told so."""

import asyncio
import inspect
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.worker.handlers.context import TaskContext
from tests.support.eventually import eventually_async

SUNDAY = datetime(2025, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def app():
    return App("redis://127.0.0.1:1", name="shop", task_defaults=EnqueueOptions(timeout=60))


def ticks(entry, count=1):
    found = entry.schedule.after(SUNDAY)
    return [next(found).isoformat() for _ in range(count)]


def test_a_function_becomes_a_task_with_the_options_of_its_ticks(app):
    @app.periodic("*/5 * * * *", queue="low", key="sweep")
    async def sweep(days: int = 7) -> None: ...

    (entry,) = app.periodic
    assert app.tasks["sweep"] is sweep
    assert sweep.bind(3).options.queue == "low"
    assert (entry.task.type, entry.task.payload) == ("sweep", b'{"days":7}')
    assert (entry.queue, entry.options.timeout) == ("low", 60)
    assert ticks(entry, 2) == ["2025-01-05T12:05:00+00:00", "2025-01-05T12:10:00+00:00"]


def test_a_task_may_have_several_schedules_each_with_arguments_and_options(app):
    @app.periodic("@daily", args=("a",), queue="low")
    @app.periodic(timedelta(minutes=90), kwargs={"name": "b", "copies": 2})
    @app.task("report:send", max_retry=3)
    def send(ctx: TaskContext, name: str, *, copies: int = 1) -> None: ...

    first, second = app.periodic
    assert (first.task.payload, first.queue) == (b'{"name":"b","copies":2}', "default")
    assert (second.task.payload, second.queue) == (b'{"name":"a","copies":1}', "low")
    assert (first.schedule.spec, second.options.max_retry) == ("@every 5400s", 3)
    assert send.bind("x").options.queue is None
    assert list(app.tasks) == ["report:send"]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", ZoneInfo("Asia/Shanghai")])
def test_a_time_zone_stands_in_the_spec_so_that_every_tool_knows_it(app, zone):
    @app.periodic("0 9 * * mon", timezone=zone)
    def weekly() -> None: ...

    (entry,) = app.periodic
    assert entry.schedule.spec == "CRON_TZ=Asia/Shanghai 0 9 * * mon"
    assert ticks(entry) == ["2025-01-06T01:00:00+00:00"]


def test_an_interval_has_no_time_zone(app):
    @app.periodic("@every 90s", timezone="Asia/Shanghai")
    def often() -> None: ...

    assert [each.schedule.spec for each in app.periodic] == ["@every 90s"]


def test_a_spec_with_seconds_is_chosen(app):
    @app.periodic("*/10 * * * * *", seconds=True, missed="all", missed_within=60, jitter=1.5)
    def often() -> None: ...

    (entry,) = app.periodic
    assert ticks(entry) == ["2025-01-05T12:00:10+00:00"]
    assert (entry.policy.missed, entry.policy.within_s, entry.policy.jitter_s) == ("all", 60, 1.5)


def test_its_arguments_have_the_defaults_of_a_scheduler(app):
    of_app = inspect.signature(app.periodic).parameters
    of_scheduler = inspect.signature(Scheduler.register).parameters

    for name in ("seconds", "missed", "missed_within", "overlap", "jitter"):
        assert of_app[name].default == of_scheduler[name].default


def test_the_ids_are_those_of_a_scheduler_that_registers_the_same(app):
    @app.periodic("@daily", key="sweep")
    @app.periodic("@hourly", queue="low")
    @app.task
    def sweep() -> None: ...

    scheduler = Scheduler("redis://127.0.0.1:1", name="shop")
    by_hand = [
        scheduler.register("@hourly", sweep.bind(), queue="low"),
        scheduler.register("@daily", sweep.bind(), "sweep"),
    ]
    assert [each.id for each in app.scheduler().entries] == by_hand
    assert app.scheduler().name == "shop"


def declare(app, *given, function=None, **options):
    def sweep(days: int = 7) -> None: ...

    return app.periodic(*given, **options)(function or sweep)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"spec": "* * * *"}, "cannot be read: it has 4 fields"),
        ({"spec": "0 0 30 2 *"}, "never fires: there is no such day"),
        ({"spec": timedelta(0)}, "a periodic task comes every whole number of seconds"),
        ({"spec": 60}, "a spec must be text or a timedelta, not int; for an interval write time"),
        ({"spec": "@daily", "timezone": "Mars"}, "there is no time zone 'Mars'"),
        ({"spec": "@daily", "timezone": UTC}, "timezone must be the name of a time zone"),
        ({"spec": "TZ=UTC @daily", "timezone": "Asia/Tokyo"}, "names a time zone itself; leave"),
        ({"spec": "@daily", "args": (1, 2)}, "too many positional arguments; its arguments are a"),
        ({"spec": "@daily", "args": "ab"}, "args must be a tuple of arguments, not 'ab'; write"),
        ({"spec": "@daily", "args": ("a",)}, r"\$\.days: expected int, got str"),
        ({"spec": "@daily", "kwargs": {"day": 1}}, "got an unexpected keyword argument 'day'"),
        ({"spec": "@daily", "kwargs": [1]}, r"kwargs must map names to arguments, not \[1\]"),
        ({"spec": "@daily", "missed": "al", "jitter": -1}, "missed must be one of 'skip', 'once'"),
        ({"spec": "@daily", "key": ""}, "key must not be blank"),
    ],
)
def test_what_is_wrong_is_told_with_the_function_and_its_line(app, given, fault):
    given = dict(given)
    with pytest.raises(ConfigError, match=fault) as raised:
        declare(app, given.pop("spec"), **given)

    assert all(
        each.startswith(f"periodic task 'sweep' at {__file__}:") for each in raised.value.faults
    )
    assert (len(app.periodic), len(app.tasks)) == (0, 0)


def test_every_fault_is_told_at_once(app):
    with pytest.raises(ConfigError) as raised:
        declare(app, "@dayly", timezone="Mars", args=("a",), overlap="maybe", jitter=-1)

    assert len(raised.value.faults) == 4


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"colour": "red"}, "unknown option 'colour'"),
        ({"queue": ""}, "queue must not be blank"),
        ({"executor": "process"}, r"executor is an option of @app.task; write @app.task\(…\) bel"),
    ],
)
def test_wrong_options_are_refused(app, given, fault):
    with pytest.raises(ConfigError, match=fault):
        declare(app, "@daily", **given)


def test_a_required_argument_that_is_missing_is_told(app):
    def greet(name: str) -> None: ...

    with pytest.raises(ConfigError, match=r"missing a required argument: 'name'.*args=\(…\)"):
        declare(app, "@daily", function=greet)


def test_a_decorator_without_a_spec_is_told_what_to_write(app):
    with pytest.raises(ConfigError, match=r"write `@app\.periodic"):

        @app.periodic
        def sweep() -> None: ...


def test_the_decorators_in_the_wrong_order_are_told(app):
    with pytest.raises(ConfigError, match=r"'sweep' at .* is a task already; write @app.task"):
        app.task("other")(declare(app, "@daily"))


def test_a_task_of_another_app_is_refused(app):
    other = App("redis://127.0.0.1:1")

    with pytest.raises(ConfigError, match="is a task of another App"):
        declare(app, "@daily", function=declare(other, "@daily"))


def test_a_key_is_used_once(app):
    declare(app, "@daily", key="sweep")

    with pytest.raises(ConfigError, match=r"key 'sweep' of periodic tasks is used twice: at .* at"):

        @app.periodic("@hourly", key="sweep")
        def other() -> None: ...

    assert list(app.tasks) == ["sweep"]


def test_the_same_task_at_the_same_time_needs_a_key(app):
    task = declare(app, "@daily")

    with pytest.raises(ConfigError, match=r"twice at each tick of '@daily': .* give one of them"):
        declare(app, "@daily", function=task)
    declare(app, "@daily", function=task, key="again")
    assert len(app.periodic) == 2


def test_a_cell_that_runs_again_replaces_its_periodic_tasks(app):
    space = {"app": app, "__name__": "notebook"}
    cell = '@app.periodic("{}")\n@app.periodic("@hourly")\n@app.task\ndef sweep() -> None: ...\n'

    for spec in ("@daily", "@weekly"):
        exec(compile(cell.format(spec), "<cell>", "exec"), space)

    assert [each.schedule.spec for each in app.periodic] == ["@hourly", "@weekly"]
    assert list(app.tasks) == ["sweep"]

    exec(compile("@app.task\ndef sweep() -> None: ...\n", "<cell>", "exec"), space)
    assert (list(app.periodic), len(app.periodic)) == ([], 0)


async def test_a_worker_enqueues_and_runs_periodic_tasks(redis_url):
    app, ran = App(redis_url, task_check_interval=0.01), []

    @app.periodic("@every 1s", args=(42,))
    async def note(number: int) -> None:
        ran.append(number)

    worker = app.worker()
    serving = asyncio.create_task(worker.serve())
    await eventually_async(lambda: ran)
    worker.shutdown()
    await serving

    assert ran[0] == 42
    assert (worker.server.status, worker.scheduler.status) == ("closed", "closed")


async def test_a_worker_without_periodic_tasks_has_no_scheduler(redis_url):
    app = App(redis_url)
    declared = App(redis_url)
    declare(declared, "@daily")

    assert app.worker().scheduler is None
    assert declared.worker(scheduler=False).scheduler is None
    assert declared.worker().scheduler is not None
