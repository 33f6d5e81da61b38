"""For the tests of applications: a clock, what `App.testing` returns, and a pytest plugin."""

from pyasynq.app.harness.enqueued import EnqueuedTask
from pyasynq.app.harness.handled import HandledTask
from pyasynq.app.harness.harness import AppHarness
from pyasynq.clock import FakeClock
from pyasynq.testing.fake_context import FakeTaskContext, task_context

__all__ = [
    "AppHarness",
    "EnqueuedTask",
    "FakeClock",
    "FakeTaskContext",
    "HandledTask",
    "task_context",
]
