"""Starts a real Redis Cluster, and a real Sentinel, for tests."""

import subprocess
import tempfile
from pathlib import Path

import redis

from pyasynq.connection.embedded.server import find_binary
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


class RedisSentinel:
    """One primary and the one sentinel that knows it, as "mymaster"."""

    def __init__(self) -> None:
        self.primary = RedisServer()
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="pyasynq-")
        config = Path(self.folder.name) / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\n"
            f"sentinel monitor mymaster 127.0.0.1 {self.primary.port} 1\n"
        )
        self.process = subprocess.Popen(
            [find_binary(), str(config), "--sentinel"], stdout=subprocess.DEVNULL
        )
        eventually(self._knows)

    def url(self, master: str = "mymaster") -> str:
        return f"redis-sentinel://127.0.0.1:{self.port}/0?master={master}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.primary.stop()
        self.folder.cleanup()

    def _knows(self) -> bool:
        client = redis.Redis(port=self.port, protocol=2)
        try:
            return bool(client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", "mymaster"))
        except redis.RedisError:
            return False
        finally:
            client.close()
