"""The rows of the dashboard for Grafana that an operator looks at first: overview and queues."""

from dashboard_panels import (
    FAILED,
    FREE,
    LATENCY,
    PROCESSED,
    QUEUES,
    TARGETS,
    USED,
    Panel,
    Query,
    Row,
    in_state,
    of_queues,
)

OVERVIEW = Row(
    title="Overview",
    panels=(
        Panel(
            title="Backlog",
            description="Pending tasks of all queues. If it grows for long, add workers or slots.",
            queries=(Query(expr=f"sum({of_queues(in_state('pending'))})"),),
            kind="stat",
            width=3,
        ),
        Panel(
            title="Oldest pending task",
            description=(
                "For how long the oldest pending task waits. If it is too long, look below which "
                "queue it is, and whether workers are ready and have free slots."
            ),
            queries=(Query(expr=f"max({LATENCY})"),),
            kind="stat",
            unit="s",
            width=3,
            warns_at=(60, 300),
        ),
        Panel(
            title="Throughput",
            description=(
                "Attempts a second, those that failed included. If it falls while the backlog "
                "grows, look at the workers."
            ),
            queries=(Query(expr=f"sum({PROCESSED})"),),
            kind="stat",
            unit="suffix:/s",
            width=3,
        ),
        Panel(
            title="Failure rate",
            description=(
                "The part of all attempts that failed. If it is high, look which type fails and "
                "read its errors: pyasynq task ls -q QUEUE -s retry."
            ),
            queries=(Query(expr=f"sum({FAILED}) / sum({PROCESSED})"),),
            kind="stat",
            unit="percentunit",
            width=3,
            warns_at=(0.05, 0.2),
        ),
        Panel(
            title="Archived",
            description=(
                "Tasks that failed for good. They run again only if a person runs them: see why "
                "they failed, then run or delete them."
            ),
            queries=(Query(expr=f"sum({of_queues(in_state('archived'))})"),),
            kind="stat",
            width=3,
            warns_at=(1, 9000),
        ),
        Panel(
            title="Workers not ready",
            description=(
                "Workers that do not take tasks as they should, of those that answer Prometheus. "
                "Ask /readyz of their ports for the reason."
            ),
            queries=(Query(expr=f"count(pyasynq_worker_ready{{{TARGETS}}} == 0) or vector(0)"),),
            kind="stat",
            width=3,
            warns_at=(1, 2),
        ),
        Panel(
            title="Slots in use",
            description=(
                "The part of all slots that runs a task. Near 100 % with a backlog: add workers, "
                "or raise their concurrency if they are idle otherwise."
            ),
            queries=(Query(expr=f"sum({USED}) / (sum({USED}) + sum({FREE}))"),),
            kind="stat",
            unit="percentunit",
            width=3,
            warns_at=(0.8, 0.95),
        ),
        Panel(
            title="Redis",
            description=(
                "Whether Redis answers the exporter, or else the workers. If it is away, nothing "
                "starts; workers go on by themselves when it is back."
            ),
            queries=(
                Query(
                    expr=(
                        f"min(pyasynq_redis_up{{{TARGETS}}}) or 1 - "
                        f"max(pyasynq_redis_outage{{{TARGETS}}})"
                    )
                ),
            ),
            kind="stat",
            unit="none",
            width=3,
            words=(("0", "away"), ("1", "answers")),
        ),
        Panel(
            title="Backlog by queue",
            description=(
                "Pending tasks of each queue. One that only grows needs more workers, or a higher"
                " priority."
            ),
            queries=(Query(expr=of_queues(in_state("pending")), legend="{{namespace}} {{queue}}"),),
            kind="stacked",
        ),
        Panel(
            title="Processed and failed",
            description=(
                "Attempts a second in all queues, and those of them that failed. A step in "
                "failures after a deployment points at the code."
            ),
            queries=(
                Query(expr=f"sum({PROCESSED})", legend="processed"),
                Query(expr=f"sum({FAILED})", legend="failed"),
            ),
            unit="suffix:/s",
        ),
        Panel(
            title="Alerts that fire",
            empty="none",
            description=(
                "Those of deploy/prometheus/rules.yaml. The guide about alerts has a section for "
                "each, with what to do; empty is good."
            ),
            queries=(
                Query(
                    expr=(
                        'ALERTS{alertname=~"Pyasynq.*", alertstate="firing", '
                        'namespace=~"$namespace"}'
                    )
                ),
            ),
            kind="table",
        ),
    ),
)

