"""What a worker measures of its work."""

from pyasynq.measurements.metric import SECONDS, SIZES, Metric

TASKS_STARTED = Metric(
    name="pyasynq_tasks_started_total",
    kind="counter",
    help="Handlers that were started.",
    labels=("queue", "type"),
)
TASKS_FINISHED = Metric(
    name="pyasynq_tasks_finished_total",
    kind="counter",
    help="Attempts that ended, by what became of their tasks, once that was in Redis.",
    labels=("queue", "type", "outcome"),
)
TASK_DURATION = Metric(
    name="pyasynq_task_duration_seconds",
    kind="histogram",
    help="How long handlers ran, in seconds.",
    labels=("queue", "type"),
    bounds=SECONDS,
)
TASK_WAIT = Metric(
    name="pyasynq_task_wait_seconds",
    kind="histogram",
    help="How long tasks were pending before their handlers started, in seconds.",
    labels=("queue", "type"),
    bounds=SECONDS,
)
TASKS_RECOVERED = Metric(
    name="pyasynq_tasks_recovered_total",
    kind="counter",
    help="Tasks of workers that are gone and damaged tasks that were healed, by what was done.",
    labels=("queue", "kind"),
)
LEASES_LOST = Metric(
    name="pyasynq_leases_lost_total",
    kind="counter",
    help="Tasks that ran here when they no longer belonged to this worker.",
    labels=("queue",),
)
SLOTS = Metric(
    name="pyasynq_worker_slots",
    kind="gauge",
    help="Slots for tasks, by state: used or free.",
    labels=("state",),
)
UNWRITTEN = Metric(
    name="pyasynq_worker_unwritten_outcomes",
    kind="gauge",
    help="Outcomes that are not in Redis yet.",
)
READY = Metric(
    name="pyasynq_worker_ready",
    kind="gauge",
    help="1 if the worker takes tasks as it should, else 0; of several processes the least.",
    together="smallest",
)
PROCESSES = Metric(
    name="pyasynq_worker_processes",
    kind="gauge",
    help="Worker processes that these numbers are of.",
)
INFO = Metric(
    name="pyasynq_worker_info",
    kind="gauge",
    help="1, with the version of pyasynq.",
    labels=("version",),
    together="largest",
)
FETCH_SIZE = Metric(
    name="pyasynq_fetch_tasks",
    kind="histogram",
    help="Tasks that one fetch brought, of fetches that brought any.",
    bounds=SIZES,
)
FLUSH_SIZE = Metric(
    name="pyasynq_flush_outcomes",
    kind="histogram",
    help="Outcomes that one write sent to Redis.",
    bounds=SIZES,
)
REDIS_ERRORS = Metric(
    name="pyasynq_redis_errors_total",
    kind="counter",
    help="Calls of the worker that failed because Redis was away or refused them, by component.",
    labels=("component",),
)
REDIS_CONNECTS = Metric(
    name="pyasynq_redis_connects_total",
    kind="counter",
    help="Connections to Redis that were opened, the first ones included.",
)
REDIS_OUTAGE = Metric(
    name="pyasynq_redis_outage",
    kind="gauge",
    help="1 while the worker waits for Redis, else 0; of several processes the largest.",
    together="largest",
)
HEARTBEAT_AGE = Metric(
    name="pyasynq_heartbeat_age_seconds",
    kind="gauge",
    help="Seconds since a heartbeat last reached Redis; of several processes the largest.",
    together="largest",
)
LOOP_DELAY = Metric(
    name="pyasynq_event_loop_delay_seconds",
    kind="histogram",
    help="How long the event loop took to do what was asked of it, at each look, in seconds.",
    bounds=SECONDS,
)
FORWARD_LATENESS = Metric(
    name="pyasynq_forward_lateness_seconds",
    kind="histogram",
    help="How late due tasks whose time the worker knew became pending, in seconds.",
    bounds=SECONDS,
)
AGGREGATED = Metric(
    name="pyasynq_tasks_aggregated_total",
    kind="counter",
    help="Members of groups that an aggregate has replaced, or that were dropped by it.",
    labels=("queue",),
)
EVENTS_DROPPED = Metric(
    name="pyasynq_events_dropped_total",
    kind="counter",
    help="Events that a listener was too slow for.",
    labels=("event",),
)
LISTENER_FAILURES = Metric(
    name="pyasynq_listener_failures_total",
    kind="counter",
    help="Events on which a listener failed.",
    labels=("event",),
)
RECORDS_DROPPED = Metric(
    name="pyasynq_records_dropped_total",
    kind="counter",
    help="Attempts of the history and statistics of types that could not be kept.",
    labels=("queue", "kind"),
)
UNREPLICATED = Metric(
    name="pyasynq_unreplicated_writes_total",
    kind="counter",
    help="Outcomes that too few replicas had in time, with durability=replicated.",
)

WORKER_METRICS = (
    *(TASKS_STARTED, TASKS_FINISHED, TASK_DURATION, TASK_WAIT, TASKS_RECOVERED, LEASES_LOST),
    *(SLOTS, UNWRITTEN, READY, PROCESSES, INFO, FETCH_SIZE, FLUSH_SIZE),
    *(REDIS_ERRORS, REDIS_CONNECTS, REDIS_OUTAGE, HEARTBEAT_AGE, LOOP_DELAY, FORWARD_LATENESS),
    *(AGGREGATED, EVENTS_DROPPED, LISTENER_FAILURES, RECORDS_DROPPED, UNREPLICATED),
)
