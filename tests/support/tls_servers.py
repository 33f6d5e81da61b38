"""Starts real servers that speak TLS and demand certificates of clients, alone and in groups."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import redis

from tests.support.certificates import Certificates
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer


class TlsServer(RedisServer):
    """A server with a port for TLS beside its others."""

    scheme = "rediss"

    def __init__(self, certificates: Certificates, *settings: str) -> None:
        self.certificates = certificates
        self.tls_port = free_port()
        super().__init__(
            *("--tls-port", str(self.tls_port), *certificates.of_server, *settings),
            binary=shutil.which("redis-server") or "",
        )

    def tls_url(self, scheme: str = "", **files: object) -> str:
        """Return the URL for a client; *files* are those of `Certificates.query`."""
        query = self.certificates.query(**files)
        return f"{scheme or self.scheme}://127.0.0.1:{self.tls_port}?{query}"


class TlsCluster(TlsServer):
    """A cluster of one node."""

    scheme = "rediss-cluster"

    def __init__(self, certificates: Certificates) -> None:
        bus = "--cluster-port", str(free_port())
        super().__init__(certificates, "--cluster-enabled", "yes", "--tls-cluster", "yes", *bus)
        with self.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
            eventually(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")


class TlsSentinel:
    """A sentinel, and the master that it knows as "mymaster"; all of them speak TLS."""

    scheme = "rediss-sentinel"

    def __init__(self, certificates: Certificates) -> None:
        self.master = TlsServer(certificates, "--tls-replication", "yes")
        self.tls_port, plain_port = free_port(), free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="pyasynq-", dir="/tmp"))
        config = self._folder / "sentinel.conf"
        pairs = zip(certificates.of_server[::2], certificates.of_server[1::2], strict=True)
        config.write_text(
            f"port {plain_port}\nbind 127.0.0.1\ntls-port {self.tls_port}\ntls-replication yes\n"
            + "".join(f"{name.removeprefix('--')} {value}\n" for name, value in pairs)
            + f"sentinel monitor mymaster 127.0.0.1 {self.master.tls_port} 1\n"
        )
        self._process = subprocess.Popen(
            [self.master.binary, str(config), "--sentinel"], stdout=subprocess.DEVNULL
        )
        eventually(lambda: self._knows(plain_port))

    def client(self) -> redis.Redis:
        return self.master.client()

    def tls_url(self, scheme: str = "", **files: object) -> str:
        """Return the URL for a client; see `TlsServer`."""
        query = self.master.certificates.query(**files)
        return f"{scheme or self.scheme}://127.0.0.1:{self.tls_port}/0?master=mymaster&{query}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self.master.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def _knows(port: int) -> bool:
        with redis.Redis(port=port, protocol=2) as client:
            try:
                state = client.execute_command("SENTINEL MASTER", "mymaster")
            except redis.RedisError:
                return False
        return bool(state["is_master"] and not state["is_sdown"])
