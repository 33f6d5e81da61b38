"""A manager follows its provider, and nothing that is wrong harms what is right."""

import asyncio
import logging
import threading

import pytest

from pyasynq.errors import ConfigError, EntryNotFoundError
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.config import PeriodicTaskConfig
from pyasynq.scheduler.manager import PeriodicTaskManager
from pyasynq.task import Task
from tests.support.eventually import eventually_async

NOWHERE = "redis://127.0.0.1:1/0"


def config(spec="@daily", task="report", **fields):
    return PeriodicTaskConfig(spec=spec, task=Task(task), **fields)


def manager_of(provider, url=NOWHERE, **settings):
    return PeriodicTaskManager(url, provider, name="shop", **settings)


def specs(manager):
    return sorted(entry.schedule.spec for entry in manager.entries)


class Wishes:
    """A provider whose answer a test changes; it raises what is an exception."""

    def __init__(self, *answer):
        self.answer = answer
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_sync_registers_what_is_new_and_unregisters_what_is_gone():
    wishes = Wishes(config("@daily"), config("@hourly"))
    manager = manager_of(wishes)

    first = await manager.sync()
    kept = {entry.schedule.spec: entry for entry in manager.entries}["@hourly"]
    wishes.answer = config("@hourly"), config("@weekly")
    second = await manager.sync()
    third = await manager.sync()

    assert (len(first.added), len(first.removed)) == (2, 0)
    assert (len(second.added), len(second.removed)) == (1, 1)
    assert (third.added, third.removed, third.faults) == ((), (), ())
    assert specs(manager) == ["@hourly", "@weekly"]
    assert kept in manager.entries


async def test_an_entry_with_a_key_is_replaced_when_it_changes():
    wishes = Wishes(config("@daily", key="k"))
    manager = manager_of(wishes)
    await manager.sync()

    wishes.answer = (config("@hourly", key="k", options=EnqueueOptions(queue="low")),)
    report = await manager.sync()

    (entry,) = manager.entries
    assert (report.added, report.removed) == ((entry.id,), ())
    assert (entry.schedule.spec, entry.queue) == ("@hourly", "low")


async def test_a_change_of_policy_or_headers_is_a_change():
    wishes = Wishes(config(key="k"))
    manager = manager_of(wishes)
    await manager.sync()
    changed = []

    for other in (
        config(key="k", jitter=5),
        PeriodicTaskConfig(spec="@daily", task=Task("report", headers={"a": "b"}), key="k"),
    ):
        wishes.answer = (other,)
        changed.append(len((await manager.sync()).added))

    assert changed == [1, 1]


async def test_what_is_wrong_is_skipped_and_logged_once(caplog):
    wishes = Wishes(config("@dayly"), config("@hourly"), "report", None, config("@hourly"))
    manager = manager_of(wishes)

    reports = [await manager.sync() for _ in range(2)]

    assert specs(manager) == ["@hourly"]
    assert reports[0].faults == reports[1].faults
    assert [each.partition(":")[0] for each in reports[0].faults] == [
        "entry 1 (task 'report')",
        "entry 3",
        "entry 4",
        "entry 5 (task 'report') is the same as entry 2; give each a key if both are meant",
    ]
    assert [each.levelno for each in caplog.records] == [logging.ERROR] * 4


async def test_an_entry_with_a_key_that_becomes_wrong_stays_as_it_was():
    wishes = Wishes(config("@daily", key="k"), config("@hourly"))
    manager = manager_of(wishes)
    await manager.sync()

    wishes.answer = config("@dayly", key="k"), config("@hourly")
    report = await manager.sync()

    assert specs(manager) == ["@daily", "@hourly"]
    assert (len(report.faults), report.removed) == (1, ())


@pytest.mark.parametrize(
    "answer", [RuntimeError("oh"), 5, "text", {"a": 1}], ids=["raises", "int", "str", "dict"]
)
async def test_a_provider_that_fails_changes_nothing(answer):
    wishes = Wishes(config("@daily"))
    manager = manager_of(wishes)
    await manager.sync()
    wishes.answer = answer

    with pytest.raises((RuntimeError, ConfigError)):
        await manager.sync()

    assert specs(manager) == ["@daily"]


async def test_a_provider_may_be_async():
    async def provider():
        await asyncio.sleep(0)
        return [config("@daily")]

    manager = manager_of(provider)
    await manager.sync()

    assert specs(manager) == ["@daily"]


