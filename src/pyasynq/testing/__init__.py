"""For the tests of applications: a clock, what `App.testing` returns, and a pytest plugin."""

from pyasynq.app.harness import AppHarness, HandledTask
from pyasynq.clock import FakeClock

__all__ = ["AppHarness", "FakeClock", "HandledTask"]
