"""What ``sentry_sdk.init`` is given, and the settings that it carries."""

from typing import Any, get_args

import sentry_sdk
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.scope import add_global_event_processor
from sentry_sdk.utils import capture_internal_exceptions
from typing_extensions import override

from pyasynq import tracing
from pyasynq.contrib.sentry.private_data import hide_variables
from pyasynq.contrib.sentry.settings import IDENTIFIER, ReportFailures, Settings
from pyasynq.contrib.sentry.tasks import SentryTasks
from pyasynq.errors import ConfigError


class PyasynqIntegration(Integration):
    """Tells Sentry of tasks: ``sentry_sdk.init(dsn, integrations=[PyasynqIntegration()])``.

    It concerns clients, servers and schedulers that are made later, and Apps that are first used
    later. Each attempt to run a task has scopes of its own, with the tags ``task_type``,
    ``task_id``, ``queue`` and ``attempt``. A failed task is reported once. Payloads are reported
    with ``send_default_pii`` only, and without what looks like a secret. Whatever Sentry does, no
    task fails because of it.

    Args:
        report_failures: "archived" for the last attempt of a task, after which it does not run
            again; "all" for each failed attempt, the earlier ones as warnings; "none" for none.
        propagate_traces: whether a task carries the trace of what has enqueued it, in the headers
            ``sentry-trace`` and ``baggage``.
        monitor_periodic_tasks: whether each run of a periodic task is a check-in of a monitor.

    Raises:
        ConfigError: an argument is of another form.
    """

    identifier = IDENTIFIER

    def __init__(
        self,
        *,
        report_failures: ReportFailures = "archived",
        propagate_traces: bool = True,
        monitor_periodic_tasks: bool = False,
    ) -> None:
        faults: list[str] = []
        if report_failures not in get_args(ReportFailures):
            known = ", ".join(map(repr, get_args(ReportFailures)))
            faults.append(f"report_failures must be one of {known}, not {report_failures!r}")
        for name, value in (
            ("propagate_traces", propagate_traces),
            ("monitor_periodic_tasks", monitor_periodic_tasks),
        ):
            if not isinstance(value, bool):
                faults.append(f"{name} must be True or False, not {value!r}")
        ConfigError.raise_if(faults)
        self.settings = Settings(
            report_failures=report_failures,
            propagate_traces=propagate_traces,
            monitor_periodic_tasks=monitor_periodic_tasks,
        )

    @staticmethod
    @override
    def setup_once() -> None:
        """Be told of all tasks from now on; the SDK calls this once in the life of a process."""
        tracing.add_companion(SentryTasks(_settings))
        add_global_event_processor(_without_private_data)
        ignore_logger("pyasynq.task")  # its lines are about the failures that are reported


def _settings() -> Settings | None:
    """Return the settings of the client that is active here; None if it has no integration."""
    found = sentry_sdk.get_client().get_integration(PyasynqIntegration)
    return found.settings if isinstance(found, PyasynqIntegration) else None


def _without_private_data(event: Any, _hint: Any) -> Any:
    """Go over every event: handlers, middlewares and log lines capture failures as well."""
    if _settings() is not None:
        with capture_internal_exceptions():
            hide_variables(event, sentry_sdk.get_client().options)
    return event
