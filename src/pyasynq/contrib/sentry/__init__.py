"""Failures, traces and check-ins of tasks for Sentry; needs the extra ``sentry``.

sentry_sdk.init(dsn, integrations=[PyasynqIntegration()])
"""

try:
    import sentry_sdk as _sdk
except ImportError as error:
    raise ImportError(
        "pyasynq.contrib.sentry needs sentry-sdk; run: pip install 'pyasynq[sentry]'"
    ) from error

from pyasynq.contrib.sentry.integration import PyasynqIntegration

del _sdk

__all__ = ["PyasynqIntegration"]
