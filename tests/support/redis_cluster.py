"""Starts a real Redis Cluster for tests."""

import redis

from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer

SLOTS = 16_384


class RedisCluster:
    """Three primaries, or as many as wanted, without replicas."""

    def __init__(self, size: int = 3) -> None:
        self.nodes = [self._node() for _ in range(size)]
        share = SLOTS // len(self.nodes)
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            last = SLOTS - 1 if node is self.nodes[-1] else (number + 1) * share - 1
            client = node.client()
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            client.execute_command("CLUSTER ADDSLOTSRANGE", number * share, last)
            bus = first.settings[first.settings.index("--cluster-port") + 1]
            if node is not first:
                client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, bus)
            client.close()
        eventually(lambda: all(self._is_ok(node) for node in self.nodes))

    @property
    def url(self) -> str:
        return "redis-cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def owner_at_first(self, slot: int) -> int:
        """Return the number of the node that served *slot* when the cluster began."""
        return min(slot // (SLOTS // len(self.nodes)), len(self.nodes) - 1)

    def give(self, slot: int, number: int) -> None:
        """Let the node of this number serve *slot*, in which no key may be."""
        clients = [node.client() for node in self.nodes]
        node_id = clients[number].execute_command("CLUSTER MYID").decode()
        for client in clients:
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", node_id)
            client.close()

    def client(self) -> redis.RedisCluster:
        return redis.RedisCluster("127.0.0.1", self.nodes[0].port, protocol=2)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    @staticmethod
    def _node() -> RedisServer:
        return RedisServer("--cluster-enabled", "yes", "--cluster-port", str(free_port()))

    def _is_ok(self, node: RedisServer) -> bool:
        client = node.client()
        info = client.execute_command("CLUSTER INFO")
        client.close()
        fields = info if isinstance(info, dict) else {}
        return (fields.get("cluster_state"), fields.get("cluster_known_nodes")) == (
            "ok",
            str(len(self.nodes)),
        )
