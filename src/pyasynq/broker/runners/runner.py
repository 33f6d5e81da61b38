# Generated from runner_async.py by tools/unasync.py: change that file.
"""Executes operations on Redis.

Only a runner repeats a call, since only it knows what happened: a call that was not sent may always
be repeated, a call whose answer was lost only if its operation allows that. Scripts are called by
their digest; a script that the server does not know is then sent as source.
"""

import time
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from redis import ConnectionPool, Redis

from pyasynq.answers import raise_first
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.runners import calls
from pyasynq.clock import Clock, steady_ns
from pyasynq.connection.transport.blocking import BlockingConnections
from pyasynq.connection.transport.cluster import Cluster
from pyasynq.connection.transport.replies import Command, Replication
from pyasynq.errors import IncompatibleRedisError, PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.backoff import Backoff

if TYPE_CHECKING:
    from pyasynq.connection.transport.nodes import NodeConnection, Nodes
    from pyasynq.connection.transport.replicated import OnAnswer

T = TypeVar("T")

PATIENCE_S = 5.0
FIRST_WAIT_S = 0.02
LONGEST_WAIT_S = 1.0
MOVING_S = 0.1  # a slot that is being moved is waited for this much longer than anything else

LOCAL_CLOCK = (
    "redis does not tell its time, so that of this machine is used: all machines that enqueue or "
    "work need the same time: %s"
)

_FAILURES, _command, _decoded = calls.FAILURES, calls.command, calls.decoded
_TIME: Operation[list[bytes]] = Operation("TIME", (), (), list, Repeat.SAFE)


