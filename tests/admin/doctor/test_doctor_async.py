"""What is wrong with the data of tasks, and how it is healed; the blocking twin is generated."""

from datetime import UTC, datetime

import pytest

from pyasynq.admin.doctor.doctor_async import AsyncDoctor
from pyasynq.clock import FakeClock
from pyasynq.errors import ConfigError, RedisUnavailableError
from pyasynq.wire.handled import Handled, HandledGroups, encode
from pyasynq.wire.records import ServerRecord, encode_server
from tests.support.builders import NOWHERE, make_active, make_keys
from tests.support.golden_state import dump
from tests.support.stored_tasks import store

NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
NOW_S = 2_000_000_000
HOUR_S = 3600
KEYS = make_keys()
LOCK = "asynq:{mail}:unique:email:0f"
SERVER = "asynq:servers:{h:1:a}"
SCHEDULER = "asynq:schedulers:{h:2:b}"


@pytest.fixture
async def doctor(redis_url):
    async with AsyncDoctor(redis_url, clock=FakeClock(NOW)) as doctor:
        yield doctor


def serve(client, *, queues=("mail",), groups=()):
    """Write what a live server writes of itself."""
    record = ServerRecord(host="h", pid=1, server_id="a", queues=dict.fromkeys(queues, 1))
    handled = Handled(types=("email",), groups=groups)
    client.zadd("asynq:servers", {SERVER: NOW_S + 10})
    client.set(SERVER, encode_server(record))
    client.set("asynq:x:handled:{h:1:a}", encode(handled))


def ghost(client):
    client.sadd("asynq:queues", "mail")
    client.lpush(KEYS.active, "gone")
    client.zadd(KEYS.lease, {"gone": NOW_S - 60})


def unleased(client):
    client.sadd("asynq:queues", "mail")
    make_active(client, "a")
    client.zrem(KEYS.lease, "a")


def lease_alone(client):
    client.sadd("asynq:queues", "mail")
    client.zadd(KEYS.lease, {"a": NOW_S - 60})


def emptied(client, state, task_id):
    store(client, state, task_id)
    client.delete(KEYS.task(task_id))


def unreadable(client, state):
    store(client, state, "bad")
    client.hset(KEYS.task("bad"), "msg", b"\xff\xff")


def astray(client):
    store(client, "retry", "lost")
    client.zrem(KEYS.retry, "lost")


def lock_alone(client):
    client.sadd("asynq:queues", "mail")
    client.set(LOCK, "gone")


def paused(client):
    client.sadd("asynq:queues", "mail")
    client.set(KEYS.paused, NOW_S - 2 * HOUR_S)


def late(client):
    store(client, "pending", "a")
    client.hset(KEYS.task("a"), "pending_since", (NOW_S - 2 * HOUR_S) * 10**9)


def full_archive(client):
    client.sadd("asynq:queues", "mail")
    client.zadd(KEYS.archived, {f"x{number}": NOW_S for number in range(9_500)})


def lone_group(client):
    serve(client, groups=(HandledGroups(pattern="other*", grace_s=60),))
    store(client, "aggregating", "a", group="news", score=NOW_S)


def odd_key(client):
    client.sadd("asynq:queues", "mail")
    client.set(KEYS.retry, "no sorted set")


def killed_server(client):
    client.zadd("asynq:servers", {SERVER: NOW_S - 60})


def killed_scheduler(client):
    client.zadd("asynq:schedulers", {SCHEDULER: NOW_S - 60})


DATA = {
    # A situation, the finding, its severity, and whether it can be healed.
    "ghost": (ghost, "active_without_task", "error", True),
    "unleased": (unleased, "active_without_lease", "warning", True),
    "lease": (lease_alone, "lease_without_active", "warning", True),
    "pending": (lambda c: emptied(c, "pending", "x"), "listed_without_task", "warning", True),
    "archived": (lambda c: emptied(c, "archived", "x"), "listed_without_task", "warning", True),
    "unreadable": (lambda c: unreadable(c, "scheduled"), "undecodable_message", "error", True),
    "kept": (lambda c: unreadable(c, "archived"), "undecodable_message", "warning", False),
    "astray": (astray, "task_not_listed", "error", True),
    "lock": (lock_alone, "lock_without_task", "warning", True),
    "paused": (paused, "paused_long", "warning", False),
    "late": (late, "pending_long", "warning", False),
    "archive": (full_archive, "archive_nearly_full", "warning", False),
    "group": (lone_group, "nobody_aggregates", "error", False),
    "type": (odd_key, "key_of_wrong_type", "error", False),
    "unreadable key": (odd_key, "not_readable", "warning", False),
    "unserved": (lambda c: store(c, "pending", "a"), "queue_unserved", "error", False),
    "empty": (lambda c: c.sadd("asynq:queues", "old"), "empty_queue_unserved", "info", False),
    "no name": (lambda c: c.sadd("asynq:queues", ""), "queue_without_hash_tag", "error", True),
    "brace": (lambda c: c.sadd("asynq:queues", "}x"), "queue_without_hash_tag", "error", True),
    "unlisted": (lambda c: c.set("asynq:{new}:failed", 1), "queue_not_listed", "error", True),
    "server": (killed_server, "server_gone", "warning", True),
    "scheduler": (killed_scheduler, "scheduler_gone", "error", True),
    "no scheduler": (
        lambda c: c.zadd("asynq:scheduler_history:e", {"x": 1}),
        "scheduler_absent",
        "warning",
        False,
    ),
}


def found(examination, code):
    return [each for each in examination.findings if each.code == code]


