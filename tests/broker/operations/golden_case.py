"""A recorded case of operations.json, and what its call needs."""

from dataclasses import dataclass
from typing import Any

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.new_tasks.resolved_options import resolve
from pyasynq.broker.operations import enqueue
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PyasynqError
from pyasynq.options import EMPTY
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, encode
from tests.wire.test_message import task_message


@dataclass
class Case:
    """A recorded case, with what its call needs."""

    record: dict[str, Any]
    runner: Runner

    @property
    def args(self) -> dict[str, Any]:
        args: dict[str, Any] = self.record["args"]
        return args

    @property
    def now_ns(self) -> int:
        clock = self.record["clock"]
        return int(clock["seconds"]) * NANOSECONDS + int(clock["nanos"])

    @property
    def now_s(self) -> int:
        return self.now_ns // NANOSECONDS

    @property
    def message(self) -> TaskMessage:
        return task_message(self.args["msg"])

    @staticmethod
    def message_of(fields: dict[str, Any]) -> TaskMessage:
        return task_message(fields)

    def run(self, operation: Any) -> Any:
        return self.runner.run(operation, patience_s=0)


def keys_of(queue: str) -> QueueKeys:
    """Keys of any name: Go's broker refuses none, ours never gets a blank one."""
    return QueueKeys(queue, "asynq")


def seconds(duration: dict[str, int]) -> int:
    return duration["duration_ns"] // NANOSECONDS


def at_ns(moment: dict[str, int]) -> int:
    return moment["seconds"] * NANOSECONDS + moment["nanos"]


class NotOursError(PyasynqError):
    """The caller does not own the task that it would finish."""


def prepared(message: TaskMessage, **fields: Any) -> PreparedTask:
    return PreparedTask(
        keys=keys_of(message.queue),
        id=message.id,
        type=message.type,
        payload=message.payload,
        resolved=resolve(EMPTY),
        encoded=encode(message),
        unique_key=message.unique_key,
        **fields,
    )


def store(case: Case, item: PreparedTask) -> None:
    """Register the queue and store the task, as one enqueue does."""
    case.run(enqueue.register_queue(item.keys.queue, namespace="asynq"))
    (refusal,) = case.run(enqueue.store([item], now_ns=case.now_ns))
    if refusal is not None:
        raise refusal
