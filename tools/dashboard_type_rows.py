"""The row of the dashboard for Grafana about types of tasks."""

from dashboard_panels import (
    FAILURES,
    FINISHED,
    QUEUES,
    RATE,
    TYPES,
    Panel,
    Query,
    Row,
    quantile,
    quantiles,
)

_RUN, _WAIT = "pyasynq_task_duration_seconds", "pyasynq_task_wait_seconds"

TYPE_ROW = Row(
    title="Tasks by type",
    panels=(
        Panel(
            title="All types",
            description=(
                "What workers do of each type. A type with many failures has a fault in its code "
                "or in what it calls; a long wait with short runs needs more slots."
            ),
            queries=(
                Query(expr=f"sum by (type) (rate({FINISHED}{RATE}))", legend="finished"),
                Query(
                    expr=(
                        f"sum by (type) (rate({FAILURES}{RATE})) / sum by (type) "
                        f"(rate({FINISHED}{RATE}))"
                    ),
                    legend="failures",
                ),
                Query(expr=quantile(0.5, _RUN, TYPES, "type"), legend="run p50"),
                Query(expr=quantile(0.95, _RUN, TYPES, "type"), legend="run p95"),
                Query(expr=quantile(0.99, _RUN, TYPES, "type"), legend="run p99"),
                Query(expr=quantile(0.5, _WAIT, TYPES, "type"), legend="wait p50"),
                Query(expr=quantile(0.95, _WAIT, TYPES, "type"), legend="wait p95"),
                Query(expr=quantile(0.99, _WAIT, TYPES, "type"), legend="wait p99"),
            ),
            kind="table",
            unit="s",
            width=24,
            units=(("finished", "suffix:/s"), ("failures", "percentunit")),
        ),
        Panel(
            title="Finished by type",
            description=(
                "Attempts a second that ended, whatever became of them. A type that vanished is "
                "no longer enqueued, or no worker has it."
            ),
            queries=(Query(expr=f"sum by (type) (rate({FINISHED}{RATE}))", legend="{{type}}"),),
            kind="stacked",
            unit="suffix:/s",
        ),
        Panel(
            title="Started by type",
            description=(
                "Handlers that were started a second. More than end: tasks run for long, or are "
                "stuck; see pyasynq server ls."
            ),
            queries=(
                Query(
                    expr=f"sum by (type) (rate(pyasynq_tasks_started_total{{{TYPES}}}{RATE}))",
                    legend="{{type}}",
                ),
            ),
            kind="stacked",
            unit="suffix:/s",
        ),
        Panel(
            title="What did not succeed, by outcome",
            description=(
                "retried and archived: read their errors. lost: workers lost their leases. "
                "requeued: a worker was stopped. dropped: expired or revoked. deferred: a handler"
                " asked to run later."
            ),
            queries=(
                Query(
                    expr=(
                        f"sum by (outcome) (rate(pyasynq_tasks_finished_total{{{TYPES}, "
                        f'outcome!="succeeded"}}{RATE}))'
                    ),
                    legend="{{outcome}}",
                ),
            ),
            kind="stacked",
            unit="suffix:/s",
        ),
        Panel(
            title="Duration",
            description=(
                "How long handlers run, the chosen types together. If it grows, what they call "
                "has become slow; set time-outs."
            ),
            queries=quantiles(_RUN, TYPES),
            unit="s",
        ),
        Panel(
            title="Wait",
            description=(
                "How long tasks were pending before their handlers started. If it is too long, "
                "add workers or slots, or give the queue a higher priority."
            ),
            queries=quantiles(_WAIT, TYPES),
            unit="s",
        ),
        Panel(
            title="Failures by type",
            description=(
                "Failed attempts a second. One type alone: its code, or what it calls. All types:"
                " the database, the network, or a deployment."
            ),
            queries=(Query(expr=f"sum by (type) (rate({FAILURES}{RATE}))", legend="{{type}}"),),
            kind="stacked",
            unit="suffix:/s",
        ),
        Panel(
            title="Duration p95 by type",
            description=(
                "One in twenty attempts takes longer. Compare it with the time-out of the type."
            ),
            queries=(Query(expr=quantile(0.95, _RUN, TYPES, "type"), legend="{{type}}"),),
            unit="s",
        ),
        Panel(
            title="Durations",
            description=(
                "How many handlers ran for how long. Two bands: two kinds of work in one type; a "
                "band at the time-out: handlers hang."
            ),
            queries=(
                Query(
                    expr=f"sum by (le) (increase({_RUN}_bucket{{{TYPES}}}{RATE}))", legend="{{le}}"
                ),
            ),
            kind="heatmap",
            unit="s",
        ),
        Panel(
            title="Aggregated",
            description=(
                "Members of groups that an aggregate has replaced a second. 0 while tasks are "
                "aggregating: nobody aggregates their group."
            ),
            queries=(
                Query(
                    expr=f"sum by (queue) (rate(pyasynq_tasks_aggregated_total{{{QUEUES}}}{RATE}))",
                    legend="{{queue}}",
                ),
            ),
            unit="suffix:/s",
        ),
    ),
)
