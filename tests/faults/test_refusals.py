"""Redis answers, and refuses: no memory, no disk, other credentials, a replica, a busy script.

Nothing is half-written, outcomes wait, nothing retries in a tight loop, and all resumes by itself.
"""

import asyncio
import threading
import time

import pytest

from pyasynq.broker.operation import Script
from pyasynq.client import Client
from pyasynq.errors import IncompatibleRedisError, PyasynqError
from pyasynq.task import Task
from tests.faults.figures import show
from tests.faults.shift import repeated_lines, shift
from tests.faults.test_lost_answers import CASES, open_runner, prepare_redis, without_countdown
from tests.support.eventually import eventually_async
from tests.support.golden_state import dump

pytestmark = pytest.mark.timeout(90)


@pytest.mark.parametrize("name", sorted({*CASES} - {"try_command"}))  # whose answer tells of it
def test_a_script_that_meets_a_full_redis_does_all_or_nothing(
    name, redis_server, redis_url, redis_client
):
    runner = open_runner(redis_server.tcp_url)
    prepare_redis(redis_client)
    before = without_countdown(dump(redis_client))
    runner.run(CASES[name]())
    after = without_countdown(dump(redis_client))
    redis_client.flushall()
    prepare_redis(redis_client)
    operation = CASES[name]()
    assert isinstance(operation.call, Script)
    is_allowed = "-- Memory full: allowed" in operation.call.source

    redis_client.config_set("maxmemory", 1)
    try:
        runner.run(operation)
        is_refused = False
    except IncompatibleRedisError as error:
        is_refused = "out of memory" in str(error)
    redis_client.config_set("maxmemory", 0)
    runner.close()

    found = without_countdown(dump(redis_client))
    assert found == (before if is_refused else after)
    assert not (is_allowed and is_refused)


async def run_through(refuse, allow, work, *, commands, redis_client, while_refused=None):
    """Let tasks run, refuse while some do, allow again; return what was seen."""
    await work.enqueue(20)
    await work.until(1)
    await refuse()
    before, began = commands(), time.monotonic()
    if while_refused is not None:
        await while_refused()
    await asyncio.sleep(1.5)  # how long the refusal lasts
    asked, lasted = commands() - before, time.monotonic() - began
    await allow()
    began = time.monotonic()
    await work.enqueue(20)
    await work.until(40)
    # What was given up would be there until its lease is over, and run again.
    await eventually_async(lambda: not redis_client.keys("asynq:{default}:t:*"), within_s=60)
    return {
        "tasks": len(work.ids),
        "lost": work.lost,
        "duplicates": work.duplicates,
        "recovered_s": round(time.monotonic() - began, 2),
        "commands_per_s": round(asked / lasted),
    }


async def test_a_full_redis_drains_and_takes_tasks_again_when_there_is_memory(
    redis_server, redis_url, redis_client, caplog
):
    async with shift(redis_url, concurrency=2) as work:

        async def refuse() -> None:
            redis_client.config_set("maxmemory", 1)

        async def allow() -> None:
            redis_client.config_set("maxmemory", 0)

        async def drain() -> None:
            with Client(redis_url) as client:
                for options in ({}, {"unique": 60}, {"process_in": 60}, {"group": "g"}):
                    with pytest.raises(IncompatibleRedisError, match="out of memory"):
                        client.enqueue(Task("work"), **options)
            await work.until(20)
            await eventually_async(lambda: not redis_client.keys("asynq:{default}:t:*"))
            assert not redis_client.keys("asynq:{default}:unique:*")

        figures = await run_through(
            refuse,
            allow,
            work,
            commands=lambda: redis_client.info("stats")["total_commands_processed"],
            redis_client=redis_client,
            while_refused=drain,
        )

    show("OOM, maxmemory and noeviction", **figures)
    assert (work.lost, work.duplicates) == (0, 0)
    assert repeated_lines(caplog) == {}


async def test_outcomes_wait_while_the_disk_is_full(own_redis, caplog):
    """Redis answers MISCONF for every write, until it can save again."""
    client = own_redis.client()

    async def refuse() -> None:
        (own_redis.folder / "dump.rdb").mkdir()  # no file can take its place
        client.config_set("save", "1 1")
        client.bgsave()
        await eventually_async(
            lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err"
        )

    async def allow() -> None:
        client.config_set("save", "")

    async with shift(own_redis.url, concurrency=2) as work:
        figures = await run_through(
            refuse,
            allow,
            work,
            commands=lambda: client.info("stats")["total_error_replies"],
            redis_client=client,
        )
        assert client.info("errorstats")["errorstat_MISCONF"]["count"] > 0
    client.close()

    show("MISCONF, a full disk", **figures)
    assert (work.lost, work.duplicates) == (0, 0)
    assert figures["commands_per_s"] < 60
    assert repeated_lines(caplog) == {}