async def test_a_plain_provider_does_not_block_the_loop():
    threads = []
    manager = manager_of(lambda: threads.append(threading.current_thread()) or [])

    await manager.sync()

    assert threads[0] is not threading.main_thread()


async def test_an_entry_that_was_added_by_hand_stays_until_it_is_removed():
    wishes = Wishes(config("@hourly"))
    manager = manager_of(wishes)
    added = manager.add(config("@daily"))

    await manager.sync()
    with_it = specs(manager)
    manager.remove(added)
    await manager.sync()

    assert (with_it, specs(manager)) == (["@daily", "@hourly"], ["@hourly"])


async def test_an_entry_of_the_provider_that_was_removed_is_back_after_a_sync():
    manager = manager_of(Wishes(config("@hourly")))
    await manager.sync()
    (entry,) = manager.entries

    manager.remove(entry.id)
    without = specs(manager)
    await manager.sync()

    assert (without, specs(manager)) == ([], ["@hourly"])


def test_wrong_calls_are_told():
    manager = manager_of(Wishes())

    with pytest.raises(EntryNotFoundError):
        manager.remove("x")
    with pytest.raises(ConfigError, match="must be a PeriodicTaskConfig, not str"):
        manager.add("@daily")
    with pytest.raises(ConfigError, match="never fires"):
        manager.add(config("0 0 30 2 *"))
    with pytest.raises(ConfigError, match="provider must be a function or the path"):
        manager_of(5)
    with pytest.raises(ConfigError, match="sync_interval must be at least 1 s"):
        manager_of(Wishes(), sync_interval=0)


async def test_a_provider_that_fails_at_the_start_ends_it(redis_url, redis_client):
    manager = manager_of(Wishes(), redis_url)
    manager_of_failure = manager_of(lambda: 1 / 0, redis_url)

    with pytest.raises(ZeroDivisionError):
        await manager_of_failure.serve()

    assert manager_of_failure.status == "closed"
    assert manager.status == "new"
    assert redis_client.keys() == []


async def test_later_failures_are_one_line_and_the_old_entries_stay(redis_url, caplog):
    wishes = Wishes(config("@daily"))

    async with manager_of(wishes, redis_url, sync_interval=1).running() as manager:
        wishes.answer = RuntimeError("oh")
        asked = wishes.asked
        await eventually_async(lambda: wishes.asked >= asked + 2)
        kept = specs(manager)

    (line,) = [each for each in caplog.messages if "cannot sync" in each]
    assert line == "cannot sync periodic tasks; the old ones stay: RuntimeError: oh"
    assert kept == ["@daily"]


async def test_a_file_is_read_again_when_it_changes(redis_url, tmp_path, caplog):
    path = tmp_path / "tasks.toml"
    path.write_text('[[entries]]\nspec = "@daily"\ntype = "report"\n')

    async with manager_of(path, redis_url).running() as manager:
        at_first = specs(manager)
        replace(path, '[[entries]]\nspec = "@hourly"\ntype = "report"\n')
        await eventually_async(lambda: specs(manager) == ["@hourly"])
        replace(path, "[[entries]\n")
        await eventually_async(lambda: "is not valid TOML" in caplog.text)
        while_broken = specs(manager)

    assert (at_first, while_broken) == (["@daily"], ["@hourly"])


def replace(path, text):
    """Replace a file as editors do."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


async def test_a_file_that_is_absent_at_the_start_is_an_error(redis_url, tmp_path):
    with pytest.raises(ConfigError, match=r"none\.json cannot be read: No such file"):
        await manager_of(str(tmp_path / "none.json"), redis_url).serve()


async def test_a_provider_that_hangs_does_not_keep_the_stop(redis_url, caplog):
    hangs = asyncio.Event()

    async def provider():
        if manager.entries:
            hangs.set()
            await asyncio.Event().wait()
        return [config("@daily")]

    manager = manager_of(provider, redis_url, sync_interval=1)
    async with asyncio.timeout(30), manager.running():
        await hangs.wait()

    assert manager.status == "closed"
    assert "has not stopped in time" not in caplog.text


async def test_a_stop_ends_a_start_that_waits_for_the_provider(redis_url, redis_client, caplog):
    asked = asyncio.Event()

    async def provider():
        asked.set()
        await asyncio.Event().wait()

    manager = manager_of(provider, redis_url)
    serving = asyncio.create_task(manager.serve())
    await asked.wait()
    manager.shutdown()
    async with asyncio.timeout(30):
        await serving

    assert manager.status == "closed"
    assert "was stopped before it had started" in caplog.text
    assert redis_client.keys() == []
