"""What users may do before and after a periodic task is enqueued."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from pyasynq.errors import ConfigError, PyasynqError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskInfo

logger = logging.getLogger("pyasynq.scheduler")

BeforeEnqueue = Callable[[Task, EnqueueOptions], Awaitable[None] | None]
AfterEnqueue = Callable[[TaskInfo | None, PyasynqError | None], Awaitable[None] | None]
OnEnqueueError = Callable[[Task, EnqueueOptions, PyasynqError], Awaitable[None] | None]


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Functions of the user, plain or async; what they raise is logged and changes nothing.

    They are called on the event loop of the scheduler, so they must not block.

    Attributes:
        pre_enqueue: called with the task and its options before each tick.
        post_enqueue: called with the task as it was stored, or with why it was not.
        on_error: called with the task, its options and why it was not stored.
    """

    pre_enqueue: BeforeEnqueue | None = None
    post_enqueue: AfterEnqueue | None = None
    on_error: OnEnqueueError | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            hook = getattr(self, name)
            if hook is not None and not callable(hook):
                raise ConfigError(f"{name} must be a function, not {type(hook).__name__}")

    async def before(self, task: Task, options: EnqueueOptions) -> None:
        """Call `pre_enqueue`."""
        await _call(self.pre_enqueue, task, options)

    async def after(self, info: TaskInfo | None, error: PyasynqError | None) -> None:
        """Call `post_enqueue`."""
        await _call(self.post_enqueue, info, error)

    async def failed(self, task: Task, options: EnqueueOptions, error: PyasynqError) -> None:
        """Call `on_error`."""
        await _call(self.on_error, task, options, error)


async def _call(hook: Callable[..., Any] | None, *given: object) -> None:
    if hook is None:
        return
    try:
        returned = hook(*given)
        if isinstance(returned, Awaitable):
            await returned
    except Exception:
        logger.exception("a hook of the scheduler failed; it goes on")
