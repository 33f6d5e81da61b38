"""A connection to each node of a Redis Cluster, and which of them a command goes to.

A node may answer that another one serves the slot: for good (MOVED) or, while the slot is being
moved, for this call alone (ASK). Either way it has executed nothing, so the call goes on to the
other node at once.

A node that has fallen silent would delay each batch in which it has a part by a time-out. So from
then on calls to it fail at once, until it gives a sign of life.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from redis.asyncio import ConnectionPool

from pyasynq.connection.transport.cluster_async import AsyncCluster
from pyasynq.connection.transport.connections import SHORTEST_S
from pyasynq.connection.transport.multiplexed import (
    MultiplexedConnection,
    Reconnection,
    exchange_all,
)
from pyasynq.connection.transport.replies import Command, Refusal, Trouble, is_silence
from pyasynq.connection.transport.slot_map import Address

if TYPE_CHECKING:
    from pyasynq.connection.transport.replicated_async import AsyncReplicatedConnection

NodeConnection = Union[MultiplexedConnection, "AsyncReplicatedConnection"]

MOST_REDIRECTS = 5  # of one call; two nodes may send it to each other while they disagree

_ASKING: Command = ("ASKING",)

Todo = Mapping[Address, Sequence[tuple[int, bool]]]
"""Per node, the positions of commands, and whether each is sent there for now only."""


class AsyncNodes:
    """Sends each command to the node that serves its key.

    Args:
        cluster: knows the nodes; closed by whoever has opened it.
        open_connection: makes a connection out of the pool of a node.
        limit_s: for how long the nodes may be asked for the slots; None: only the time-outs count.
    """

    def __init__(
        self,
        cluster: AsyncCluster,
        open_connection: Callable[[ConnectionPool], "NodeConnection"],
        *,
        limit_s: float | None = None,
    ) -> None:
        self._cluster = cluster
        self._slots = cluster.slots
        self._open_connection = open_connection
        self._limit_s = limit_s
        self._connections: dict[Address, NodeConnection] = {}
        self._silent: dict[Address, Reconnection] = {}
        self._version = 0  # of the map, when connections to nodes that have left were closed

    async def exchange(
        self,
        keys: Sequence[str | None],
        commands: Sequence[Command],
        *,
        limit_s: float | None = None,
    ) -> list[Any]:
        """Send commands and return the replies; `Refusal` and `Trouble` stand for errors.

        Commands to different nodes are under way at the same time, and a node that fails concerns
        its own commands only.

        Args:
            keys: a key of each command; None for a command that any primary may execute.
            commands: one for each key.
            limit_s: for how long to wait for the replies; None: the time-outs decide.
        """
        begin, slots = time.monotonic(), self._slots
        replies: list[Any] = [None] * len(commands)
        try:
            await self._cluster.refresh(limit_s=limit_s or self._limit_s)
        except Exception as error:  # noqa: BLE001 - no node can be reached, whatever the reason
            return [Trouble(error, was_sent=False)] * len(commands)
        if self._version != slots.version:
            await self._drop_gone()
        todo: dict[Address, list[tuple[int, bool]]] = {}
        for position, key in enumerate(keys):
            address = slots.owner_of(key)
            if address is None:
                replies[position] = Trouble("no node of the cluster serves it", was_sent=False)
            else:
                todo.setdefault(address, []).append((position, False))
        for _ in range(1 + MOST_REDIRECTS):
            left_s = limit_s
            if limit_s is not None:
                left_s = max(SHORTEST_S, begin + limit_s - time.monotonic())
            todo = await self._send(todo, commands, replies, left_s)
            if not todo:
                break
        return replies

    async def close(self) -> None:
        """Close every connection; calls that wait get `Trouble`. Safe to repeat."""
        for reconnection in self._silent.values():
            await reconnection.close()
        self._silent.clear()
        for connection in self._connections.values():
            await connection.close()

    async def _send(
        self, todo: Todo, commands: Sequence[Command], replies: list[Any], limit_s: float | None
    ) -> dict[Address, list[tuple[int, bool]]]:
        """Send commands, and put what came back into *replies*; return what is to go elsewhere."""
        if self._silent:
            todo = self._without_silent(todo, replies)
        calls = [
            (self._connection_to(address), _batch(todo[address], commands)) for address in todo
        ]
        redirected: dict[Address, list[tuple[int, bool]]] = {}
        found = await exchange_all(calls, limit_s=limit_s)
        for (address, asked), answers in zip(todo.items(), found, strict=True):
            rest, is_lost = iter(answers), False
            for position, is_for_now in asked:
                if is_for_now:
                    next(rest)  # the answer to ASKING
                reply = replies[position] = next(rest)
                if type(reply) is Trouble:
                    is_lost = True
                    if limit_s is None and address not in self._silent and is_silence(reply):
                        self._silent[address] = Reconnection(self._connection_to(address))
                elif type(reply) is Refusal and (to := self._slots.redirect(address, reply)):
                    redirected.setdefault(to.address, []).append((position, to.is_for_now))
            (self._slots.failed if is_lost else self._slots.worked)(address)
        return redirected

    def _without_silent(self, todo: Todo, replies: list[Any]) -> Todo:
        """Return what is not for silent nodes; put `Trouble` for the rest into *replies*."""
        for address in [each for each in self._silent if self._silent[each].is_over]:
            del self._silent[address]
        for address in [each for each in todo if each in self._silent]:
            self._slots.failed(address)
            for position, _is_for_now in todo[address]:
                replies[position] = Trouble(f"{address[0]}:{address[1]} is silent", was_sent=False)
        return {address: asked for address, asked in todo.items() if address not in self._silent}

    async def _drop_gone(self) -> None:
        """Close the connections to nodes that have left the cluster, once nobody waits for them."""
        self._version = self._slots.version
        for address in [each for each in self._connections if not self._slots.is_used(each)]:
            if address in self._silent:
                await self._silent.pop(address).close()
            await self._connections.pop(address).retire()
        await self._cluster.drop_gone()

    def _connection_to(self, address: Address) -> "NodeConnection":
        connection = self._connections.get(address)
        if connection is None:
            connection = self._open_connection(self._cluster.pool_at(address))
            self._connections[address] = connection
        return connection


def _batch(asked: Sequence[tuple[int, bool]], commands: Sequence[Command]) -> list[Command]:
    batch: list[Command] = []
    for position, is_for_now in asked:
        if is_for_now:
            batch.append(_ASKING)
        batch.append(commands[position])
    return batch
