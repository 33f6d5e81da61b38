"""A recorded case of operations.json, and what its call needs."""

from dataclasses import dataclass
from typing import Any

from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PyasynqError
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage
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
