# Generated from calls_async.py by tools/unasync.py: change that file.
"""How every part of an inspector asks Redis."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pyasynq.answers import raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import inspection, redis_info
from pyasynq.broker.runners.runner import PATIENCE_S, Runner
from pyasynq.clock import Clock, steady_ns
from pyasynq.errors import ConfigError, PyasynqError, QueueNotFoundError
from pyasynq.options import name_fault
from pyasynq.wire.keys import QueueKeys, queue_keys

T = TypeVar("T")
_NOT_A_CLUSTER = "cluster support disabled", "unknown command"


class Calls:
    """Runs operations for the parts of one inspector, which all have its namespace and its clock.

    Attributes:
        clock: where to get the time.
        namespace: of every key.
    """

    def __init__(
        self,
        runner: Runner,
        clock: Clock,
        namespace: str,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._runner = runner
        self._patience_s = patience_s
        self.clock = clock
        self.namespace = namespace

    @property
    def is_cluster(self) -> bool:
        """Whether Redis is a cluster."""
        return self._runner.is_cluster

    def keys_of(self, queue: str) -> QueueKeys:
        """Return the keys of a queue.

        Raises:
            ConfigError: the name is blank or is not text.
        """
        ConfigError.raise_if([name_fault("queue", queue)])  # before it is looked up in a cache
        return queue_keys(queue, self.namespace)

    def run(self, operation: Operation[T]) -> T:
        """Run one operation that does not depend on a single queue."""
        return self._runner.run(operation, patience_s=self._patience_s)

    def run_all(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run operations in one round trip; return for each its result, or its error."""
        return self._runner.run_all(operations, patience_s=self._patience_s)

    def run_all_measured(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Do as `run_all`, and compare the clock with that of Redis in the same round trip."""
        sent_ns = steady_ns()
        redis_ns, *answers = self._runner.run_all([redis_info.redis_time(), *operations])
        received_ns = steady_ns()
        if isinstance(redis_ns, int):
            self.clock.observe(sent_ns=sent_ns, received_ns=received_ns, redis_ns=redis_ns)
        return answers

    def usable_queues(self) -> list[str]:
        """Return the names of all queues that keys can be made of, sorted."""
        names = self._runner.run(inspection.list_queues(self.namespace))
        return [name for name in names if name_fault("queue", name) is None]

    def check_known(self, queue: str) -> None:
        """Raise a QueueNotFoundError if there is no such queue."""
        if not self._runner.run(inspection.has_queue(queue, self.namespace)):
            raise QueueNotFoundError(queue)

    def run_cluster(self, operation: Operation[T]) -> T:
        """Run one operation that only a cluster knows.

        Raises:
            ConfigError: Redis is not a cluster, or a proxy hides it.
        """
        refusal: PyasynqError | None = None
        try:
            answer = self._runner.run(operation)
        except PyasynqError as error:
            if not any(words in str(error) for words in _NOT_A_CLUSTER):
                raise
            refusal = error
        else:
            if self.is_cluster:
                return answer
        # A single Valkey 9.1 tells slots, too.
        raise ConfigError("this redis is not a cluster, so it has no slots") from refusal

    def run_on(self, queue: str, operation: Operation[T]) -> T:
        """Run one operation that only reads on a queue that must exist, in one round trip.

        Raises:
            QueueNotFoundError: there is no such queue.
        """
        known = inspection.has_queue(queue, self.namespace)
        answers = self._runner.run_all([known, operation])
        raise_first(answers)
        if not answers[0]:
            raise QueueNotFoundError(queue)
        result: T = answers[1]
        return result

    def change_on(self, queue: str, operation: Operation[T]) -> T:
        """Run one operation that writes on a queue that must exist, once that is known.

        Raises:
            QueueNotFoundError: there is no such queue; nothing was changed, even if Redis still
                has keys of it.
        """
        self.check_known(queue)
        return self._runner.run(operation)
