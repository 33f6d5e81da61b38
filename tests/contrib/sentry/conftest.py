"""The SDK with our integration, for one test."""

from contextlib import ExitStack

import pytest

from pyasynq.contrib.sentry import PyasynqIntegration
from tests.support.sentry import reporting


@pytest.fixture
def sentry():
    """Return a function that initialises the SDK with options of it and of the integration."""
    own = ("report_failures", "propagate_traces", "monitor_periodic_tasks")
    with ExitStack() as stack:

        def start(*others, **options):
            settings = {name: options.pop(name) for name in own if name in options}
            integrations = [*others, PyasynqIntegration(**settings)]
            return stack.enter_context(reporting(integrations, **options))

        yield start
