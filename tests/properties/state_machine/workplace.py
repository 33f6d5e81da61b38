"""Workers made of the real components of a server, moved by hand, on a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import redis

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import dequeue, maintain
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.client import Client
from pyasynq.clock import NANOSECONDS, FakeClock
from pyasynq.connection.connector import Connector
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.wire.message import decode
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.lease import lease_expires_at_s
from pyasynq.worker.attempt.outcome import Outcome
from pyasynq.worker.attempt.running_task import Held, RunningTask, deadline_ns
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.finish.finisher import Finisher
from pyasynq.worker.maintenance.forwarder import Forwarder
from pyasynq.worker.maintenance.janitor import Janitor
from pyasynq.worker.maintenance.recoverer import Recoverer
from pyasynq.worker.resources import ServerResources
from tests.properties.state_machine.endings import is_failure, retry_delay
from tests.properties.state_machine.model import DAY_S, LEASE_S
from tests.support.builders import make_resources

QUEUES = ("mail", "logs")
MOST_ARCHIVED = 3
OLDEST_ARCHIVED_S = 2 * DAY_S
CONFIG = ServerConfig(
    queues=dict.fromkeys(QUEUES, 1),
    retry_delay=retry_delay,
    is_failure=is_failure,
    lease_duration=LEASE_S,
    janitor_batch_size=2,
    archive_max_size=MOST_ARCHIVED,
    archive_max_age=OLDEST_ARCHIVED_S,
)


class Workplace:
    """One Redis, emptied, with a client and whatever workers are asked for."""

    def __init__(self, url: str, raw: redis.Redis, clock: FakeClock) -> None:
        self.clock, self.raw = clock, raw
        self.keys: list[QueueKeys] = [queue_keys(queue) for queue in QUEUES]
        raw.flushdb()
        self.client = Client(url, clock=clock)
        self._loop = asyncio.Runner()
        self._runner = AsyncRunner(Connector.of(url).open_async(), clock=clock, random=Random(1))
        self._janitor = Janitor(self.resources())
        self._owners = 0

    def close(self) -> None:
        self.client.close()
        self._loop.run(self._runner.close())
        self._loop.close()

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns()

    @property
    def now_s(self) -> int:
        return self.clock.now_ns() // NANOSECONDS

    def run(self, operation: Operation[Any]) -> Any:
        return self.wait(self._runner.run(operation, patience_s=0))

    def wait(self, work: Awaitable[Any]) -> Any:
        async def waited() -> Any:
            return await work

        return self._loop.run(waited())

    def resources(self, **fields: Any) -> ServerResources:
        return make_resources(
            self._runner, config=CONFIG, clock=self.clock, random=Random(1), **fields
        )

    def new_owner(self) -> str:
        self._owners += 1
        return f"owner {self._owners}"

    def worker(self) -> "Worker":
        return self.wait(_made(lambda: Worker(self)))

    def forward(self) -> int:
        return self.wait(self._forward())

    async def _forward(self) -> int:
        return await Forwarder(self.resources()).forward()

    def clean(self) -> tuple[int, int]:
        return self.wait(self._janitor.clean())


class Worker:
    """A server without its loops: it holds what it dequeues until the outcome is written."""

    def __init__(self, workplace: Workplace) -> None:
        self.held: Held = {}
        self._workplace = workplace
        resources = workplace.resources(held=self.held)
        self._finisher = Finisher(resources, on_retry=lambda _due_ns: None)
        self._recoverer = Recoverer(resources, task_log=resources.task_log())

    def dequeue(self, keys: QueueKeys, count: int, owner: str) -> list[str]:
        """Take tasks as a processor does, late ones included; return their ids."""
        workplace = self._workplace
        until_s = lease_expires_at_s(workplace.clock, LEASE_S)
        fetched = workplace.run(
            dequeue.dequeue_many(keys, count=count, owner=owner, lease_expires_at_s=until_s)
        )
        for leased in fetched.tasks:
            message = decode(leased.data)
            running = RunningTask(
                message=message,
                keys=keys,
                key=(keys.queue, leased.task_id),
                fence=Fence(owner=owner),
                leased=leased,
                started_ns=workplace.now_ns,
                deadline_ns=deadline_ns(message, workplace.now_ns),
                ends_at=0.0,
                lease_until_s=until_s,
            )
            self.held.setdefault(running.key, running)
        return [leased.task_id for leased in fetched.tasks]

    def settle(self, settled: Sequence[tuple[RunningTask, Outcome]]) -> None:
        """Write outcomes, in as few batches as the finisher makes of them."""
        self._workplace.wait(self._settle(settled))

    def drop(self, tasks: Sequence[RunningTask]) -> None:
        self.settle([(running, outcome.FINISHED) for running in tasks])

    def extend_leases(self, keys: QueueKeys) -> list[str]:
        """Beat once for one queue; return the ids that are lost."""
        tasks = [running for (queue, _id), running in self.held.items() if queue == keys.queue]
        until_s = lease_expires_at_s(self._workplace.clock, LEASE_S)
        named = [(running.task_id, running.owner) for running in tasks]
        lost = (
            self._workplace.run(maintain.extend_lease(keys, named, until_s=until_s))
            if named
            else []
        )
        for running in tasks:
            if running.task_id not in lost:
                running.lease_until_s = until_s
        return lost

    def recover(self) -> dict[str, int]:
        return dict(self._workplace.wait(self._recoverer.recover()))

    async def _settle(self, settled: Sequence[tuple[RunningTask, Outcome]]) -> None:
        for running, decided in settled:
            self._finisher.settle(running, decided)
        await asyncio.gather(*self._finisher._flushes.values())


async def _made(make: Callable[[], Any]) -> Any:
    """Make what must be made inside a loop."""
    return make()
