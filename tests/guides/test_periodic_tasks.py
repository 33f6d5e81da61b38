"""The guide to periodic tasks: its code is code that runs here."""

from datetime import timedelta

from pyasynq import App, EnqueueOptions, PeriodicTaskConfig, PeriodicTaskManager, Scheduler, Task

app = App()


@app.periodic("0 9 * * mon-fri", timezone="Europe/Berlin", args=("sales",))
@app.periodic("@every 6h", args=("stock",), queue="low")
@app.task("report:send", timeout=60)
async def send_report(name: str) -> None: ...


@app.periodic("*/5 * * * *", key="sweep", overlap="skip")
async def sweep(days: int = 7) -> None: ...


async def read_feeds() -> list[tuple[int, int]]:
    return [(7, 5), (8, 60)]


async def feeds() -> list[PeriodicTaskConfig]:
    return [
        PeriodicTaskConfig(
            spec=f"@every {minutes}m",
            task=Task("poll", b'{"feed": %d}' % number),
            options=EnqueueOptions(queue="low"),
            key=f"feed-{number}",
        )
        for number, minutes in await read_feeds()
    ]


def make_manager(url: str) -> PeriodicTaskManager:
    return PeriodicTaskManager(url, feeds, sync_interval=60, name="feeds")


def test_a_sweep_is_made_every_five_minutes_unless_the_last_one_waits():
    with app.testing() as harness:
        harness.clock.advance(timedelta(minutes=11))  # two ticks
        assert [each.type for each in harness.run_pending(raises=True)] == ["sweep"]

        harness.clock.advance(timedelta(minutes=5))
        assert [each.type for each in harness.run_pending(raises=True)] == ["sweep"]


def test_a_task_may_have_several_specs():
    with app.testing() as harness:
        harness.clock.advance(timedelta(hours=12))
        reports = {
            (each.arguments["name"], each.queue)
            for each in harness.tasks()
            if each.type == "report:send"
        }

    assert ("stock", "low") in reports


def test_entries_are_registered_without_an_app(redis_url):
    url = redis_url
    scheduler = Scheduler(url, name="shop")
    scheduler.register("*/5 * * * *", Task("sweep"))
    scheduler.register("@every 90s", Task("poll", b'{"feed": 7}'), queue="low")
    scheduler.register("0 3 * * mon", Task("report"), key="weekly-report", max_retry=3)

    assert [each.task.type for each in scheduler.entries] == ["sweep", "poll", "report"]


async def test_entries_come_from_a_function(redis_url):
    manager = make_manager(redis_url)
    async with manager.running():
        found = await manager.sync()

    assert len(manager.entries) == 2
    assert found is not None
