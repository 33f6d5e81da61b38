"""What a server logs when it starts: what it serves, and what is probably a mistake. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from pyasynq.functions.form import name_of
from pyasynq.options import DEFAULT_QUEUE, EnqueueOptions
from pyasynq.spelling import nearest
from pyasynq.version import __version__
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.middleware import at_process, is_plain
from pyasynq.worker.handlers.mux import ServeMux


def start_line(mux: ServeMux, config: ServerConfig, *, server_id: str, redis: str) -> str:
    """Return the line that says what runs where."""
    counts = _counted(len(mux.routes), "task type")
    if mux.periodic_tasks:
        counts = f"{counts}, {_counted(len(mux.periodic_tasks), 'periodic task')}"
    queues = ", ".join(f"{queue}={priority}" for queue, priority in config.queues.items())
    return (
        f"pyasynq {__version__} serves {queues} with concurrency {config.concurrency} on {redis}: "
        f"{counts} (server {server_id})"
    )


def start_warnings(mux: ServeMux, config: ServerConfig) -> Iterator[str]:
    """Yield what is probably a mistake: tasks that this server cannot run, or will never see."""
    if not mux.routes:
        yield "no task is registered, so each task that comes fails; is a module not imported?"
    if any(route.path is not None for route in mux.routes):
        for each in at_process(mux.middlewares)[0]:
            if is_plain(each):
                yield (
                    f"middleware {name_of(each)!r} is a plain function, but does not run in the "
                    "processes of handlers, since an `async def` one was registered after it; "
                    "register plain ones last"
                )
    enqueued = (*mux.usual_options.items(), *mux.periodic_tasks)
    found = (each for one in enqueued for each in _misdirected(*one, mux, config))
    yield from dict.fromkeys(found)  # several schedules of one task may have the same fault


def eviction_warnings(memory: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yield what may be lost, for each way in which Redis frees memory by deleting keys.

    Args:
        memory: what each node reports (INFO memory); empty where it does not.
    """
    limited = [each for each in memory if each.get("maxmemory", "0") != "0"]
    for policy in sorted({each.get("maxmemory_policy", "") for each in limited}):
        cure = "set maxmemory-policy to noeviction"
        if policy.startswith("allkeys-"):
            yield (
                f"redis deletes any key when its memory is full (maxmemory-policy {policy!r}), so "
                f"tasks in any state can be lost without a trace; {cure}"
            )
        elif policy.startswith("volatile-"):
            yield (
                f"redis deletes keys that expire when its memory is full (maxmemory-policy "
                f"{policy!r}), such as the locks of unique tasks, which can then run twice; {cure}"
            )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _misdirected(
    task_type: str, options: EnqueueOptions, mux: ServeMux, config: ServerConfig
) -> Iterator[str]:
    queue = options.queue or DEFAULT_QUEUE
    if queue not in config.queues:
        near = nearest(queue, config.queues)
        hint = f"; did you mean {near!r}?" if near else ""
        where = f"queue {queue!r}, which this worker does not serve"
        yield f"task {task_type!r} goes to {where}{hint}"
    if options.group and not _is_aggregated(options.group, mux, config):
        yield (
            f"task {task_type!r} goes to group {options.group!r}, which no aggregator of this "
            "worker takes: register one with @app.aggregator"
        )


def _is_aggregated(group: str, mux: ServeMux, config: ServerConfig) -> bool:
    return config.group_aggregator is not None or mux.aggregations.find(group) is not None
