"""Operations with which a server shows that it is alive, and which tasks it runs."""

import contextlib
from collections.abc import Mapping

from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.errors import PayloadError
from pyasynq.wire.keys import global_keys
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

    Three operations, since the two indexes and the records are in different slots of a cluster.
    Servers that have not written their state in time are dropped from the indexes; Go Asynq does
    that only when somebody lists the servers.
    """
    keys = global_keys(namespace)
    address = server.host, server.pid, server.server_id
    records = keys.server(*address), keys.server_workers(*address)
    fields: list[Argument] = []
    for task_id, worker in workers.items():
        with contextlib.suppress(PayloadError):  # a task that cannot be encoded is left out
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


def write_handled(
    host: str, pid: int, server_id: str, handled: bytes, *, namespace: str, ttl_s: int
) -> Operation[None]:
    """Publish for *ttl_s* seconds what a server handles."""
    key = global_keys(namespace).server_handles(host, pid, server_id)
    return Operation(load("write_handled"), (key,), (ttl_s, handled), ignore, Repeat.SAFE)


def clear_server_state(
    host: str, pid: int, server_id: str, *, namespace: str
) -> list[Operation[None]]:
    """Remove what `write_server_state` and `write_handled` wrote."""
    keys, address = global_keys(namespace), (host, pid, server_id)
    records = (keys.server(*address), keys.server_workers(*address), keys.server_handles(*address))
    return [
        Operation("ZREM", (keys.servers,), (records[0],), ignore, Repeat.SAFE),
        Operation("ZREM", (keys.workers,), (records[1],), ignore, Repeat.SAFE),
        Operation("DEL", records, (), ignore, Repeat.SAFE),
    ]