class Runner:
    """Runs operations over the connection pool of one client.

    Attributes:
        time_refusal: why Redis does not tell its time; None if it does, or was not asked yet.

    Args:
        client: used by this runner alone, and closed by it.
        clock: measures patience, and learns the time of Redis.
        random: varies the waits, so that many processes do not repeat their calls together.
        limit_s: for how long one try of a call that has to connect may take; None: only the
            time-outs of the connections count.
        busy_wait: whether a lone call may wait awake for its answer.
        replication: which replicas must have a write before it is answered; None for none.
        on_replicas: called with how many of them have it, in place of an error where too few do.
    """

    def __init__(
        self,
        client: Redis | Cluster,
        *,
        clock: Clock,
        random: Random | None = None,
        limit_s: float | None = None,
        busy_wait: bool = False,
        replication: Replication | None = None,
        on_replicas: "OnAnswer | None" = None,
    ) -> None:
        self._client = client
        self._replication, self._on_replicas = replication, on_replicas
        self._limit_s = limit_s
        self._busy_wait = busy_wait
        self._nodes: Nodes | None = None
        self._only_connection: NodeConnection | None = None
        if isinstance(client, Cluster):
            self._nodes = _nodes_of(client, self._connection_of, limit_s)
        else:
            self._only_connection = self._connection_of(client.connection_pool)
        self.time_refusal: IncompatibleRedisError | None = None
        self._clock = clock
        self._random = random

    @property
    def is_cluster(self) -> bool:
        """Whether the keys of queues are on nodes that can be away one by one."""
        return self._nodes is not None

    def run(self, operation: Operation[T], *, patience_s: float | None = PATIENCE_S) -> T:
        """Run one operation and return its result.

        Args:
            operation: what to do.
            patience_s: for how long an unreachable Redis is tried; None for ever, 0 once.

        Raises:
            RedisUnavailableError: Redis did not answer; `may_have_happened` says whether the
                write may have happened nevertheless.
            PyasynqError: Redis refused the call.
        """
        end = None if patience_s is None else self._clock.monotonic() + patience_s
        connection = self._only_connection
        if connection is None:
            replies = self._exchange((operation,), self._commands((operation,)))
        else:
            replies = connection.exchange((_command(operation, as_source=False),))
        if type(replies[0]) not in _FAILURES:
            return operation.decode(replies[0])
        answers = self._repeat((operation,), replies, end)
        raise_first(answers)
        result: T = answers[0]
        return result

    def run_all(
        self, operations: Sequence[Operation[Any]], *, patience_s: float | None = PATIENCE_S
    ) -> list[Any]:
        """Run operations in one round trip, each atomic by itself.

        Returns:
            For each operation its result, or the error that `run` would have raised.
        """
        if len(operations) <= 1:
            return [self._answer_of(operation, patience_s) for operation in operations]
        end = None if patience_s is None else self._clock.monotonic() + patience_s
        return self._answers(operations, end, None)

    def run_within(self, operations: Sequence[Operation[Any]], limit_s: float) -> list[Any]:
        """Run operations as `run_all` does, and take no longer than *limit_s* for all tries.

        A server that answers slowly, but without a pause, is waited for nevertheless.
        """
        end = self._clock.monotonic() + limit_s
        return self._answers(operations, end, limit_s)

    def _answers(
        self, operations: Sequence[Operation[Any]], end: float | None, limit_s: float | None
    ) -> list[Any]:
        """Run operations; *limit_s* is for the first try, *end* for those that follow."""
        replies = self._exchange(operations, self._commands(operations), limit_s)
        for reply in replies:
            if type(reply) in _FAILURES:
                return self._repeat(operations, replies, end)
        return [
            _decoded(operation.decode, reply)
            for operation, reply in zip(operations, replies, strict=True)
        ]

    def _answer_of(self, operation: Operation[Any], patience_s: float | None) -> Any:
        try:
            return self.run(operation, patience_s=patience_s)
        except PyasynqError as error:
            return error

    def _repeat(
        self, operations: Sequence[Operation[Any]], replies: Sequence[Any], end: float | None
    ) -> list[Any]:
        """Run those operations again that may be repeated; return the answers to all of them.

        Args:
            replies: to the first try.
            end: until when an unreachable Redis is tried; None for ever.
        """
        answers: list[Any] = [None] * len(operations)
        repeated: set[int] = set()
        by_source: set[int] = set()
        todo = list(range(len(operations)))
        tries, backoff = 1, Backoff(FIRST_WAIT_S, LONGEST_WAIT_S, random=self._random)
        while True:
            unknown, again = [], []
            for i, reply in zip(todo, replies, strict=True):
                if calls.is_no_script(reply) and i not in by_source:
                    unknown.append(i)
                elif calls.may_repeat(operations[i], reply, is_cluster=self.is_cluster):
                    again.append(i)
                    if calls.may_have_happened(reply):
                        repeated.add(i)
                    answers[i] = reply
                else:
                    answers[i] = calls.answer(
                        operations[i],
                        reply,
                        is_repeated=i in repeated,
                        replication=self._replication,
                    )
            by_source.update(unknown)
            wait_s = backoff.next_s() if again else 0.0
            late_s = 0.0 if end is None else self._clock.monotonic() + wait_s - end
            given_up = [i for i in again if _is_too_late(answers[i], late_s)]
            for i in given_up:
                was_sent = i in repeated
                answers[i] = calls.unavailable(operations[i], answers[i], tries, was_sent=was_sent)
            again = [i for i in again if i not in given_up]
            if again:
                time.sleep(wait_s)
            todo = sorted(unknown + again)
            if not todo:
                return answers
            left_s = None if end is None else end - self._clock.monotonic()
            replies = self._exchange(
                [operations[i] for i in todo],
                self._commands([operations[i] for i in todo], [i in by_source for i in todo]),
                left_s if left_s is not None and left_s > 0 else None,
            )
            tries += 1

    def by_node(self, keys: Sequence[str]) -> list[list[str]]:
        """Return *keys* in groups, each of them served by one node.

        Raises:
            RedisUnavailableError: the nodes of a cluster could not be found out.
        """
        if not isinstance(self._client, Cluster):
            return [list(keys)]
        groups: dict[ConnectionPool, list[str]] = {}
        try:
            for key in keys:
                groups.setdefault(self._client.pool_of(key), []).append(key)
        except Exception as error:
            raise RedisUnavailableError(f"redis is not available: {error}") from error
        return list(groups.values())

    def measure_clock(self, *, patience_s: float = 0.0, limit_s: float | None = None) -> bool:
        """Compare the clock with that of Redis; return whether the sample was good enough.

        Where Redis does not tell its time, the clock shows that of this machine.

        Args:
            patience_s: see `run`.
            limit_s: see `run_within`; if given, it is used in place of *patience_s*.
        """
        sent_ns = steady_ns()
        if limit_s is None:
            answer = self._answer_of(_TIME, patience_s)
        else:
            (answer,) = self.run_within([_TIME], limit_s)
        if isinstance(answer, IncompatibleRedisError):
            self.time_refusal = answer
            return False
        raise_first([answer])
        seconds, microseconds = answer
        redis_ns = int(seconds) * 1_000_000_000 + int(microseconds) % 1_000_000 * 1000
        received_ns = steady_ns()
        return self._clock.observe(sent_ns=sent_ns, received_ns=received_ns, redis_ns=redis_ns)

    def close(self) -> None:
        """Close every connection; safe to repeat."""
        if self._only_connection is not None:
            self._only_connection.close()
        if self._nodes is not None:
            self._nodes.close()
        self._client.close()

    def _exchange(
        self,
        operations: Sequence[Operation[Any]],
        commands: Sequence[Command],
        limit_s: float | None = None,
    ) -> list[Any]:
        """Send commands and return the replies; a Refusal or a Trouble is a reply like others.

        Args:
            limit_s: for how long this try may take; None: the time-outs decide.
        """
        if self._only_connection is not None:
            return self._only_connection.exchange(commands, limit_s=limit_s)
        keys = [operation.keys[0] if operation.keys else None for operation in operations]
        nodes: Any = self._nodes  # there are some, or there were a connection
        replies: list[Any] = nodes.exchange(keys, commands, limit_s=limit_s)
        return replies

    def _commands(
        self, operations: Sequence[Operation[Any]], as_source: Sequence[bool] = ()
    ) -> list[Command]:
        """Return what to send for operations; *as_source*: which scripts are sent whole."""
        return [
            _command(operation, as_source=bool(as_source) and as_source[i], guards=self.is_cluster)
            for i, operation in enumerate(operations)
        ]

    def _connection_of(self, pool: ConnectionPool) -> "NodeConnection":
        plain = BlockingConnections(pool, limit_s=self._limit_s, busy_wait=self._busy_wait)
        if self._replication is None:
            return plain
        from pyasynq.connection.transport.replicated import ReplicatedConnection  # noqa: PLC0415 - rarely needed

        return ReplicatedConnection(plain, self._replication, on_answer=self._on_replicas)


def _nodes_of(
    client: Cluster,
    open_connection: Callable[[ConnectionPool], "NodeConnection"],
    limit_s: float | None,
) -> "Nodes":
    from pyasynq.connection.transport.nodes import Nodes  # noqa: PLC0415 - rarely needed

    return Nodes(client, open_connection, limit_s=limit_s)


def _is_too_late(reply: Any, late_s: float) -> bool:
    """Return whether a call is not made again, *late_s* after the patience has ended."""
    return late_s > (MOVING_S if calls.is_being_moved(reply) else 0)
