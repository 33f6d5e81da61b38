"""Operations by which servers show that they live, and by which running tasks are cancelled."""

import contextlib
from collections.abc import Mapping

from pyasynq.broker.decoding import text
from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.errors import PayloadError
from pyasynq.options import CancelThen
from pyasynq.wire.keys import QueueKeys, global_keys
from pyasynq.wire.records import ServerRecord, WorkerRecord, encode_server, encode_worker


def write_server_state(
    server: ServerRecord,
    workers: Mapping[str, WorkerRecord],
    *,
    namespace: str,
    now_s: int,
    ttl_s: int,
) -> list[Operation[None]]:
    """Show a server and the tasks it runs, for *ttl_s* seconds from *now_s*.

    Three operations, since the two indexes and the records lie in different slots of a cluster.
    Servers that did not say for their time that they live are dropped from the indexes: Go Asynq
    leaves that to whoever lists servers.
    """
    keys = global_keys(namespace)
    place = server.host, server.pid, server.server_id
    records = keys.server(*place), keys.server_workers(*place)
    fields: list[Argument] = []
    for task_id, worker in workers.items():
        with contextlib.suppress(PayloadError):  # one that cannot be shown must not hide the rest
            fields += (task_id, encode_worker(worker))
    return [
        *(
            Operation(
                load("index_presence"),
                (index,),
                (now_s + ttl_s, member, now_s),
                ignore,
                Repeat.SAFE,
            )
            for index, member in zip((keys.servers, keys.workers), records, strict=True)
        ),
        Operation(
            load("write_presence"),
            records,
            (ttl_s, encode_server(server), *fields),
            ignore,
            Repeat.SAFE,
        ),
    ]


def clear_server_state(
    host: str, pid: int, server_id: str, *, namespace: str
) -> list[Operation[None]]:
    """Remove what `write_server_state` wrote."""
    keys = global_keys(namespace)
    records = keys.server(host, pid, server_id), keys.server_workers(host, pid, server_id)
    return [
        Operation("ZREM", (keys.servers,), (records[0],), ignore, Repeat.SAFE),
        Operation("ZREM", (keys.workers,), (records[1],), ignore, Repeat.SAFE),
        Operation("DEL", records, (), ignore, Repeat.SAFE),
    ]


def mark_cancel(keys: QueueKeys, task_id: str, then: CancelThen) -> Operation[bool]:
    """Say what becomes of a running task when it is cancelled; False if it does not run.

    The wish is a field of the task that Go does not know. It lives as long as the attempt: every
    script that takes the task out of the active ones removes it, and so does the next dequeue,
    for what a Go server has taken out.
    """
    return Operation(load("mark_cancel"), (keys.task(task_id),), (then,), bool, Repeat.SAFE)


def read_cancel_wish(keys: QueueKeys, task_id: str) -> Operation[str]:
    """Read what `mark_cancel` said of a task; empty for nothing."""
    return Operation("HGET", (keys.task(task_id),), ("on_cancel",), text, Repeat.SAFE)


def publish_cancel(task_id: str, *, namespace: str) -> Operation[int]:
    """Ask whichever server runs the task to cancel it; answers how many servers listen."""
    channel = global_keys(namespace).cancel
    return Operation("PUBLISH", (channel,), (task_id,), int, Repeat.SAFE)