async def test_a_user_that_loses_its_password_waits_for_it(redis_server, redis_url, caplog):
    admin = redis_server.client()

    async def set_password(password: str) -> None:
        admin.execute_command("ACL", "SETUSER", "worker", "reset", "on", f">{password}", *RIGHTS)
        admin.execute_command("CLIENT", "KILL", "USER", "worker")

    def connections() -> int:
        return int(admin.info("stats")["total_connections_received"])

    admin.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">old", *RIGHTS)
    url = f"redis://worker:old@127.0.0.1:{redis_server.port}/0"
    try:
        async with shift(url, client_url=redis_url, concurrency=2) as work:
            figures = await run_through(
                lambda: set_password("other"),
                lambda: set_password("old"),
                work,
                commands=connections,
                redis_client=admin,
            )
    finally:
        admin.execute_command("ACL", "DELUSER", "worker")
        admin.close()

    show("credentials changed", **figures)
    assert (work.lost, work.duplicates) == (0, 0)
    assert figures["commands_per_s"] < 60
    assert "old" not in [word for line in caplog.messages for word in line.split()]


RIGHTS = ("~*", "&*", "+@all")


async def test_a_user_that_loses_its_rights_waits_for_them(
    redis_server, redis_url, redis_client, caplog
):
    async def change(right: str) -> None:
        redis_client.execute_command("ACL", "SETUSER", "worker", right)

    redis_client.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">pw", *RIGHTS)
    url = f"redis://worker:pw@127.0.0.1:{redis_server.port}/0"
    try:
        async with shift(url, client_url=redis_url, concurrency=2) as work:
            figures = await run_through(
                lambda: change("-@all"),
                lambda: change("+@all"),
                work,
                commands=lambda: redis_client.info("stats")["total_error_replies"],
                redis_client=redis_client,
            )
    finally:
        redis_client.execute_command("ACL", "DELUSER", "worker")

    show("rights taken away", **figures)
    assert (work.lost, work.duplicates) == (0, 0)
    assert figures["commands_per_s"] < 60
    assert repeated_lines(caplog) == {}


async def test_a_master_that_becomes_a_replica_is_asked_until_it_is_master_again(own_redis, caplog):
    client = own_redis.client()

    async def refuse() -> None:
        client.replicaof("127.0.0.1", 1)  # of nobody

    async def allow() -> None:
        client.replicaof("NO", "ONE")

    async with shift(own_redis.url, concurrency=2) as work:
        figures = await run_through(
            refuse,
            allow,
            work,
            commands=lambda: client.info("stats")["total_error_replies"],
            redis_client=client,
        )
        assert client.info("errorstats")["errorstat_READONLY"]["count"] > 0
    client.close()

    show("READONLY, a replica", **figures)
    assert (work.lost, work.duplicates) == (0, 0)
    assert figures["commands_per_s"] < 60
    assert repeated_lines(caplog) == {}


async def test_a_script_that_keeps_redis_busy_is_waited_for(own_redis, caplog):
    client, other = own_redis.client(), own_redis.client()
    client.config_set("busy-reply-threshold", 10)
    errors = []

    def keep_busy() -> None:
        try:
            other.eval("while true do end", 0)
        except Exception as error:
            errors.append(error)

    async def refuse() -> None:
        threading.Thread(target=keep_busy, daemon=True).start()
        await eventually_async(is_busy)

    def is_busy() -> bool:
        try:
            client.ping()
        except Exception as error:
            return "BUSY" in str(error)
        return False

    async def allow() -> None:
        client.script_kill()
        await eventually_async(lambda: errors)

    async with shift(own_redis.url, concurrency=2) as work:
        figures = await run_through(refuse, allow, work, commands=lambda: 0, redis_client=client)
    client.close()
    other.close()

    show("BUSY, a script that does not end", **figures)
    assert (work.lost, work.duplicates) == (0, 0)
    assert repeated_lines(caplog) == {}
    assert not [line for line in caplog.messages if "Traceback" in line]


async def test_a_server_with_a_wrong_password_ends_at_once(redis_server, redis_url):
    with pytest.raises(PyasynqError, match="refuses the user or the password") as caught:
        async with shift(
            f"redis://nobody:pssst@127.0.0.1:{redis_server.port}/0", client_url=redis_url
        ):
            pass

    assert "pssst" not in str(caught.value)
