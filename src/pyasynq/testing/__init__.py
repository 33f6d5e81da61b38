"""For the tests of applications: clock, Redis, worker, what `App.testing` returns, and a plugin.

Every name is loaded when it is first used, so the plugin costs tests nothing that do not use it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyasynq.app.harness.enqueued import EnqueuedTask
    from pyasynq.app.harness.handled import HandledTask
    from pyasynq.app.harness.harness import AppHarness
    from pyasynq.clock import FakeClock
    from pyasynq.testing.fake_context import FakeTaskContext, task_context
    from pyasynq.testing.redis import private_redis, use_redis
    from pyasynq.testing.worker import RunningWorker, running_worker

__all__ = [
    "AppHarness",
    "EnqueuedTask",
    "FakeClock",
    "FakeTaskContext",
    "HandledTask",
    "RunningWorker",
    "private_redis",
    "running_worker",
    "task_context",
    "use_redis",
]

_HOME_OF = {
    "AppHarness": "app.harness.harness",
    "EnqueuedTask": "app.harness.enqueued",
    "FakeClock": "clock",
    "FakeTaskContext": "testing.fake_context",
    "HandledTask": "app.harness.handled",
    "RunningWorker": "testing.worker",
    "private_redis": "testing.redis",
    "running_worker": "testing.worker",
    "task_context": "testing.fake_context",
    "use_redis": "testing.redis",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pyasynq.testing' has no attribute {name!r}")
    value = getattr(import_module(f"pyasynq.{_HOME_OF[name]}"), name)
    globals()[name] = value  # from now on found without this function
    return value


def __dir__() -> list[str]:
    return __all__
