"""What needs a person: a pure function of what a few cheap reads have brought.

`suspects` says which queues to look into for tasks that no server runs any more; `attention` judges
all of it. Every front end shows the same findings.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pyasynq.admin.rates import counted, rate
from pyasynq.admin.spans import moment
from pyasynq.inspector.finding import Finding, most_decisive_first
from pyasynq.inspector.infos import QueueInfo
from pyasynq.inspector.server_infos import ServerInfo
from pyasynq.shown import shown, span
from pyasynq.task import TaskInfo

OLDEST_PENDING = timedelta(minutes=5)
ARCHIVE_LIMIT = 9999  # asynq v0.26 rdb.go maxArchiveSize
NEARLY = 0.9  # of that limit
FAILING = 0.25  # of the tasks of a day
FEW = 20  # tasks, of which no share is told

ALL_BUSY = "All slots of its servers are taken: start more workers."
SLOTS_FREE = "Its servers have free slots: do queues of higher priority keep them busy?"


def suspects(queues: Sequence[QueueInfo], servers: Sequence[ServerInfo]) -> Sequence[str]:
    """Return the queues with more active tasks than live servers say that they run.

    A task that was fetched a moment ago is not said to be run yet, so this is a suspicion only:
    read their active tasks, the oldest of them first.
    """
    running: dict[str, int] = {}
    for server in servers:
        for worker in server.active_workers:
            running[worker.queue] = running.get(worker.queue, 0) + 1
    return [each.queue for each in queues if each.active > running.get(each.queue, 0)]


def attention(
    queues: Sequence[QueueInfo],
    servers: Sequence[ServerInfo],
    active: Mapping[str, Sequence[TaskInfo]],
    now: datetime,
    *,
    earlier: Sequence[QueueInfo] = (),
) -> Sequence[Finding]:
    """Return what needs a person, the most urgent first.

    Args:
        queues: all queues, as `inspector.queues.infos(memory=False)` returns them.
        servers: as `inspector.servers.list()` returns them.
        active: active tasks of some queues, which may be orphaned.
        now: the time.
        earlier: the queues some time ago, to tell how the archives have grown since.
    """
    before = {each.queue: each for each in earlier}
    found: list[Finding] = []
    for queue in queues:
        serving = [server for server in servers if queue.queue in server.queues]
        found += _of_counts(queue)
        found += _of_serving(queue, serving, now)
        found += _of_orphans(queue, active.get(queue.queue, ()), has_server=bool(serving))
        found += _of_archive(queue, before.get(queue.queue))
    for server in servers:
        found += _of_server(server, now)
    return most_decisive_first(sorted(found, key=where))


def where(finding: Finding) -> str:
    """Return the server or the queue that a finding is about."""
    return str(finding.evidence.get("server") or finding.evidence["queue"])


def _of_counts(queue: QueueInfo) -> Iterable[Finding]:
    name = queue.queue
    if queue.error:
        yield Finding(
            code="not_readable",
            severity="error",
            evidence={"queue": name, "error": queue.error},
            sentence="Not all of it can be read.",
            advice=queue.error,
        )
    if queue.is_paused:
        by = f" by {shown(queue.paused_by)}" if queue.paused_by else ""
        why = f": {shown(queue.pause_reason, 200)}" if queue.pause_reason else ""
        end = (
            "It ends by itself" if queue.paused_until else f"`pyasynq queue resume {name}` ends it"
        )
        at = f" at {moment(queue.paused_until)}" if queue.paused_until else ""
        yield Finding(
            code="paused",
            severity="info" if queue.paused_until else "warning",
            evidence={
                "queue": name,
                "since": queue.paused_since,
                "by": queue.paused_by,
                "reason": queue.pause_reason,
                "until": queue.paused_until,
            },
            sentence=f"Paused{by}{why}",
            advice=f"Workers take no tasks from it. {end}{at}.",
        )
    if queue.processed >= FEW and queue.failed >= FAILING * queue.processed:
        yield Finding(
            code="failing",
            severity="warning",
            evidence={"queue": name, "processed": queue.processed, "failed": queue.failed},
            sentence=f"{rate(queue.failed, queue.processed)} of today's "
            f"{counted(queue.processed, 'task')} failed.",
            advice="Look at the errors of its retried and archived tasks.",
        )


def _of_serving(
    queue: QueueInfo, serving: Sequence[ServerInfo], now: datetime
) -> Iterable[Finding]:
    waiting = queue.pending + queue.scheduled + queue.retry + queue.aggregating
    oldest = now - queue.latency if queue.latency else None
    if waiting and not serving:
        yield Finding(
            code="queue_unserved",
            severity="error" if queue.pending else "warning",
            evidence={"queue": queue.queue, "since": oldest, "waiting": waiting},
            sentence=f"No live server works on it; {counted(waiting, 'task')} "
            f"{'waits' if waiting == 1 else 'wait'}.",
            advice="Start a worker that has this queue, or add the queue to one that runs.",
        )
    elif queue.latency >= OLDEST_PENDING and not queue.is_paused:
        busy = [each for each in serving if each.active_worker_count >= each.concurrency]
        is_busy = len(busy) == len(serving)
        yield Finding(
            code="pending_long",
            severity="warning",
            evidence={"queue": queue.queue, "since": oldest, "is_busy": is_busy},
            sentence=f"Its oldest pending task has waited for {span(queue.latency)}.",
            advice=ALL_BUSY if is_busy else SLOTS_FREE,
        )


def _of_orphans(
    queue: QueueInfo, active: Sequence[TaskInfo], *, has_server: bool
) -> Iterable[Finding]:
    orphans = [task for task in active if task.is_orphaned]
    if orphans:
        yield Finding(
            code="orphaned",
            severity="warning" if has_server else "error",
            evidence={
                "queue": queue.queue,
                "task_id": orphans[0].id if len(orphans) == 1 else "",
                "number": len(orphans),
            },
            sentence=f"{counted(len(orphans), 'active task')} lost their worker."
            if len(orphans) > 1
            else "An active task lost its worker.",
            advice="A server of this queue recovers them within a minute."
            if has_server
            else "Only a server of this queue recovers them: start one.",
        )


def _of_archive(queue: QueueInfo, before: QueueInfo | None) -> Iterable[Finding]:
    grown = queue.archived - before.archived if before else 0
    if before is not None and grown > 0:
        yield Finding(
            code="archive_grown",
            severity="warning",
            evidence={"queue": queue.queue, "since": before.timestamp, "number": grown},
            sentence=f"{counted(grown, 'more task')} in the archive.",
            advice="Their retries are used up: look at their errors, then run or delete them.",
        )
    if queue.archived >= NEARLY * ARCHIVE_LIMIT:
        yield Finding(
            code="archive_nearly_full",
            severity="warning",
            evidence={
                "queue": queue.queue,
                "archived": queue.archived,
                "limit": ARCHIVE_LIMIT,
            },
            sentence=f"The archive holds {counted(queue.archived, 'task')}.",
            advice=f"Beyond {ARCHIVE_LIMIT:,} the oldest ones are deleted, unless a worker is set "
            "otherwise. Run or delete what is in it.",
        )


def _of_server(server: ServerInfo, now: datetime) -> Iterable[Finding]:
    name = f"{shown(server.host)}:{server.pid}"
    late = [each for each in server.active_workers if each.deadline and each.deadline < now]
    for worker in late:
        yield Finding(
            code="past_deadline",
            severity="warning",
            evidence={
                "queue": worker.queue,
                "server": name,
                "task_id": worker.task_id,
                "since": worker.deadline,
                "type": worker.task_type,
            },
            sentence=f"A task of type {shown(worker.task_type)} runs past its deadline.",
            advice="Its handler does not end when it is cancelled; it keeps its slot until then.",
        )
    if server.status not in ("active", ""):
        yield Finding(
            code="server_stopping",
            severity="info",
            evidence={"server": name, "status": server.status},
            sentence=f"The server is {shown(server.status)}: it takes no new tasks.",
            advice="It ends once its running tasks have.",
        )
