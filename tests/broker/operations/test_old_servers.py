"""Scripts work on servers that lack commands of newer ones; here these are taken away."""

import pytest

from pyasynq.broker.operation import Script
from pyasynq.broker.operations import dequeue, maintain, redis_info
from pyasynq.broker.operations.maintain import Healed
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import IncompatibleRedisError, PyasynqError
from tests.support.builders import NOW_NS, make_data, make_keys
from tests.support.redis_server import RedisServer

KEYS = make_keys()
# Stands before a script, which then has a Redis whose RPOP takes no count, as before 6.2.
RPOP_OF_ONE = """
local real = redis
local redis = setmetatable({pcall = function(command, ...)
  if command == "RPOP" and select("#", ...) > 1 then
    return {err = "ERR wrong number of arguments for 'rpop' command"}
  end
  return real.pcall(command, ...)
end}, {__index = real})
"""


def on_an_old_server(operation):
    call = operation.call
    changed = Script.of(call.name, RPOP_OF_ONE + call.source)
    return type(operation)(
        changed, operation.keys, operation.args, operation.decode, operation.repeat
    )


def dequeue_many(count):
    expiry_s = NOW_NS // NANOSECONDS + 30
    return dequeue.dequeue_many(KEYS, count=count, owner="me", lease_expires_at_s=expiry_s)


def push(redis_client, *ids):
    for task_id in ids:
        redis_client.lpush(KEYS.pending, task_id)
        redis_client.hset(
            KEYS.task(task_id), mapping={"msg": make_data(id=task_id), "state": "pending"}
        )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_tasks_are_fetched_in_their_order_where_rpop_takes_one(runner, redis_client, count):
    push(redis_client, "a", "b", "c")

    fetched = runner.run(on_an_old_server(dequeue_many(count)))

    taken = ["a", "b", "c"][:count]
    assert [each.task_id for each in fetched.tasks] == taken
    left = [each.encode() for each in ["c", "b", "a"][: max(0, 3 - count)]]
    assert redis_client.lrange(KEYS.pending, 0, -1) == left


def test_an_empty_queue_has_no_tasks_where_rpop_takes_one(runner):
    assert not runner.run(on_an_old_server(dequeue_many(3))).tasks


def test_a_key_of_another_type_is_named_as_on_a_new_server(runner, redis_client):
    redis_client.set(KEYS.pending, "text")

    with pytest.raises(PyasynqError, match="wrong type"):
        runner.run(on_an_old_server(dequeue_many(3)))


@pytest.fixture(scope="module")
def without_lpos():
    server = RedisServer("--rename-command", "LPOS", "")
    yield server
    server.stop()


@pytest.fixture
def old_runner(without_lpos):
    with without_lpos.client() as client:
        client.flushall()
    runner = Runner(Connector.of(without_lpos.url).open_sync(), clock=SystemClock())
    yield runner
    runner.close()


@pytest.mark.parametrize(
    ("active", "healed"), [(["b", "a"], Healed.NOTHING_WRONG), (["b"], Healed.RESTORED)]
)
def test_a_lease_is_healed_where_there_is_no_lpos(old_runner, without_lpos, active, healed):
    with without_lpos.client() as client:
        client.rpush(KEYS.active, *active)
        client.hset(KEYS.task("a"), "state", "active")
        client.zadd(KEYS.lease, {"a": 1})

    assert old_runner.run(maintain.heal_lease(KEYS, "a", cutoff_s=2)) is healed


@pytest.mark.parametrize("version", ["4.0.14", "3.2.1"])
def test_a_server_that_is_too_old_is_refused(version):
    check = redis_info.server_checks("asynq")[0]

    with pytest.raises(IncompatibleRedisError, match=f"version {version}, which is too old"):
        check.decode([version.encode(), b"", b"id"])


@pytest.mark.parametrize("version", ["5.0.0", "6.2.14", "255.255.255", ""])
def test_any_other_server_is_taken(version):
    check = redis_info.server_checks("asynq")[0]

    assert check.decode([version.encode(), b"", b"id"]) == "id"