QUEUE_ROW = Row(
    title="Queues",
    panels=(
        Panel(
            title="All queues",
            description=(
                "What is in each queue now. Servers: 0 with pending tasks, start a worker that "
                "serves it. Paused: 1, resume it by pyasynq queue resume."
            ),
            queries=(
                Query(expr=of_queues(in_state("pending")), legend="pending"),
                Query(expr=of_queues(in_state("active")), legend="active"),
                Query(expr=of_queues(in_state("scheduled")), legend="scheduled"),
                Query(expr=of_queues(in_state("retry")), legend="retry"),
                Query(expr=of_queues(in_state("aggregating")), legend="aggregating"),
                Query(expr=of_queues(in_state("archived")), legend="archived"),
                Query(expr=of_queues(in_state("completed")), legend="completed"),
                Query(expr=of_queues(LATENCY), legend="latency"),
                Query(expr=PROCESSED, legend="processed"),
                Query(expr=FAILED, legend="failed"),
                Query(expr=of_queues(f"asynq_queue_paused_total{{{QUEUES}}}"), legend="paused"),
                Query(expr=of_queues(f"pyasynq_queue_servers{{{QUEUES}}}"), legend="servers"),
            ),
            kind="table",
            width=24,
            units=(("latency", "s"), ("processed", "suffix:/s"), ("failed", "suffix:/s")),
        ),
        Panel(
            title="Tasks by state",
            description=(
                "All tasks of the chosen queues. Many in retry: they fail, and will again. Many "
                "archived: look why. Many aggregating: groups wait for their time, or nobody "
                "aggregates them."
            ),
            queries=(
                Query(
                    expr=(
                        "sum by (state) (max by (namespace, queue, state) "
                        f"(asynq_tasks_enqueued_total{{{QUEUES}}}))"
                    ),
                    legend="{{state}}",
                ),
            ),
            kind="stacked",
        ),
        Panel(
            title="Latency",
            description=(
                "For how long the oldest pending task of each queue waits. A line that rises as "
                "fast as time: nothing of the queue is started."
            ),
            queries=(Query(expr=of_queues(LATENCY), legend="{{namespace}} {{queue}}"),),
            unit="s",
        ),
        Panel(
            title="Processed by queue",
            description=(
                "Attempts a second. A queue at 0 with a backlog is paused, has no server, or "
                "waits behind queues of strict priority."
            ),
            queries=(Query(expr=PROCESSED, legend="{{namespace}} {{queue}}"),),
            unit="suffix:/s",
        ),
        Panel(
            title="Failed by queue",
            description=(
                "Failed attempts a second. Read the errors: pyasynq task ls -q QUEUE -s retry, or"
                " the page Failures of the web UI."
            ),
            queries=(Query(expr=FAILED, legend="{{namespace}} {{queue}}"),),
            unit="suffix:/s",
        ),
        Panel(
            title="Paused",
            description=(
                "Whether a queue is paused. Somebody did that: pyasynq queue inspect QUEUE tells "
                "why; pyasynq queue resume QUEUE ends it."
            ),
            queries=(
                Query(
                    expr=of_queues(f"asynq_queue_paused_total{{{QUEUES}}}"),
                    legend="{{namespace}} {{queue}}",
                ),
            ),
            kind="states",
            unit="none",
            words=(("1", "paused"), ("0", "open")),
        ),
        Panel(
            title="Memory in Redis",
            description=(
                "What each queue takes in Redis, by a sample. If it comes near maxmemory, delete "
                "archived and completed tasks, or shorten retentions."
            ),
            queries=(
                Query(
                    expr=of_queues(f"asynq_queue_memory_usage_approx_bytes{{{QUEUES}}}"),
                    legend="{{namespace}} {{queue}}",
                ),
            ),
            kind="stacked",
            unit="bytes",
        ),
        Panel(
            title="Servers by queue",
            description=(
                "Living servers, in Python or Go, that serve a queue. 0: start a worker that "
                "serves it."
            ),
            queries=(
                Query(
                    expr=of_queues(f"pyasynq_queue_servers{{{QUEUES}}}"),
                    legend="{{namespace}} {{queue}}",
                ),
            ),
        ),
        Panel(
            title="Size",
            description=(
                "Tasks in each queue, in whatever state. If it grows without pending tasks, look "
                "at retentions and at the archive."
            ),
            queries=(
                Query(
                    expr=of_queues(f"asynq_queue_size{{{QUEUES}}}"),
                    legend="{{namespace}} {{queue}}",
                ),
            ),
        ),
        Panel(
            title="Queues that can be read",
            description=(
                "Whether the exporter can read the numbers of a queue. If not, its log says why: "
                "most often a key of a wrong type. Ask pyasynq doctor."
            ),
            queries=(
                Query(
                    expr=f"min by (namespace, queue) (pyasynq_queue_up{{{QUEUES}}})",
                    legend="{{namespace}} {{queue}}",
                ),
            ),
            kind="states",
            unit="none",
            words=(("0", "unreadable"), ("1", "read")),
        ),
    ),
)
