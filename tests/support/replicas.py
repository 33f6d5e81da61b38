"""A real primary with a real replica, to be frozen, killed and promoted."""

import contextlib
import os
import signal

from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually
from tests.support.redis_server import RedisServer


class ReplicatedRedis:
    """A primary and its replica, in step.

    Args:
        binary: the server to run; the usual one if empty.
        lag_s: how late the replica gets what is written.
    """

    def __init__(self, *, binary: str = "", lag_s: float = 0.0) -> None:
        self._stack = contextlib.ExitStack()
        self.primary = RedisServer("--repl-diskless-sync-delay", "0", binary=binary)
        try:
            port = self.primary.port
            if lag_s:
                self._proxy = self._stack.enter_context(ChaosProxy(port))
                self._proxy.delay_s, port = lag_s, self._proxy.port
            self.replica = RedisServer("--replicaof", "127.0.0.1", str(port), binary=binary)
        except Exception:
            self.primary.stop()
            raise
        self.until_in_step()

    def url(self, **settings: object) -> str:
        """Return a URL that asks for the replica; *settings* win."""
        given = {"durability": "replicated", "replication_timeout": 1, **settings}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        return f"{self.primary.tcp_url}?{query}"

    def until_in_step(self) -> None:
        """Wait until the replica has all that was written so far."""
        with self.primary.client() as client:
            client.incr("written")  # newer servers wait only for what this connection has written
            eventually(lambda: client.execute_command("WAIT", 1, 1000))
            client.delete("written")

    def freeze_replica(self) -> None:
        os.kill(self.replica.pid, signal.SIGSTOP)
        os.waitpid(self.replica.pid, os.WUNTRACED)

    def thaw_replica(self) -> None:
        os.kill(self.replica.pid, signal.SIGCONT)

    def fail_over(self) -> None:
        """Kill the primary with all that is under way, and let the replica take its place."""
        self.primary.kill()
        self._stack.close()
        with self.replica.client() as client:
            client.replicaof("NO", "ONE")

    def stop(self) -> None:
        self.thaw_replica()
        self.replica.stop()
        self.primary.stop()
        self._stack.close()
