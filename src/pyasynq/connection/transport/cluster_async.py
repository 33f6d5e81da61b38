"""The nodes of a Redis Cluster: a pool of connections for each, and which slots it serves.

A cluster is asked for its slots when they are first needed, and again after an answer that shows
that they have changed. Only the runner repeats a call, here and elsewhere.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.crc import key_slot
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import ResponseError

from pyasynq.connection.transport.multiplexed import within

Address = tuple[str, int]


class AsyncCluster:
    """What `redis.asyncio.Redis` is to a single server, as far as pyasynq needs it.

    Args:
        hosts: some nodes; the others are learnt from them.
        open_pool: makes a pool for a host and a port.
    """

    def __init__(
        self, hosts: Sequence[Address], open_pool: Callable[[str, int], ConnectionPool]
    ) -> None:
        self._seeds = list(hosts)
        self._open_pool = open_pool
        self._pools: dict[Address, ConnectionPool] = {}
        self._starts: list[int] = []  # first slot of each range, ascending
        self._owners: list[Address] = []
        self._random = Random()  # noqa: S311 - spreads load, guards nothing

    async def pool_of(self, key: str | None, *, limit_s: float | None = None) -> ConnectionPool:
        """Return the pool of the primary that serves *key*; of any primary for None.

        Args:
            limit_s: for how long the nodes may be asked for the slots; None for no limit.

        Raises:
            Exception: no node answers, or nobody serves the slot.
        """
        if not self._starts:
            async with within(limit_s):
                await self._learn()
        if key is None:
            return self._pool(self._random.choice(self._owners))
        slot = key_slot(key.encode("utf-8", "surrogateescape"))
        position = bisect_right(self._starts, slot) - 1
        if position < 0:
            raise NoConnectionError(f"no node of the cluster serves slot {slot}")
        return self._pool(self._owners[position])

    def forget_slots(self) -> None:
        """Ask for the slots again before the next call."""
        self._starts = []

    async def execute_command(self, name: str, key: str, *args: Any) -> Any:
        """Run one command of one key, once."""
        client = Redis(connection_pool=await self.pool_of(key))
        try:
            return await client.execute_command(name, key, *args)
        except Exception:
            self.forget_slots()
            raise

    def pubsub(self) -> Any:
        """Return a subscription on any node; a cluster hands messages to all of its nodes."""
        known = sorted({*self._pools, *self._seeds})
        return Redis(connection_pool=self._pool(self._random.choice(known))).pubsub()

    async def aclose(self) -> None:
        """Close every connection; safe to repeat."""
        for pool in self._pools.values():
            await pool.disconnect()
        self._pools.clear()
        self._starts = []

    async def _learn(self) -> None:
        """Ask one node after the other for the slots, until one answers."""
        trouble: Exception = NoConnectionError("a cluster needs the address of a node")
        for address in [*self._seeds, *(each for each in self._pools if each not in self._seeds)]:
            try:
                client = Redis(connection_pool=self._pool(address))
                found = await client.execute_command("CLUSTER SLOTS")
            except ResponseError:
                raise
            except Exception as error:  # noqa: BLE001 - uvloop raises RuntimeError for a lost socket
                trouble = error
                continue
            self._take(address, found)
            return
        raise trouble

    def _take(self, asked: Address, found: Any) -> None:
        """Note the ranges of an answer, in which a node without a name is the one asked."""
        ranges = sorted(
            (int(first), node[0], int(node[1])) for first, _last, node, *_ in _rows(found)
        )
        if not ranges:
            raise NoConnectionError("no node of the cluster serves any slot")
        self._owners = [(_text(host) or asked[0], port) for _first, host, port in ranges]
        self._starts = [first for first, _host, _port in ranges]

    def _pool(self, address: Address) -> ConnectionPool:
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = self._open_pool(*address)
        return pool


def _rows(found: Any) -> Any:
    """Return the ranges of CLUSTER SLOTS, which redis-py turns into a dict."""
    if not isinstance(found, dict):
        return found
    return [(first, last, each["primary"]) for (first, last), each in found.items()]


def _text(host: Any) -> str:
    return host.decode() if isinstance(host, bytes) else host or ""
