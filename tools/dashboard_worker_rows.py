"""The rows of the dashboard for Grafana about workers, schedulers and their processes."""

from dashboard_panels import FREE, QUEUES, RATE, TARGETS, USED, Panel, Query, Row, mean, quantile

_DELAY = "pyasynq_event_loop_delay_seconds"
_FORWARD = "pyasynq_forward_lateness_seconds"
_LATE = "pyasynq_scheduler_tick_lateness_seconds"


def _left_out(counter: str) -> str:
    """Return by how much a counter grew that appears when there is something to count."""
    return f"sum(increase({counter}{{{TARGETS}}}{RATE})) or vector(0)"


WORKER_ROW = Row(
    title="Workers",
    panels=(
        Panel(
            title="Ready",
            description=(
                "Whether each worker takes tasks as it should. Ask /readyz of its port for the "
                "reason; red for a moment at a deployment is no trouble."
            ),
            queries=(
                Query(
                    expr=f"min by (instance) (pyasynq_worker_ready{{{TARGETS}}})",
                    legend="{{instance}}",
                ),
            ),
            kind="states",
            unit="none",
            words=(("0", "not ready"), ("1", "ready")),
        ),
        Panel(
            title="Slots",
            description=(
                "Slots of all workers. No free ones with a backlog: add workers, or raise the "
                "concurrency of those whose CPU is idle."
            ),
            queries=(
                Query(expr=f"sum({USED})", legend="used"),
                Query(expr=f"sum({FREE})", legend="free"),
            ),
            kind="stacked",
        ),
        Panel(
            title="Slots used by worker",
            description=(
                "The part of the slots of each worker that runs a task. One that stays full "
                "beside idle ones has tasks that do not end: pyasynq server ls."
            ),
            queries=(
                Query(
                    expr=(
                        f"sum by (instance) ({USED}) / sum by (instance) "
                        f"(pyasynq_worker_slots{{{TARGETS}}})"
                    ),
                    legend="{{instance}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            title="Event-loop delay p99",
            description=(
                "How long the event loop takes to do what it is asked. Above 0.1 s a handler "
                "blocks it: the log names the line. Make it a plain function, or let it run in a "
                "process."
            ),
            queries=(
                Query(expr=quantile(0.99, _DELAY, TARGETS, "instance"), legend="{{instance}}"),
            ),
            unit="s",
        ),
        Panel(
            title="Age of the last heartbeat",
            description=(
                "It is 5 s at most by default. From 30 s on other workers take the tasks over: "
                "look at Redis, the network, and the CPU of the worker."
            ),
            queries=(
                Query(
                    expr=f"max by (instance) (pyasynq_heartbeat_age_seconds{{{TARGETS}}})",
                    legend="{{instance}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            title="Tasks by fetch and outcomes by write",
            description=(
                "How many at once, on average. Larger under load is good: fewer round trips. 1 "
                "under load: handlers are slower than fetching, or there are few slots."
            ),
            queries=(
                Query(expr=mean("pyasynq_fetch_tasks", "job"), legend="fetched {{job}}"),
                Query(expr=mean("pyasynq_flush_outcomes", "job"), legend="written {{job}}"),
            ),
        ),
        Panel(
            title="Waiting for Redis",
            description=(
                "Whether a worker waits for Redis. All at once: Redis is away. One: its network, "
                "or its password."
            ),
            queries=(
                Query(
                    expr=f"max by (instance) (pyasynq_redis_outage{{{TARGETS}}})",
                    legend="{{instance}}",
                ),
            ),
            kind="states",
            unit="none",
            words=(("1", "outage"), ("0", "fine")),
        ),
        Panel(
            title="Redis errors",
            empty="none",
            description=(
                "Calls a second that failed because Redis was away or refused them. Outside of an"
                " outage, the log says what it refuses: rights, memory, a key of a wrong type."
            ),
            queries=(
                Query(
                    expr=(
                        f"sum by (component) (rate(pyasynq_redis_errors_total{{{TARGETS}}}{RATE}))"
                    ),
                    legend="{{component}}",
                ),
            ),
            unit="suffix:/s",
        ),
        Panel(
            title="Connections opened",
            description=(
                "Connections to Redis that were opened a second. It is 0 but at a start. If not, "
                "something closes idle connections: a proxy, a time-out of Redis, a limit."
            ),
            queries=(
                Query(
                    expr=(
                        f"sum by (instance) (rate(pyasynq_redis_connects_total{{{TARGETS}}}{RATE}))"
                    ),
                    legend="{{instance}}",
                ),
            ),
            unit="suffix:/s",
        ),
        Panel(
            title="Leases lost",
            empty="none",
            description=(
                "Tasks that ran on here when they belonged to others: they may have run twice. "
                "Look at heartbeats and at what blocks the worker."
            ),
            queries=(
                Query(
                    expr=f"sum by (queue) (increase(pyasynq_leases_lost_total{{{QUEUES}}}{RATE}))",
                    legend="{{queue}}",
                ),
            ),
        ),
        Panel(
            title="Recovered",
            empty="none",
            description=(
                "retried, archived: workers died, look at out-of-memory kills. quarantined: "
                "damaged messages, see pyasynq doctor. Others were healed and need nobody."
            ),
            queries=(
                Query(
                    expr=(
                        f"sum by (kind) (increase(pyasynq_tasks_recovered_total{{{QUEUES}}}{RATE}))"
                    ),
                    legend="{{kind}}",
                ),
            ),
        ),
        Panel(
            title="Forwarded late",
            description=(
                "How late scheduled and retried tasks become pending. Above 5 s: too many are due"
                " at once, or Redis is slow."
            ),
            queries=(
                Query(expr=quantile(0.5, _FORWARD, TARGETS), legend="p50"),
                Query(expr=quantile(0.95, _FORWARD, TARGETS), legend="p95"),
            ),
            unit="s",
        ),
        Panel(
            title="Outcomes not written yet",
            description=(
                "They wait for Redis. If they stay, and the worker is killed, these tasks run "
                "again: bring Redis back before you restart workers."
            ),
            queries=(
                Query(
                    expr=f"sum by (instance) (pyasynq_worker_unwritten_outcomes{{{TARGETS}}})",
                    legend="{{instance}}",
                ),
            ),
        ),
        Panel(
            title="What was left out",
            description=(
                "Records of the history, events of listeners, listeners that failed, and outcomes"
                " that replicas had too late. Tasks are not concerned; the log says why."
            ),
            queries=(
                Query(
                    expr=_left_out("pyasynq_records_dropped_total"),
                    legend="records dropped",
                ),
                Query(
                    expr=_left_out("pyasynq_events_dropped_total"),
                    legend="events dropped",
                ),
                Query(
                    expr=_left_out("pyasynq_listener_failures_total"),
                    legend="listeners failed",
                ),
                Query(
                    expr=_left_out("pyasynq_unreplicated_writes_total"),
                    legend="not replicated",
                ),
            ),
        ),
        Panel(
            title="Versions and processes",
            description=(
                "Workers of each version, and their processes. Two versions for long: a deployment "
                "has stopped half-way."
            ),
            queries=(
                Query(
                    expr=f"sum by (version) (pyasynq_worker_info{{{TARGETS}}})",
                    legend="workers of {{version}}",
                ),
                Query(expr=f"sum(pyasynq_worker_processes{{{TARGETS}}})", legend="processes"),
            ),
        ),
    ),
)

SCHEDULER_ROW = Row(
    title="Schedulers",
    is_open=False,
    panels=(
        Panel(
            title="Ticks by outcome",
            description=(
                "failed: the log says why. duplicate, unfinished: an earlier task still waits or "
                "runs, so it takes longer than its period. paused: somebody paused the entry."
            ),
            queries=(
                Query(
                    expr=(
                        "sum by (outcome) "
                        f"(increase(pyasynq_scheduler_ticks_total{{{TARGETS}}}{RATE}))"
                    ),
                    legend="{{outcome}}",
                ),
            ),
            kind="stacked",
            width=6,
        ),
        Panel(
            title="Ticks that made no task, by entry",
            empty="none",
            description=(
                "Which periodic task it is. pyasynq cron history ENTRY shows what was enqueued."
            ),
            queries=(
                Query(
                    expr=(
                        "sum by (entry, outcome) "
                        f"(increase(pyasynq_scheduler_ticks_total{{{TARGETS}, "
                        f'outcome!="enqueued"}}{RATE}))'
                    ),
                    legend="{{entry}} {{outcome}}",
                ),
            ),
            width=6,
        ),
        Panel(
            title="Lateness",
            description=(
                "How late ticks are enqueued. Late after a restart is right: missed ticks are "
                "done then. Late at other times: Redis is slow, or the loop is blocked."
            ),
            queries=(
                Query(expr=quantile(0.5, _LATE, TARGETS, "scheduler"), legend="{{scheduler}} p50"),
                Query(expr=quantile(0.95, _LATE, TARGETS, "scheduler"), legend="{{scheduler}} p95"),
            ),
            unit="s",
            width=6,
        ),
        Panel(
            title="Leaders",
            description=(
                "Processes that lead each scheduler: 1. If it is 0 for more than some seconds, no"
                " process of it runs, or none reaches Redis."
            ),
            queries=(
                Query(
                    expr=f"sum by (namespace, scheduler) (pyasynq_scheduler_leads{{{TARGETS}}})",
                    legend="{{namespace}} {{scheduler}} leads",
                ),
                Query(
                    expr=f"max by (namespace, scheduler) (pyasynq_scheduler_entries{{{TARGETS}}})",
                    legend="{{namespace}} {{scheduler}} entries",
                ),
            ),
            width=6,
        ),
    ),
)

PROCESS_ROW = Row(
    title="Processes",
    is_open=False,
    panels=(
        Panel(
            title="CPU",
            description=(
                "CPUs that each process takes. Near 1: one interpreter can do no more, so use "
                "--processes or more workers."
            ),
            queries=(
                Query(
                    expr=(
                        "sum by (job, instance) "
                        f"(rate(process_cpu_seconds_total{{{TARGETS}}}{RATE}))"
                    ),
                    legend="{{job}} {{instance}}",
                ),
            ),
            width=6,
        ),
        Panel(
            title="Memory",
            description=(
                "Resident memory of each process. If it only grows, handlers keep something; "
                "before the limit of the container, restart the worker by a deployment."
            ),
            queries=(
                Query(
                    expr=f"sum by (job, instance) (process_resident_memory_bytes{{{TARGETS}}})",
                    legend="{{job}} {{instance}}",
                ),
            ),
            unit="bytes",
            width=6,
        ),
        Panel(
            title="Open files",
            description=(
                "Files and sockets that each process has open. If it only grows, handlers do not "
                "close what they open."
            ),
            queries=(
                Query(
                    expr=f"sum by (job, instance) (process_open_fds{{{TARGETS}}})",
                    legend="{{job}} {{instance}}",
                ),
            ),
            width=6,
        ),
        Panel(
            title="Running since",
            description=(
                "For how long each process runs. One that begins again and again dies: look at "
                "its log, and for out-of-memory kills."
            ),
            queries=(
                Query(
                    expr=(
                        f"time() - max by (job, instance) (process_start_time_seconds{{{TARGETS}}})"
                    ),
                    legend="{{job}} {{instance}}",
                ),
            ),
            unit="s",
            width=6,
        ),
    ),
)
