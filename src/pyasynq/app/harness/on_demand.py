"""The server of an App in a test: it has no life of its own, and does each step when it is told.

Its components are those of a worker. The forwarder, the aggregator and the recoverer make one pass
after the other, and after each the processor fetches one task at a time, the next one when the
outcome of the last one is written, until nothing is left to do. So the order is always the same.
"""

import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import msgspec

from pyasynq.answers import raise_first
from pyasynq.app.harness.enqueue_log import EnqueueLog
from pyasynq.app.harness.enqueued import EnqueuedTasks
from pyasynq.app.harness.expiry import Expiry
from pyasynq.app.harness.handled import DecodeResult, Recorder
from pyasynq.app.waiting import pause
from pyasynq.broker.operations import maintain
from pyasynq.broker.operations.groups import DueLimits
from pyasynq.broker.runners.runner import Runner
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, FakeClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life, running
from pyasynq.options import to_seconds
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.worker.assembly import Parts, assemble
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.fetch.processor import Processor
from pyasynq.worker.handlers.lifespan import Lifespan
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.threads import MakeThreads

if TYPE_CHECKING:
    import redis


LOOK_AGAIN_S = 0.001


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a test runs.

    Attributes:
        state: what `TaskContext.state` is; `msgspec.UNSET` if the lifespan says it.
        decode_result: makes values of results.
    """

    config: ServerConfig
    make_mux: Callable[[], ServeMux]
    lifespan: Lifespan | None
    state: Any
    decode_result: DecodeResult


class HarnessRedis(msgspec.Struct, frozen=True, kw_only=True):
    """The Redis of a test, and the clock that it goes by."""

    url: str
    clock: FakeClock
    namespace: str
    client: "redis.Redis"
    runner: Runner
    expiry: Expiry
    tasks: EnqueuedTasks
    log: EnqueueLog


class OnDemandServer:
    """Runs what is due; get it from `opened`.

    Args:
        limit: how many attempts to make at most, and how often to look ahead.
    """

    def __init__(
        self,
        tested: Tested,
        redis: HarnessRedis,
        recorder: Recorder,
        parts: Parts,
        *,
        resources: ServerResources,
        limit: int,
    ) -> None:
        self._redis = redis
        self._recorder = recorder
        self._parts = parts
        self._runner = resources.runner
        self._changed = resources.changed
        self._limit = limit
        self._grace_s = to_seconds(tested.config.cancel_grace)
        self._queues = [queue_keys(queue, redis.namespace) for queue in tested.config.queues]
        self._empty_moves = 0

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, tested: Tested, redis: HarnessRedis, make_threads: MakeThreads, limit: int
    ) -> AsyncIterator[Self]:
        """Open the lifespan of the App and start what runs its tasks; yield the server."""
        async with contextlib.AsyncExitStack() as stack:
            connector = Connector.of(redis.url)
            stack.callback(connector.close)
            runner = AsyncRunner(connector.open_async(), clock=redis.clock)
            stack.push_async_callback(runner.close)
            state = tested.config.base_state if tested.state is msgspec.UNSET else tested.state
            if tested.lifespan is not None and tested.state is msgspec.UNSET:
                state = await stack.enter_async_context(tested.lifespan())
            resources = ServerResources(
                config=tested.config,
                clock=redis.clock,
                connector=connector,
                runner=runner,
                server_id="testing",
                is_only_slot=True,
                make_threads=make_threads,
            )
            recorder, mux = _recording(tested, redis.log)
            parts = assemble(mux, resources, state=state, status=lambda: "active")
            if parts.aggregator is not None:
                parts.aggregator.on_failure = recorder.on_aggregator_failure
            stack.push_async_callback(parts.executor.close)
            server = cls(tested, redis, recorder, parts, resources=resources, limit=limit)
            await server._recover()
            notifiers = [] if parts.notifier is None else [parts.notifier]
            await stack.enter_async_context(
                running([*notifiers, parts.finisher, _OnDemand(parts.processor)])
            )
            yield server

    @property
    def recorder(self) -> Recorder:
        """What was handled so far."""
        return self._recorder

    async def run_due(self) -> None:
        """Run what is due, and what that brings about, until nothing is left.

        Raises:
            PyasynqError: the limit was reached.
        """
        while await self._pass():
            pass
        self._redis.expiry.hold()

    async def move_on(self) -> bool:
        """Move the clock to when something is due next; return whether there is anything.

        Raises:
            PyasynqError: the clock has often moved, and nothing ran, as if it never will.
        """
        due_ns = await self._next_due_ns()
        if due_ns is None:
            return False
        self._empty_moves += 1
        if self._empty_moves > self._limit:
            raise PyasynqError(
                f"the clock has moved {self._limit} times, and no task has run; "
                "is there an aggregator that always fails?"
            ) from next(reversed(self._recorder.of_aggregators), None)
        # Leases, groups and Go's schedules count whole seconds: one that is due now may still wait.
        ahead_ns = due_ns - self._redis.clock.now_ns()
        ahead_us = -(-ahead_ns // 1000) if ahead_ns > 0 else 1_000_000
        self._redis.clock.advance(timedelta(microseconds=ahead_us))
        await self._recover()
        return True

    async def _recover(self) -> None:
        """Recover tasks whose leases are over."""
        await self._parts.recoverer.recover()

    async def _pass(self) -> bool:
        """Run the tasks that are due; return whether there were any."""
        handled = self._recorder.handled
        before, parts = len(handled), self._parts
        self._redis.expiry.hold()
        self._redis.log.look()
        moved = await parts.forwarder.forward()
        made = 0 if parts.aggregator is None else await parts.aggregator.aggregate()
        if self._recorder.interrupt is not None:
            raise self._recorder.interrupt
        while await parts.processor.fetch_once():
            await self._until_done()
            if self._recorder.interrupt is not None:
                raise self._recorder.interrupt
            if len(handled) > self._limit:
                raise PyasynqError(f"after {self._limit} attempts there are still tasks to run")
        if len(handled) > before:
            self._empty_moves = 0
        return moved + made + len(handled) - before > 0

    async def _until_done(self) -> None:
        """Wait for the handler, for its outcome in Redis, and for the listeners."""
        while self._parts.held or self._parts.executor.running:
            self._changed.clear()
            await self._changed.wait()
        notifier, end = self._parts.notifier, time.monotonic() + self._grace_s
        # In a plain test a listener has the thread of the handlers, one of which would be next.
        while notifier is not None and not notifier.is_quiet and time.monotonic() < end:
            await pause(LOOK_AGAIN_S)

    async def _next_due_ns(self) -> int | None:
        """Return when the next task or group is due; None if none waits."""
        now_ns = self._redis.clock.now_ns()
        operations = [maintain.forward(keys, now_ns=now_ns) for keys in self._queues]
        answers = await self._runner.run_all(operations)
        raise_first(answers)
        due = [each.next_due_ns for each in answers if each.next_due_ns is not None]
        if self._parts.aggregator is not None:
            limits_of = self._parts.aggregator.limits_of
            for keys in self._queues:
                due += [each * NANOSECONDS for each in self._groups_due_s(keys, limits_of)]
        return min(due, default=None)

    def _groups_due_s(
        self, keys: QueueKeys, limits_of: Callable[[str], DueLimits | None]
    ) -> Iterator[int]:
        """Yield when the groups of a queue are due, and when those that failed go back."""
        client: Any = self._redis.client
        for _set, deadline_s in client.zrange(keys.aggregation_sets, 0, 0, withscores=True):
            yield int(deadline_s)
        for name in client.smembers(keys.groups):
            group = name.decode()
            limits, key = limits_of(group), keys.group(group)
            if limits is None:
                continue
            for _id, added_s in client.zrange(key, -1, -1, withscores=True):
                yield int(added_s) + limits["grace_s"]
            if limits["max_delay_s"]:
                for _id, added_s in client.zrange(key, 0, 0, withscores=True):
                    yield int(added_s) + limits["max_delay_s"]


class _OnDemand:
    """A processor that fetches when it is told, as a component that ends what it has started."""

    name = "processor"

    def __init__(self, processor: Processor) -> None:
        self._processor = processor

    async def run(self, life: Life) -> None:
        """Let handlers end, or end them, at the stop."""
        life.stops_within_s = math.inf
        life.started()
        await life.stopping.wait()
        await self._processor.end(life.budget)


def _recording(tested: Tested, log: EnqueueLog) -> tuple[Recorder, ServeMux]:
    """Return a recorder, and the mux of the App around whose handlers it is."""
    mux = tested.make_mux()

    def is_failure(task_type: str, error: BaseException) -> bool:
        route = mux.route(task_type)
        own = None if route is None else route.settings.is_failure
        return bool((own or tested.config.is_failure)(error))

    recorder = Recorder(tested.decode_result, is_failure, log)
    mux.middlewares.insert(0, recorder.record)
    return recorder, mux
