"""What each operation costs, counted exactly: a change of these figures is a decision.

Bytes are those of tasks with IDs of 36 characters and a payload of 41; calls are those that scripts
make inside Redis, the command itself included.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pytest
import redis

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import dequeue, finish, maintain
from pyasynq.broker.operations.enqueue import add_to_group, enqueue, schedule
from pyasynq.broker.operations.finish import Fence, ToComplete, ToDelete, ToRetry
from pyasynq.broker.operations.redis_info import PING
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock, to_datetime
from pyasynq.connection.connector import Connector
from pyasynq.task import Task
from tests.support.builders import NOW_NS, make_keys, make_prepared
from tests.support.counting_proxy import Count, CountingProxy

KEYS = make_keys()
NOW_S = NOW_NS // NANOSECONDS
OWNER = "00112233445566778899aabbccddeeff"
TASK = Task("email", b'{"user_id":12345,"template":"welcome-us"}')
LATER = to_datetime(NOW_NS + 60 * NANOSECONDS)


@dataclass(frozen=True)
class Cost:
    """What one operation costs, as it passes the wire and inside Redis."""

    commands: int
    round_trips: int
    sent: int
    received: int
    calls: int


class Bill:
    """Runs operations and measures what the last one costs."""

    def __init__(self, proxy: CountingProxy, client: redis.Redis) -> None:
        self._proxy = proxy
        self._client = client
        self._runner = Runner(Connector.of(proxy.url).open_sync(), clock=SystemClock())

    def of(self, operation: Operation[object]) -> Cost:
        """Run *operation* and return what it cost."""
        self.pay(operation)
        return self._last

    def pay(self, operation: Operation[object]) -> None:
        self._client.config_resetstat()
        self._proxy.count = Count()
        self._runner.run(operation, patience_s=0)
        stats = self._client.info("commandstats")
        calls = sum(
            int(line["calls"])
            for name, line in stats.items()
            if not name.startswith(("cmdstat_config", "cmdstat_info"))
        )
        self._last = Cost(**asdict(self._proxy.count), calls=calls)

    def close(self) -> None:
        self._runner.close()


@pytest.fixture
def bill(redis_server, redis_client) -> Iterator[Bill]:
    with CountingProxy(redis_server.port) as proxy:
        bill = Bill(proxy, redis_client)
        bill.pay(PING)
        yield bill
        bill.close()


def tasks(count: int, **options: object) -> list[PreparedTask]:
    return [make_prepared(f"{i:036}", task=TASK, **options) for i in range(count)]


def fetch(count: int) -> Operation[dequeue.Fetched]:
    return dequeue.dequeue_many(KEYS, count=count, owner=OWNER, lease_expires_at_s=NOW_S + 30)


def ids(count: int) -> list[str]:
    return [f"{i:036}" for i in range(count)]


def done(count: int) -> Operation[list[bool]]:
    items = [ToDelete(task_id=each, fence=Fence(owner=OWNER), unique_key="") for each in ids(count)]
    return finish.done_many(KEYS, items, now_ns=NOW_NS)


def extend(count: int) -> Operation[list[str]]:
    return maintain.extend_lease(KEYS, [(each, OWNER) for each in ids(count)], until_s=NOW_S + 60)


def retry(count: int) -> Operation[list[bool]]:
    items = [
        ToRetry(
            task_id=each.message.id,
            fence=Fence(owner=OWNER),
            data=each.encoded,
            retry_at_ns=NOW_NS,
            is_failure=True,
        )
        for each in tasks(count)
    ]
    return finish.retry_many(KEYS, items, now_ns=NOW_NS)


def complete(count: int) -> Operation[list[bool]]:
    items = [
        ToComplete(
            task_id=each.message.id,
            fence=Fence(owner=OWNER),
            data=each.encoded,
            expires_at_s=NOW_S + 60,
            result=b"42",
        )
        for each in tasks(count)
    ]
    return finish.complete_many(KEYS, items, now_ns=NOW_NS)


def forward(count: int) -> Operation[maintain.Forwarded]:
    return maintain.forward(KEYS, now_ns=NOW_NS + 3600 * NANOSECONDS, limit=count)


def pending(count: int) -> Operation[object]:
    return enqueue(tasks(count), now_ns=NOW_NS)


def locked(count: int) -> Operation[object]:
    items = [
        make_prepared(f"{i:036}", task=TASK, unique=60, unique_key=str(i)) for i in range(count)
    ]
    return enqueue(items, now_ns=NOW_NS)


def scheduled(count: int) -> Operation[object]:
    return schedule(tasks(count, process_at=LATER))


def grouped(count: int) -> Operation[object]:
    return add_to_group(tasks(count, group="invoices"), now_ns=NOW_NS)


# What comes before each operation, the operation, and what 1 and 100 tasks cost.
STORIES = {
    "enqueue": ((), pending),
    "enqueue with a lock": ((), locked),
    "schedule": ((), scheduled),
    "add to group": ((), grouped),
    "dequeue": ((pending,), fetch),
    "dequeue nothing": ((), fetch),
    "extend": ((pending, fetch), extend),
    "done": ((pending, fetch), done),
    "complete": ((pending, fetch), complete),
    "retry": ((pending, fetch), retry),
    "forward": ((scheduled,), forward),
}
# Bytes sent, bytes received, and calls inside Redis, for 1 and for 100 tasks.
COSTS = {
    ("enqueue", 1): (302, 4, 4),
    ("enqueue", 100): (15_055, 4, 203),
    ("enqueue with a lock", 1): (449, 4, 8),
    ("enqueue with a lock", 100): (29_655, 4, 503),
    ("schedule", 1): (445, 4, 7),
    ("schedule", 100): (22_523, 4, 403),
    ("add to group", 1): (358, 4, 7),
    ("add to group", 100): (20_060, 4, 502),
    ("dequeue", 1): (317, 192, 11),
    ("dequeue", 100): (319, 18_014, 407),
    ("dequeue nothing", 1): (317, 12, 5),
    ("dequeue nothing", 100): (319, 12, 5),
    ("extend", 1): (217, 4, 5),
    ("extend", 100): (8337, 4, 302),
    ("done", 1): (326, 4, 10),
    ("done", 100): (4586, 4, 109),
    ("complete", 1): (486, 4, 13),
    ("complete", 100): (22_861, 4, 310),
    ("retry", 1): (564, 4, 16),
    ("retry", 100): (24_820, 4, 313),
    ("forward", 1): (273, 14, 17),
    ("forward", 100): (275, 16, 512),
}


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("story", STORIES)
def test_an_operation_costs_what_it_has_always_cost(bill, redis_client, story, count):
    before, operation = STORIES[story]
    redis_client.script_load(operation(count).call.source)
    for step in before:
        bill.pay(step(count))
    sent, received, calls = COSTS[story, count]

    cost = bill.of(operation(count))

    assert cost == Cost(1, 1, sent, received, calls)
