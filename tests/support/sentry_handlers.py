"""Handlers for processes of their own, which report to Sentry from there."""

import os

import sentry_sdk

from pyasynq.contrib.sentry import PyasynqIntegration
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from tests.support.sentry import DSN, Written

PROCESS = TaskSettings(executor="process")
mux = ServeMux()

if "SENTRY_KEPT" in os.environ:  # in the process of a handler, not in that of a test
    sentry_sdk.init(
        DSN,
        integrations=[PyasynqIntegration(report_failures="all")],
        transport=Written(),
        default_integrations=False,
        enable_backpressure_handling=False,
        traces_sample_rate=1.0,
    )


@mux.handler("render", settings=PROCESS)
def render(ctx, task):
    name = task.payload.decode()
    sentry_sdk.add_breadcrumb(message=f"{name} begins")
    sentry_sdk.capture_message(f"{name} is drawn")
    if name == "broken":
        raise ValueError("no ink")
