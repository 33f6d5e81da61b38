"""Starts a master, its replicas and real sentinels for tests.

They know each other from the beginning, by their configuration: otherwise they find each other by
what each sentinel sends every two seconds.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pyasynq.connection.embedded.server import find_binary
from tests.support.certificates import Certificates
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer

NAME = "mymaster"
PASSWORD = "of&the:data/100%"
SENTINEL_PASSWORD = "of+the=sentinels"
SENTINEL_USER = "watcher"
SENTINEL_RIGHTS = "allchannels -@all +auth +ping +client|setname +subscribe +sentinel"
ONCE: dict[str, Any] = {"protocol": 2, "socket_timeout": 2.0, "retry": Retry(NoBackoff(), 0)}


class DataNode(RedisServer):
    """The master, or a replica: sentinels decide that."""

    def __init__(self, *settings: str, password: str, certificates: Certificates | None) -> None:
        self.password = password
        self.tls_port = free_port() if certificates else 0
        given = ["--repl-diskless-sync-delay", "0", *settings]
        if password:
            given += ["--requirepass", password, "--masterauth", password]
        if certificates:
            pairs = _tls(certificates, self.tls_port)
            given += [word for name, value in pairs for word in (f"--{name}", value)]
        super().__init__(*given, binary=shutil.which("redis-server") or "")

    @property
    def port_for_all(self) -> int:
        """The port that clients, replicas and sentinels use."""
        return self.tls_port or self.port

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=self.socket, password=self.password or None, **ONCE)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def info(self) -> dict[str, Any]:
        """Return what INFO says of its role."""
        with self.client() as client:
            return dict(client.info("replication"))


class Sentinel:
    """One sentinel; *config* is written again by itself."""

    def __init__(self, folder: Path, password: str, certificates: Any) -> None:
        self.port = port = free_port()
        self.id = token_hex(20)
        self.is_quick = True
        self.config = folder / f"{port}.conf"
        self._settings: dict[str, Any] = {"password": password or None, **ONCE}
        if certificates:
            self._settings |= {"ssl": True, "ssl_ca_certs": str(certificates.authority)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        with self.config.with_suffix(".log").open("ab") as log:
            binary = shutil.which("redis-server") or find_binary()
            arguments = [binary, str(self.config), "--sentinel"]
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log)
        eventually(self._answers)
        if self.is_quick:
            with self.client() as client:
                # An old master becomes a replica after four periods, which must be enough for a
                # failover: it would also undo the promotion of a new one.
                client.execute_command(
                    *["SENTINEL", "DEBUG", "info-period", "100", "publish-period", "500"]
                )

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, **self._settings)

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def freeze(self) -> None:
        assert self._process is not None
        self.signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it as a crash would; `start` starts it again."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def log(self) -> str:
        """Return the end of what it has logged."""
        return self.config.with_suffix(".log").read_text()[-5000:]

    def state(self) -> dict[str, Any]:
        """Return what it knows of the master."""
        with self.client() as client:
            return dict(client.sentinel_master(NAME))

    def master_port(self) -> int:
        with self.client() as client:
            return int(client.sentinel_get_master_addr_by_name(NAME)[1])

    def replicas(self) -> list[dict[str, Any]]:
        with self.client() as client:
            return list(client.sentinel_slaves(NAME))

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class RedisSentinel:
    """A master, its replicas, and the sentinels that know it as "mymaster".

    Args:
        password: of the data nodes.
        sentinel_password: of the sentinels, and of their user "watcher", who may do only what is
            needed.
        certificates: if given, all of them speak TLS.
        settings: more settings of the data nodes.
        is_quick: the sentinels look several times a second what has become of the nodes, so that
            an old master is soon a replica; otherwise that takes ten seconds and more.
    """

    def __init__(
        self,
        *,
        replicas: int = 0,
        sentinels: int = 1,
        password: str = "",
        sentinel_password: str = "",
        certificates: Certificates | None = None,
        settings: Sequence[str] = (),
        is_quick: bool = True,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pyasynq-")
        self._certificates = certificates
        self._password, self._sentinel_password = password, sentinel_password
        self.nodes: list[DataNode] = []
        self._epoch = 0  # of the last failover that is over
        self.sentinels: list[Sentinel] = []
        try:
            self._start(replicas, sentinels, settings, is_quick=is_quick)
        except BaseException:
            self.stop()
            raise

    def _start(
        self, replicas: int, sentinels: int, settings: Sequence[str], *, is_quick: bool
    ) -> None:
        self.primary = self._add_node(*settings)
        first = ("127.0.0.1", str(self.primary.port_for_all))
        for _ in range(replicas):
            self._add_node("--replicaof", *first, *settings)
        eventually(lambda: all(self._follows(node) for node in self.nodes[1:]))
        for _ in range(sentinels):
            sentinel = Sentinel(
                Path(self._folder.name), self._sentinel_password, self._certificates
            )
            sentinel.is_quick = is_quick
            self.sentinels.append(sentinel)
        for sentinel in self.sentinels:
            sentinel.config.write_text("\n".join(self._config(sentinel)))
            sentinel.start()
        self.until_settled()

    def _add_node(self, *settings: str) -> DataNode:
        node = DataNode(*settings, password=self._password, certificates=self._certificates)
        self.nodes.append(node)
        return node

    @property
    def port(self) -> int:
        """Of the first sentinel."""
        return self.sentinels[0].port

    def url(self, master: str = NAME, **query: Any) -> str:
        """Return the URL of all sentinels."""
        return self.url_of(*(each.port for each in self.sentinels), master=master, **query)

    def url_of(self, *ports: int, master: str = NAME, **query: Any) -> str:
        """Return a URL that names only some sentinels, or others."""
        scheme = "rediss-sentinel" if self._certificates else "redis-sentinel"
        user = f":{quote(self._password, safe='')}@" if self._password else ""
        known: dict[str, Any] = {"master": master}
        if self._sentinel_password:
            known |= {"sentinel_username": SENTINEL_USER}
            known |= {"sentinel_password": self._sentinel_password}
        if self._certificates:
            known["ca_file"] = self._certificates.authority
        rest = "&".join(f"{key}={quote(str(value))}" for key, value in {**known, **query}.items())
        return f"{scheme}://{user}{','.join(f'127.0.0.1:{each}' for each in ports)}/0?{rest}"

    @property
    def master(self) -> DataNode:
        """The master, as the first sentinel that runs sees it."""
        port = next(each for each in self.sentinels if each.is_running).master_port()
        return next(node for node in self.nodes if node.port_for_all == port)

    def fail_over(self) -> None:
        """Begin a planned failover, as an administrator does."""
        with self.sentinels[0].client() as client:
            client.execute_command("SENTINEL FAILOVER", NAME)

    def until_moved(self) -> DataNode:
        """Wait until every sentinel that runs knows of a failover since `until_settled`.

        Returns:
            The master, which after two failovers may be the same as before.
        """

        def has_moved() -> bool:
            states = [each.state() for each in self.sentinels if each.is_running]
            ports = {state["port"] for state in states}
            return len(ports) == 1 and all(state["config-epoch"] > self._epoch for state in states)

        try:
            eventually(has_moved, within_s=30)
        except AssertionError:
            print(*(each.log() for each in self.sentinels), sep="\n")
            raise
        return self.master

    def until_replicated(self) -> None:
        """Wait until the replicas have all that the master has."""
        replicas = sum(node.process is not None for node in self.nodes) - 1
        with self.master.client() as client:
            client.incr("replicated")
            # A master sends nothing to a new replica before its first sign of life.
            eventually(lambda: client.wait(replicas, 100) >= replicas)

    def until_settled(self) -> None:
        """Start what does not run; wait until the sentinels agree and could begin a failover."""
        for each in [*self.nodes, *self.sentinels]:
            if isinstance(each, Sentinel) and not each.is_running:
                each.start()
            if isinstance(each, DataNode) and each.process is None:
                each.start()
        eventually(self._is_settled, within_s=60)
        self._epoch = max(each.state()["config-epoch"] for each in self.sentinels)
        self.until_replicated()

    def stop(self) -> None:
        for sentinel in self.sentinels:
            sentinel.kill()
        for node in self.nodes:
            if node.process is not None:
                node.thaw()
            node.stop()
        self._folder.cleanup()

    def _is_settled(self) -> bool:
        count, others = len(self.nodes) - 1, len(self.sentinels) - 1
        ports = set()
        for sentinel in self.sentinels:
            state, replicas = sentinel.state(), sentinel.replicas()
            ports.add(state["port"])
            known = state["flags"], state["num-slaves"], state["num-other-sentinels"]
            links = [each["master-link-status"] for each in replicas]
            if known != ("master", count, others) or links != ["ok"] * count:
                return False
            if any(each["master-port"] != state["port"] for each in replicas):
                return False
        followers = [node for node in self.nodes if node.port_for_all not in ports]
        return len(ports) == 1 and all(self._follows(node) for node in followers)

    @staticmethod
    def _follows(node: DataNode) -> bool:
        return node.info().get("master_link_status") == "up"

    def _config(self, sentinel: Sentinel) -> list[str]:
        quorum = len(self.sentinels) // 2 + 1
        lines = [
            f"port {0 if self._certificates else sentinel.port}",
            "bind 127.0.0.1",
            f"sentinel myid {sentinel.id}",
            f"sentinel monitor {NAME} 127.0.0.1 {self.primary.port_for_all} {quorum}",
            f"sentinel down-after-milliseconds {NAME} 500",
            f"sentinel failover-timeout {NAME} 3000",
            f"sentinel parallel-syncs {NAME} 2",
        ]
        if self._certificates:
            lines += [f"{name} {value}" for name, value in _tls(self._certificates, sentinel.port)]
        if self._password:
            lines.append(f"sentinel auth-pass {NAME} {self._password}")
        if password := self._sentinel_password:
            lines.append(f"requirepass {password}")
            lines.append(f"user {SENTINEL_USER} on >{password} {SENTINEL_RIGHTS}")
        for node in self.nodes[1:]:
            lines.append(f"sentinel known-replica {NAME} 127.0.0.1 {node.port_for_all}")
        for other in self.sentinels:
            if other is not sentinel:
                lines.append(f"sentinel known-sentinel {NAME} 127.0.0.1 {other.port} {other.id}")
        return [*lines, ""]


def _tls(certificates: Certificates, port: int) -> list[tuple[str, str]]:
    return [
        ("tls-port", str(port)),
        ("tls-cert-file", str(certificates.server)),
        ("tls-key-file", str(certificates.server_key)),
        ("tls-ca-cert-file", str(certificates.authority)),
        ("tls-auth-clients", "no"),
        ("tls-replication", "yes"),
    ]
