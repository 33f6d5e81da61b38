"""A handler for a process of its own, which logs with structlog."""

import os

import structlog

from pyasynq.contrib.structlog import configure
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings

mux = ServeMux()

if "LOGS_WITH_STRUCTLOG" in os.environ:  # in the process of a handler, not in that of a test
    configure(renderer="json")


@mux.handler("draw", settings=TaskSettings(executor="process"))
def draw(ctx, task):
    structlog.contextvars.bind_contextvars(**{task.payload.decode(): "yes"})
    structlog.get_logger("shop").info("draws")
