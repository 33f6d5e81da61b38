"""Makes tasks of functions, with what an App says about all of its tasks."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pyasynq.app.clients import Clients
from pyasynq.app.definition import TaskDefinition
from pyasynq.app.keywords import OnInvalidPayload
from pyasynq.app.spec import TaskSpec
from pyasynq.errors import ConfigError
from pyasynq.options import EMPTY, EnqueueOptions
from pyasynq.worker.handlers.mux import OnInvalidResult

NOTHING: Mapping[str, Any] = {}


class DefinitionMaker(msgspec.Struct, frozen=True):
    """What an App was given for each of its tasks; the arguments of a decorator win.

    Attributes:
        clients: with which the tasks are enqueued.
    """

    clients: Clients
    task_defaults: EnqueueOptions
    on_invalid_payload: OnInvalidPayload
    on_invalid_result: OnInvalidResult

    def __call__(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        keywords: Mapping[str, Any] = NOTHING,
        options: EnqueueOptions = EMPTY,
    ) -> TaskDefinition[..., Any]:
        """Return a function as a task, which is not registered yet.

        Args:
            name: the task type; the name of the function if None.
            keywords: what its decorator was given about running it.
            options: what its decorator was given about its enqueue.

        Raises:
            ConfigError: names every fault.
        """
        if isinstance(function, TaskDefinition):
            raise ConfigError(
                f"{function.type!r} at {function.spec.source_line} is a task already; "
                "write @app.task(…) below other decorators of this App"
            )
        spec = TaskSpec.of(
            function,
            name,
            keywords,
            on_invalid_payload=self.on_invalid_payload,
            on_invalid_result=self.on_invalid_result,
        )
        return TaskDefinition(spec, self.clients, options.merged_over(self.task_defaults))
