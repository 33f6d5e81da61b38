# Generated from instance_reading_async.py by tools/unasync.py: change that file.
"""Finds out what a Redis can do: by what it says of itself, and by trying it.

What is tried is harmless: it reads, or it writes keys of its own that expire after seconds, or it
publishes a cancellation of a task that does not exist.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import redis

from pyasynq.admin.doctor.facts import InstanceFacts, NodeFacts, Range, primaries
from pyasynq.admin.doctor.keyspace import OWN
from pyasynq.admin.doctor.roles import CLEARING, keys_of_trials, trials
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import maintain, probing, redis_info
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import Clock, steady_ns
from pyasynq.connection.connector import Connector
from pyasynq.errors import ConfigError, PyasynqError, RedisUnavailableError
from pyasynq.identifiers import new_task_id
from pyasynq.wire.keys import global_keys, queue_keys

T = TypeVar("T")

ROUND_TRIPS = 5
TAGGED_KEYS = 6  # with one hash tag, which must be on one server
MOST_MESSAGES = 1000  # of others, before our own one
ANSWER_S = 1.0
UNANSWERED = (redis.RedisError, OSError, RuntimeError)  # uvloop's for a lost socket is the last
HELLO_OF_SENTINELS = "__sentinel__:hello"


class InstanceReading:
    """One look at a Redis.

    Args:
        connector: how to reach it.
        clock: compared with that of Redis.
    """

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock
        self._failed: dict[str, str] = {}
        self._keys = queue_keys(f"{OWN}{new_task_id()}", connector.namespace)

    def read(self, commands: frozenset[str]) -> InstanceFacts:
        """Find out what the Redis is, and whether it can do *commands*.

        Raises:
            RedisUnavailableError: it does not answer.
            ConfigError: it lets nobody in, or not this user.
        """
        runner = Runner(self._connector.open_sync(), clock=self._clock)
        try:
            runner.run(redis_info.PING)
            slots = self._slots(runner) if self._connector.is_cluster else ()
            connectors = self._connectors(slots)
            nodes = [self._node(each) for each in connectors]
            facts = InstanceFacts(
                kind=self._connector.kind,
                description=self._connector.description,
                nodes=nodes,
                slots=slots,
            )
            return self._tried(facts, connectors[0], commands)
        finally:
            runner.close()

    def _connectors(self, slots: Sequence[Range]) -> list[Connector]:
        """Return how to reach each server: of a cluster, its primaries."""
        if not self._connector.is_cluster:
            return [self._connector]
        addresses = primaries(slots)
        if not addresses:
            raise RedisUnavailableError("no node of the cluster serves any slot")
        return [self._connector.to_node(*each) for each in addresses]

    def _node(self, connector: Connector) -> NodeFacts:
        """Read what a server reports about itself."""
        runner = Runner(connector.open_sync(), clock=self._clock)
        try:
            info = self._attempt(runner, "INFO", redis_info.redis_info())
            save: str | None = None
            with suppress(PyasynqError):  # managed services show no settings
                save = runner.run(probing.read_setting("save"), patience_s=0.0)
        finally:
            runner.close()
        return NodeFacts(address=connector.description, info=info or {}, save=save)

    def _slots(self, runner: Runner) -> Sequence[Range]:
        return self._attempt(runner, "CLUSTER SLOTS", redis_info.slots()) or ()

    def _tried(
        self, facts: InstanceFacts, connector: Connector, commands: frozenset[str]
    ) -> InstanceFacts:
        """Return *facts* with what was tried, what no key decides at the server of *connector*."""
        client: Any = connector.open_sync()
        runner = Runner(self._connector.open_sync(), clock=self._clock)
        try:
            if facts.is_node_as_single or facts.kind == "cluster":
                facts = self._with_cluster(facts, runner)
            found: dict[str, Any] = {}
            if facts.has_tasks and not facts.is_replica:
                found = self._abilities(runner, client, commands)
            found |= self._times(runner)
            with suppress(PyasynqError):  # only Redis itself knows
                found["sentinels"] = runner.run(
                    probing.count_subscribers(HELLO_OF_SENTINELS), patience_s=0.0
                )
        finally:
            runner.close()
            client.close()
        return replace(facts, **found, failed=self._failed)

    def _with_cluster(self, facts: InstanceFacts, runner: Runner) -> InstanceFacts:
        """Return *facts* with what a node says of its cluster."""
        info = self._attempt(runner, "CLUSTER INFO", redis_info.cluster_info())
        node_id = self._attempt(runner, "CLUSTER MYID", probing.node_id())
        slots = self._slots(runner)
        return replace(facts, slots=slots, cluster=info or {}, node_id=node_id or "")

    def _times(self, runner: Runner) -> dict[str, Any]:
        """Measure round trips, and the clock."""
        spans: list[int] = []
        for _ in range(ROUND_TRIPS):
            begun_ns = steady_ns()
            runner.run(redis_info.PING)
            spans.append(steady_ns() - begun_ns)
        sent_ns = steady_ns()
        redis_ns = self._attempt(runner, "TIME", redis_info.redis_time())
        if redis_ns is None:
            return {"round_trips_ns": spans}
        self._clock.observe(sent_ns=sent_ns, received_ns=steady_ns(), redis_ns=redis_ns)
        offset_ns = self._clock.redis_now_ns() - self._clock.now_ns()
        return {"round_trips_ns": spans, "offset_ns": offset_ns}

    def _abilities(
        self, runner: Runner, client: "redis.Redis", commands: frozenset[str]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"commands": self._commands(runner, commands)}
        if "scripts" not in self._failed:
            several = maintain.list_unleased(self._keys)
            self._attempt(runner, "several keys", several)
            found["is_spread"] = self._is_spread(runner)
        self._block(runner)
        self._track(client)
        self._listen(client)
        with suppress(PyasynqError):  # they expire
            runner.run(
                probing.try_delete(keys_of_trials(self._keys.prefix) + self._tagged()),
                patience_s=0.0,
            )
        return found

    def _commands(self, runner: Runner, commands: frozenset[str]) -> dict[str, str] | None:
        """Let scripts call commands, and return which of them fail, and why."""
        clearing = self._failures(runner, frozenset(CLEARING))
        if clearing is None or len(clearing) == len(CLEARING):
            return clearing
        others = self._failures(runner, commands - frozenset(CLEARING))
        wanted = {name: why for name, why in clearing.items() if name in commands}
        return None if others is None else {**wanted, **others}

    def _failures(self, runner: Runner, commands: frozenset[str]) -> dict[str, str] | None:
        tried = trials(commands, self._keys.prefix)
        answers = runner.run_all([probing.try_command(key, words) for _name, key, words in tried])
        for answer in answers:
            if isinstance(answer, RedisUnavailableError):
                raise answer
            if isinstance(answer, PyasynqError):
                self._failed["scripts"] = str(answer)
                return None
        names = [name for name, _key, _words in tried]
        return {name: why for name, why in zip(names, answers, strict=True) if why}

    def _is_spread(self, runner: Runner) -> bool:
        """Return whether a script sees no key of the same hash tag that a plain command wrote."""
        first, *others = self._tagged()
        for key in others:
            self._attempt(runner, "SET", probing.try_set(key))
            both = redis_info.exists_any_of_node([first, key])
            is_there = self._attempt(runner, "undeclared keys", both)
            if self._failed.keys() & {"SET", "undeclared keys"}:
                return False
            if not is_there:
                return True
        return False

    def _tagged(self) -> list[str]:
        return [f"{self._keys.prefix}tag:{number}" for number in range(TAGGED_KEYS + 1)]

    def _block(self, runner: Runner) -> None:
        """Wait for a list, which has something already if it can be written."""
        key = self._keys.prefix + "list"
        with suppress(PyasynqError):
            runner.run(probing.try_command(key, ("RPUSH", key, "a")), patience_s=0.0)
        self._attempt(runner, "BLMOVE", probing.try_blocking(key))

    def _track(self, client: "redis.Redis") -> None:
        """Ask for announcements of changed keys, as an idle worker does."""
        try:
            client.execute_command("HELLO", 3)
            client.execute_command("CLIENT TRACKING", "ON")
        except UNANSWERED as error:
            self._failed["CLIENT TRACKING"] = str(error)
        client.connection_pool.disconnect()  # it speaks another protocol now

    def _listen(self, client: "redis.Redis") -> None:
        """Publish the cancellation of a task that does not exist, and wait for it."""
        channel = global_keys(self._connector.namespace).cancel
        mark = new_task_id()
        subscription = client.pubsub()
        try:
            subscription.subscribe(channel)
            client.execute_command("PUBLISH", channel, mark)
            if not self._has_come(subscription, mark):
                self._failed["SUBSCRIBE"] = "what was published did not arrive"
        except UNANSWERED as error:
            self._failed["SUBSCRIBE"] = str(error)
        finally:
            subscription.close()

    def _has_come(self, subscription: Any, mark: str) -> bool:
        for _ in range(MOST_MESSAGES):
            message = subscription.get_message(timeout=ANSWER_S)
            if message is None:
                return False
            if message["type"] == "message" and message["data"] == mark.encode():
                return True
        return False

    def _attempt(self, runner: Runner, name: str, operation: Operation[T]) -> T | None:
        """Return the answer to an operation; or None, and note why there is none.

        Some proxies close the connection on what they do not know.

        Raises:
            RedisUnavailableError: Redis is gone altogether.
            ConfigError: it lets nobody in any longer.
        """
        try:
            return runner.run(operation, patience_s=0.0)
        except PyasynqError as error:
            if isinstance(error, RedisUnavailableError | ConfigError):
                runner.run(redis_info.PING)
            self._failed[name] = str(error)
            return None
