"""Starts a real Redis Cluster for tests."""

import time
from typing import Any

import redis

from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer

SLOTS = 16_384
ASK_AGAIN_S = 6.0  # a failover that nobody has completed after five seconds is over


class RedisCluster:
    """Three primaries, or as many as wanted, each with as many replicas as wanted.

    Args:
        settings: of each node, as on the command line of a server.
        node_timeout_ms: how long a node may be silent before its replica takes over.

    Attributes:
        nodes: the primaries in the order of their slots, then the first replica of each, and so on.
    """

    def __init__(
        self, size: int = 3, *settings: str, replicas: int = 0, node_timeout_ms: int = 15_000
    ) -> None:
        settings += ("--cluster-node-timeout", str(node_timeout_ms))
        self._size = size
        self.nodes = [self._node(*settings) for _ in range(size * (1 + replicas))]
        share = SLOTS // size
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            last = SLOTS - 1 if number == size - 1 else (number + 1) * share - 1
            with node.client() as client:
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                if number < size:
                    client.execute_command("CLUSTER ADDSLOTSRANGE", number * share, last)
                bus = first.settings[first.settings.index("--cluster-port") + 1]
                if node is not first:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, bus)
        eventually(lambda: all(self._knows_all(node) for node in self.nodes), within_s=60)
        for number, node in enumerate(self.nodes[size:]):
            call(node, "CLUSTER REPLICATE", self.id_of(self.nodes[number % size]))
        self.until_whole()

    @property
    def url(self) -> str:
        return "redis-cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def owner_at_first(self, slot: int) -> int:
        """Return the number of the node that served *slot* when the cluster began."""
        return min(slot // (SLOTS // self._size), self._size - 1)

    def owner(self, slot: int) -> RedisServer:
        """Return the node that serves *slot* now, as a node sees it that runs."""
        for first, last, (_host, port, *_), *_replicas in self._slots():
            if first <= slot <= last:
                return self._by_port(port)
        raise AssertionError(f"nobody serves slot {slot}")

    def replica_of(self, primary: RedisServer) -> RedisServer:
        """Return a replica of *primary*."""
        found = call(primary, "ROLE")[2]
        return self._by_port(int(found[0][1]))

    def primaries(self) -> list[RedisServer]:
        """Return the nodes that serve slots now."""
        return [self._by_port(port) for port in sorted({row[2][1] for row in self._slots()})]

    def id_of(self, node: RedisServer) -> str:
        return call(node, "CLUSTER MYID").decode()

    def give(self, slot: int, number: int) -> None:
        """Let the node of this number serve *slot*, in which no key may be."""
        self.end_move(slot, self.nodes[number])

    def begin_move(self, slot: int, target: RedisServer) -> None:
        """Begin to move *slot* from the node that serves it; its keys stay where they are."""
        source = self.owner(slot)
        call(target, "CLUSTER SETSLOT", slot, "IMPORTING", self.id_of(source))
        call(source, "CLUSTER SETSLOT", slot, "MIGRATING", self.id_of(target))

    def move_keys(self, slot: int, target: RedisServer, *keys: str) -> int:
        """Move *keys*, or all that are in *slot*, to *target*; return how many were moved."""
        source, moved = self.owner(slot), 0
        with source.client() as client:
            while found := keys or client.execute_command("CLUSTER GETKEYSINSLOT", slot, 100):
                client.migrate("127.0.0.1", target.port, list(found), 0, 5000)
                moved += len(found)
                if keys:
                    break
        return moved

    def end_move(self, slot: int, target: RedisServer) -> None:
        """Let *target* serve *slot*; all of its keys must be there."""
        target_id = self.id_of(target)
        for node in sorted(self.primaries(), key=lambda each: each is not target):
            call(node, "CLUSTER SETSLOT", slot, "NODE", target_id)

    def move(self, slot: int, target: RedisServer) -> int:
        """Move *slot* with its keys to *target*, as redis-cli does; return how many there were."""
        self.begin_move(slot, target)
        moved = self.move_keys(slot, target)
        self.end_move(slot, target)
        return moved

    def promote(self, replica: RedisServer, *how: str) -> None:
        """Let *replica* take over from its primary.

        Args:
            how: nothing if both run and agree; FORCE or TAKEOVER if the primary is dead.
        """
        asked_at = 0.0

        def is_primary() -> bool:
            nonlocal asked_at
            if call(replica, "ROLE")[0] == b"master":
                return True
            if time.monotonic() - asked_at > ASK_AGAIN_S:  # one that takes long is given up
                asked_at = time.monotonic()
                call(replica, "CLUSTER FAILOVER", *how)
            return False

        eventually(is_primary, within_s=60)

    def client(self) -> redis.RedisCluster:
        alive = next(node for node in self.nodes if node.process is not None)
        return redis.RedisCluster("127.0.0.1", alive.port, protocol=2)

    def until_whole(self) -> None:
        """Wait until every node runs, knows every other one, and has its replicas."""
        eventually(lambda: all(map(self._is_settled, self.nodes)), within_s=60)
        eventually(lambda: len({str(self._owners(node)) for node in self.nodes}) == 1, within_s=60)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def _slots(self) -> list[list]:
        node = next(node for node in self.nodes if node.process is not None)
        return call(node, "CLUSTER SLOTS")

    @staticmethod
    def _owners(node: RedisServer) -> list[tuple[int, int, int]]:
        return sorted((row[0], row[1], row[2][1]) for row in call(node, "CLUSTER SLOTS"))

    def _by_port(self, port: int) -> RedisServer:
        return next(node for node in self.nodes if node.port == port)

    @staticmethod
    def _node(*settings: str) -> RedisServer:
        own = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
        return RedisServer(*own, "--repl-diskless-sync-delay", "0", *settings)

    def _knows_all(self, node: RedisServer) -> bool:
        state = call(node, "CLUSTER INFO").decode()
        return f"cluster_state:ok\r\ncluster_slots_assigned:{SLOTS}" in state and len(
            self._flags(node)
        ) == len(self.nodes)

    def _is_settled(self, node: RedisServer) -> bool:
        flags = self._flags(node)
        replicas = len(self.nodes) - self._size
        is_agreed = sum("slave" in each for each in flags) == replicas and not any(
            "fail" in each or "handshake" in each for each in flags
        )
        role = call(node, "ROLE")
        is_linked = (
            role[3] == b"connected"
            if role[0] == b"slave"
            else len(role[2]) == replicas // self._size
        )
        return self._knows_all(node) and is_agreed and is_linked

    @staticmethod
    def _flags(node: RedisServer) -> list[str]:
        return [row.split()[2] for row in call(node, "CLUSTER NODES").decode().splitlines()]


def call(node: RedisServer, command: str, *args: object) -> Any:
    """Return what *node* itself answers, as it came over the wire."""
    with node.client() as client:
        client.response_callbacks.clear()
        return client.execute_command(command, *args)
