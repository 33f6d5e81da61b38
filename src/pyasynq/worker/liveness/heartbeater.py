"""Shows that this server is alive, and extends the leases of the tasks it holds.

It works in a thread of its own with a blocking connection, so a handler that blocks the event
loop cannot cost a lease. What it finds reaches the loop through call_soon_threadsafe.
"""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable

import msgspec

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.decoding import MOST_TASKS
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import maintain, presence
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, redis_now_s
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.component import Life, in_thread
from pyasynq.lifecycle.health import Condition, HealthCheck
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.options import to_seconds
from pyasynq.shown import listed
from pyasynq.wire.handled import Handled, encode
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.records import ServerRecord, WorkerRecord
from pyasynq.worker.attempt.lease import lease_expires_at_s
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.redis_fault import redis_fault
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.heartbeater")

PRESENCE_BEATS = 2  # a server counts as gone after this many missed beats
DEREGISTER_S = 2.0  # at the stop, with the beat that is under way
LATE_S = 1.0  # a beat may take it
LONGEST_WAIT_S = 1.0  # between beats that do not reach Redis
LONGEST_PAYLOAD_BYTES = 1000  # of a running task, as shown by the web UI
PUBLISH_AGAIN_S = 60.0  # what the server handles, if it has not changed
PUBLISHED_FOR_S = 200
HIDDEN = "redis does not let tools see this server, which works; its log tells why"
LARGEST_OFFSET_NS = 5 * NANOSECONDS


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What distinguishes one server from all others.

    Attributes:
        server_id: random, new for each start.
        started_ns: when it started.
    """

    host: str
    pid: int
    server_id: str
    started_ns: int

    @classmethod
    def of_this_process(cls, server_id: str, started_ns: int) -> "Identity":
        """Return the identity of a server in this process."""
        # asynq v0.26 heartbeat.go: the host falls back to "unknown-host".
        host = socket.gethostname() or "unknown-host"
        return cls(host=host, pid=os.getpid(), server_id=server_id, started_ns=started_ns)


class Heartbeater:
    """The heartbeat, at `heartbeat_interval`.

    Args:
        status: "active" or "stopped", asked for at each beat.
        handled: what the server handles, asked for at each beat.
        on_lost: called on the loop with tasks whose lease somebody else has ended.
    """

    name = "heartbeater"

    def __init__(
        self,
        resources: ServerResources,
        identity: Identity,
        *,
        status: Callable[[], str],
        handled: Callable[[], Handled],
        on_lost: Callable[[list[RunningTask]], None],
    ) -> None:
        config = resources.config
        self._connector = resources.connector
        self._config = config
        self._clock = resources.clock
        self._identity = identity
        self._held = resources.held
        self._status = status
        self._handled = handled
        self._published = b""
        self._publish_at = 0.0  # monotonic
        self._on_lost = on_lost
        self._interval_s = to_seconds(config.heartbeat_interval)
        self._ttl_s = max(1, round(self._interval_s * PRESENCE_BEATS))
        self._lease_s = to_seconds(config.lease_duration)
        self._grace_ns = int((to_seconds(config.cancel_grace) + self._lease_s) * NANOSECONDS)
        self._outage = resources.outage
        self._redis = Condition("redis", resources.clock)
        self._beating = Condition("heartbeat", resources.clock)
        self._beat_at = self._clock.monotonic()  # the last that reached redis
        self._troubles = LoggedOnce(logger, "heartbeats wait: %s", outage=self._outage)
        self._hidden = LoggedOnce(logger, "tools cannot see this server, which works: %s")
        self._refusals = LoggedOnce(
            logger, "cannot extend leases of queue %s: %s", outage=self._outage
        )
        self._is_hidden = False
        self._is_clock_right = True

    async def run(self, life: Life) -> None:
        """Beat until the stop; then deregister the server."""
        life.stops_within_s = DEREGISTER_S
        loop = asyncio.get_running_loop()
        await in_thread(lambda stop: self._beat_until(stop, life, loop), life, name=self.name)

    @property
    def redis(self) -> HealthCheck:
        """Whether the last beat reached Redis; may be asked in any thread."""
        return self._redis.check

    @property
    def heartbeat(self) -> HealthCheck:
        """Whether others see the server as alive; may be asked in any thread."""
        age_s = self._clock.monotonic() - self._beat_at
        if age_s > self._ttl_s + LATE_S:
            self._beating.fails(f"its last heartbeat reached redis {age_s:.0f} s ago")
        return self._beating.check

    @property
    def age_s(self) -> float:
        """How long ago a heartbeat last reached Redis, or the server was made; in any thread."""
        return max(0.0, self._clock.monotonic() - self._beat_at)

    def _beat_until(
        self, stop: threading.Event, life: Life, loop: asyncio.AbstractEventLoop
    ) -> None:
        client = self._connector.open_sync(socket_timeout_s=max(0.5, self._interval_s * 0.9))
        runner = Runner(client, clock=self._clock)
        try:
            while True:
                lost = self._beat(runner)
                if lost:
                    loop.call_soon_threadsafe(self._on_lost, lost)
                loop.call_soon_threadsafe(life.started)
                if stop.wait(self._pause_s()):
                    break
            self._deregister(runner)
        finally:
            runner.close()

    def _pause_s(self) -> float:
        """Return how long to wait for the next beat; not long while leases run out."""
        longest_s = self._interval_s if self._redis.check.ok else LONGEST_WAIT_S
        return min(self._interval_s, longest_s)

    def _beat(self, runner: Runner) -> list[RunningTask]:
        """Beat once; return the tasks whose lease is gone."""
        lost: list[RunningTask] = []
        try:
            is_measured = self._measure(runner)
            lost, is_extended = self._extend(runner)
            is_shown = self._show(runner)
            fault = "" if is_extended and (is_measured or is_shown) else redis_fault(None)
        except PyasynqError as error:
            fault = redis_fault(error)
            self._on_error(error)
        else:
            self._troubles.ends()
            if self._outage.is_on:
                self._outage.worked(component=self.name)
            self._check_clock()
        self._note(fault)
        _log_lost(lost)
        return lost

    def _note(self, fault: str) -> None:
        """Note how a beat has ended."""
        if fault:
            self._redis.fails(fault)
            return
        self._beat_at = self._clock.monotonic()
        self._redis.passes()
        self._beating.passes(HIDDEN if self._is_hidden else "")

    def _measure(self, runner: Runner) -> bool:
        """Measure the clock; return whether Redis answered, of a cluster any node."""
        try:
            runner.measure_clock()
        except RedisUnavailableError:
            if not self._connector.is_cluster:
                raise
            return False  # the nodes of the queues may answer
        return True

    def _on_error(self, error: PyasynqError) -> None:
        if concerns_redis_as_a_whole(error):
            self._outage.failed(error, component=self.name)
        else:
            self._troubles.begins(error)

    def _extend(self, runner: Runner) -> tuple[list[RunningTask], bool]:
        """Extend the leases of all held tasks in one round trip.

        Returns:
            The tasks whose lease is gone, and whether Redis was reached for every queue.
        """
        now_ns = self._clock.redis_now_ns()
        until_s = lease_expires_at_s(self._clock, self._lease_s)
        by_queue: dict[QueueKeys, list[RunningTask]] = {}
        for running in list(self._held.values()):
            # A handler beyond any grace blocks its loop; somebody else may have its task.
            if now_ns < running.deadline_ns + self._grace_ns:
                by_queue.setdefault(running.keys, []).append(running)
        batches = [
            (keys, tasks[i : i + MOST_TASKS])
            for keys, tasks in by_queue.items()
            for i in range(0, len(tasks), MOST_TASKS)
        ]
        answers = runner.run_all(
            [
                maintain.extend_lease(
                    keys, [(each.leased.task_id, each.owner) for each in tasks], until_s=until_s
                )
                for keys, tasks in batches
            ],
            patience_s=0,
        )
        lost: list[RunningTask] = []
        is_reached = True
        for (keys, tasks), answer in zip(batches, answers, strict=True):
            if self._outage.failed_at_node(answer, component=self.name, queue=keys.queue):
                is_reached = False
                continue
            if isinstance(answer, BaseException):
                raise_first([answer], which=concerns_redis_as_a_whole)
                self._refusals.begins(answer, keys.queue)
                continue
            self._refusals.ends(keys.queue)
            if self._outage.is_on:
                self._outage.worked(component=self.name, queue=keys.queue)
            gone = set(answer)
            for running in tasks:
                if running.leased.task_id in gone:
                    lost.append(running)
                else:
                    running.lease_until_s = until_s
        return lost, is_reached

    def _show(self, runner: Runner) -> bool:
        """Write what tools show of this server and its tasks; return whether any arrived."""
        workers = {
            running.leased.task_id: self._worker(running)
            for running in list(self._held.values())
            if not running.is_settled
        }
        operations = presence.write_server_state(
            self._server(len(workers)),
            workers,
            namespace=self._connector.namespace,
            now_s=redis_now_s(self._clock),
            ttl_s=self._ttl_s,
        )
        handled = encode(self._handled())
        now = self._clock.monotonic()
        is_published = handled != self._published or now >= self._publish_at
        if is_published:
            operations.append(self._publishing(handled))
        answers = runner.run_all(operations, patience_s=0)
        if not self._connector.is_cluster:
            raise_first(answers, which=concerns_redis_as_a_whole)
        refused = [answer for answer in answers if isinstance(answer, PyasynqError)]
        self._is_hidden = bool(refused)
        if refused:
            self._hidden.begins(refused[0])
        else:
            self._hidden.ends()
            if is_published:
                self._published, self._publish_at = handled, now + PUBLISH_AGAIN_S
        return not all(isinstance(answer, RedisUnavailableError) for answer in answers)

    def _server(self, active_worker_count: int) -> ServerRecord:
        identity, config = self._identity, self._config
        return ServerRecord(
            host=identity.host,
            pid=identity.pid,
            server_id=identity.server_id,
            concurrency=config.concurrency,
            queues=dict(config.queues),
            strict_priority=config.strict_priority,
            status=self._status(),
            started_ns=identity.started_ns,
            active_worker_count=active_worker_count,
        )

    def _publishing(self, handled: bytes) -> Operation[None]:
        identity = self._identity
        return presence.write_handled(
            identity.host,
            identity.pid,
            identity.server_id,
            handled,
            namespace=self._connector.namespace,
            ttl_s=PUBLISHED_FOR_S,
        )

    def _worker(self, running: RunningTask) -> WorkerRecord:
        message = running.message
        return WorkerRecord(
            host=self._identity.host,
            pid=self._identity.pid,
            server_id=self._identity.server_id,
            task_id=running.leased.task_id,
            task_type=message.type,
            task_payload=message.payload[:LONGEST_PAYLOAD_BYTES],
            queue=running.keys.queue,
            started_ns=running.started_ns,
            deadline_ns=running.deadline_ns,
        )

    def _deregister(self, runner: Runner) -> None:
        identity = self._identity
        operations = presence.clear_server_state(
            identity.host, identity.pid, identity.server_id, namespace=self._connector.namespace
        )
        try:
            raise_first(runner.run_all(operations, patience_s=0))
        except PyasynqError as error:
            logger.warning("could not deregister the server; it expires by itself: %s", error)

    def _check_clock(self) -> None:
        """Warn once when the clocks of this machine and of Redis are far apart."""
        offset_ns = self._clock.redis_now_ns() - self._clock.now_ns()
        is_right = abs(offset_ns) < LARGEST_OFFSET_NS
        if self._is_clock_right and not is_right:
            logger.warning(
                "the clock of this machine is %.1f s off redis; leases and schedules allow for it",
                -offset_ns / NANOSECONDS,
            )
        self._is_clock_right = is_right


def _log_lost(lost: list[RunningTask]) -> None:
    """Log once which handlers must end, since somebody else may have their tasks."""
    ids = [each.leased.task_id for each in lost if not each.is_settled and each.ending is None]
    if ids:
        logger.warning(
            "lost the leases of %d running tasks; their handlers are asked to end: %s",
            len(ids),
            listed(ids),
        )