@pytest.mark.parametrize("name", DATA)
async def test_what_is_wrong_is_found_and_healed_for_good(name, doctor, redis_client):
    situation, code, severity, is_healed = DATA[name]
    situation(redis_client)

    before = await doctor.examine(scan=1000)
    (finding,) = found(before, code)
    repair = before.repair_of(finding)

    assert finding.severity == severity
    assert (repair is not None) == is_healed
    if repair is not None:
        assert await doctor.repair(repair) == len(repair.steps)
        assert await doctor.repair(repair) in (0, len(repair.steps))
        after = found(await doctor.examine(scan=1000), code)
        assert not [each for each in after if each.severity == severity]


@pytest.mark.parametrize("key", ["attempts", "attempts:a", "types:email", "waiters"])
async def test_what_is_kept_beside_the_tasks_makes_no_queue(key, doctor, redis_client):
    redis_client.zadd(f"asynq:{{gone}}:x:{key}", {"a": 1})

    assert found(await doctor.examine(scan=1000), "queue_not_listed") == []


@pytest.mark.parametrize("name", DATA)
async def test_looking_changes_nothing(name, doctor, redis_client):
    DATA[name][0](redis_client)
    before = dump(redis_client)

    await doctor.examine(scan=1000)

    assert dump(redis_client) == before


async def test_a_redis_in_order_has_no_findings_but_what_it_is(doctor, redis_client):
    serve(redis_client)
    store(redis_client, "pending", "a")

    examination = await doctor.examine(scan=1000)

    assert examination.is_healthy
    assert not examination.repairs
    assert [each.code for each in examination.findings] == [
        "persistence_off",
        "instance",
        "looked_at",
    ]
    assert examination.findings[-1].evidence["sampled"] == 1


async def test_what_lives_is_not_healed(doctor, redis_client):
    ghost(redis_client)
    lock_alone(redis_client)
    astray(redis_client)
    emptied(redis_client, "pending", "x")
    examination = await doctor.examine(scan=1000)
    store(redis_client, "pending", "x")
    store(redis_client, "pending", "gone")
    redis_client.zadd(KEYS.lease, {"gone": NOW_S + 30})
    redis_client.zadd(KEYS.retry, {"lost": NOW_S})
    before = dump(redis_client)

    healed = [await doctor.repair(each) for each in examination.repairs]

    assert len(healed) == 4
    assert healed == [0, 0, 0, 0]
    assert dump(redis_client) == before


async def test_an_active_task_that_is_gone_is_left_to_its_living_worker(doctor, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    redis_client.lpush(KEYS.active, "gone")
    redis_client.zadd(KEYS.lease, {"gone": NOW_S + 30})

    assert not found(await doctor.examine(), "active_without_task")


async def test_a_queue_without_a_name_keeps_it_as_long_as_it_has_tasks(doctor, redis_client):
    redis_client.sadd("asynq:queues", "")
    redis_client.lpush("asynq:{}:pending", "a")

    examination = await doctor.examine()
    (finding,) = found(examination, "queue_without_hash_tag")

    assert finding.evidence["keys"] == ["asynq:{}:pending"]
    assert examination.repair_of(finding) is None


async def test_a_scan_sees_queues_without_a_name_that_nothing_lists(doctor, redis_client):
    redis_client.lpush("asynq:{}:active", "a")

    (finding,) = found(await doctor.examine(scan=1000), "queue_without_hash_tag")

    assert finding.evidence["is_listed"] is False


async def test_a_scan_that_ends_early_says_so(doctor, redis_client):
    redis_client.mset({f"other:{number}": 1 for number in range(300)})

    examination = await doctor.examine(scan=10)

    assert examination.findings[-1].evidence["is_scan_complete"] is False


async def test_tasks_that_are_listed_are_not_taken_for_lost_ones(doctor, redis_client):
    for state in ("pending", "scheduled", "retry", "archived", "completed"):
        store(redis_client, state, state)
    store(redis_client, "active", "active", score=NOW_S + 30)
    store(redis_client, "aggregating", "waits", group="g")
    redis_client.hset(KEYS.task("waits"), "group", "g")
    store(redis_client, "aggregating", "somewhere", group="g")
    redis_client.set(LOCK, "pending", ex=600)

    examination = await doctor.examine(scan=1000)

    assert not found(examination, "task_not_listed")
    assert not found(examination, "lock_without_task")


async def test_a_task_of_a_list_that_is_too_long_to_read_is_not_called_lost(doctor, redis_client):
    redis_client.lpush(KEYS.pending, "a", *(f"p{number}" for number in range(10_000)))
    store(redis_client, "pending", "b")
    redis_client.lrem(KEYS.pending, 0, "b")

    assert not found(await doctor.examine(scan=100_000), "task_not_listed")


async def test_names_of_other_programs_do_no_harm(doctor, redis_client):
    redis_client.sadd("asynq:queues", b"\xff\xfe", "a\nb", "x" * 10_000, "a}b", "{", " ")
    redis_client.zadd("asynq:servers", {"nonsense": "inf", SERVER: NOW_S + 9})
    redis_client.set("asynq:{mail}:t:", "x")
    redis_client.set("asynq:{", "x")

    assert (await doctor.examine(scan=1000)).findings


async def test_wrong_arguments_are_refused(doctor):
    with pytest.raises(ConfigError, match="role must be one of 'producer', 'worker'"):
        await doctor.examine(role="chef")
    with pytest.raises(ConfigError, match="scan must be a number of keys, 0 or more, not -1"):
        await doctor.examine(scan=-1)


@pytest.mark.usefixtures("impatient")
async def test_a_redis_that_is_away_is_an_error():
    async with AsyncDoctor(NOWHERE) as doctor:
        with pytest.raises(RedisUnavailableError):
            await doctor.examine()
