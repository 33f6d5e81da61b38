"""The nodes of a Redis Cluster: a pool of connections for each, and who is asked for the slots.

A cluster is asked for its slots when they are first needed, and again after an answer that shows
that they have changed. Only the runner repeats a call, here and elsewhere.
"""

import time
from collections.abc import Callable
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import ResponseError

from pyasynq.connection.transport.multiplexed import Turns, within
from pyasynq.connection.transport.slot_map import Address, SlotMap

ASK_S = 1.0  # for one node to tell the slots, while something is known or there are others to ask
MOST_ASKED = 3  # nodes at a time, while something is known


class AsyncCluster:
    """What `redis.asyncio.Redis` is to a single server, as far as pyasynq needs it.

    Args:
        slots: what all clients of the connector know of the nodes.
        open_pool: makes a pool for a host and a port.
    """

    def __init__(self, slots: SlotMap, open_pool: Callable[[str, int], ConnectionPool]) -> None:
        self.slots = slots
        self._open_pool = open_pool
        self._pools: dict[Address, ConnectionPool] = {}
        self._turns = Turns()
        self._is_asking = False
        self._asked = 0  # how often the nodes were asked in vain
        self._trouble: Exception | None = None  # why, the last time
        self._heard: Address | None = None  # the node of the last subscription

    async def refresh(self, *, limit_s: float | None = None) -> None:
        """Ask the nodes for their slots, if that is due.

        While one caller asks, the others use what is known.

        Args:
            limit_s: for how long the nodes may be asked; None: the time-outs of the connections.

        Raises:
            Exception: no node answers, and nothing is known of the slots.
        """
        if not self.slots.is_due or (self.slots.is_known and self._is_asking):
            return
        asked = self._asked
        async with self._turns:
            if not self.slots.is_due:
                return  # somebody else was faster
            if self._trouble is not None and asked != self._asked:
                raise self._trouble  # somebody else has just asked in vain
            self._is_asking = True
            try:
                await self._learn(limit_s)
            except Exception as error:
                if not self.slots.is_known:
                    self._asked, self._trouble = self._asked + 1, error
                    raise
            finally:
                self._is_asking = False

    async def pool_of(self, key: str) -> ConnectionPool:
        """Return the pool of the primary that serves *key*.

        Raises:
            Exception: no node answers, or nobody serves the slot.
        """
        await self.refresh()
        address = self.slots.owner_of(key)
        if address is None:
            raise NoConnectionError("no node of the cluster serves the slot of this key")
        return self.pool_at(address)

    def pool_at(self, address: Address) -> ConnectionPool:
        """Return the pool of one node."""
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = self._open_pool(*address)
        return pool

    def pubsub(self) -> Any:
        """Return a subscription on any primary; a cluster hands messages to all of its nodes.

        It is another primary than the last time. Ask `refresh` first: one of the nodes that were
        named may not be in the cluster any more, and would hear nothing.
        """
        self._heard = self.slots.any_primary(but=self._heard)
        if self._heard is None:
            raise NoConnectionError("no node of the cluster is known yet")
        return Redis(connection_pool=self.pool_at(self._heard)).pubsub()

    @property
    def is_heard(self) -> bool:
        """Whether the node of the last subscription is still in the cluster."""
        return self._heard is not None and self.slots.is_used(self._heard)

    def address_of(self, pool: ConnectionPool) -> Address:
        """Return the node that *pool* connects to."""
        return pool.connection_kwargs["host"], pool.connection_kwargs["port"]

    async def drop_gone(self) -> None:
        """Close the connections to nodes that have left the cluster, if nobody uses them."""
        for address in [each for each in self._pools if not self.slots.is_used(each)]:
            await self._pools.pop(address).disconnect(inuse_connections=False)

    async def aclose(self) -> None:
        """Close every connection; safe to repeat."""
        for pool in self._pools.values():
            await pool.disconnect()
        self._pools.clear()

    async def _learn(self, limit_s: float | None) -> None:
        """Ask one node after the other for the slots, until one answers."""
        begin = time.monotonic()
        refusal: Exception | None = None
        trouble: Exception | None = None
        for address, most_s in self._tries():
            try:
                async with within(_left_s(limit_s, begin, most_s)):
                    self.slots.take(address, await self._ask(address))
            except ResponseError as error:
                refusal = error
            except Exception as error:  # noqa: BLE001 - uvloop raises RuntimeError for a lost socket
                trouble = error
                self.slots.failed(address)
            else:
                self.slots.worked(address)
                return
        raise trouble or refusal or NoConnectionError("a cluster needs the address of a node")

    def _tries(self) -> list[tuple[Address, float | None]]:
        """Return whom to ask, and for how long: patiently only if we depend on the answer."""
        addresses = self.slots.to_ask()
        hasty: list[tuple[Address, float | None]] = [(each, ASK_S) for each in addresses]
        if self.slots.is_known:
            return hasty[:MOST_ASKED]
        return [*(hasty if len(hasty) > 1 else []), *((each, None) for each in addresses)]

    async def _ask(self, address: Address) -> Any:
        """Return the answer of a node to CLUSTER SLOTS, as it comes over the wire."""
        pool = self._open_pool(*address)
        try:
            connection: Any = await pool.get_connection()
            await connection.send_command("CLUSTER", "SLOTS")
            return await connection.read_response()
        finally:
            await pool.disconnect()


def _left_s(limit_s: float | None, begin: float, most_s: float | None) -> float | None:
    """Return for how long one node may be asked, of *limit_s* since *begin* for all of them."""
    limits = [] if most_s is None else [most_s]
    if limit_s is not None:
        limits.append(max(0.0, begin + limit_s - time.monotonic()))
    return min(limits, default=None)
