"""For the tests of applications: a clock, and what `App.testing` gives; and a pytest plugin."""

from pyasynq.app.harness import AppBench, HandledTask
from pyasynq.clock import FakeClock

__all__ = ["AppBench", "FakeClock", "HandledTask"]
