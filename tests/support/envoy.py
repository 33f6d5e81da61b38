"""Starts Envoy's proxy for Redis in front of two real Redis servers."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

from tests.support.ports import free_port
from tests.support.redis_server import START_TIMEOUT_S, RedisServer

FILTER = "envoy.extensions.filters.network.redis_proxy.v3.RedisProxy"


class Envoy:
    """A proxy that divides the keys among two servers by their hash tags."""

    def __init__(self) -> None:
        self.servers = [RedisServer(), RedisServer()]
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="pyasynq-", dir="/tmp"))
        config = self._folder / "envoy.json"
        config.write_text(json.dumps(self._config()))
        arguments = [
            "-c",
            str(config),
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "-l",
            "error",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(["envoy", *arguments], stdout=log, stderr=log)
        self._wait()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Empty both servers."""
        for server in self.servers:
            with server.client() as client:
                client.flushall()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        for server in self.servers:
            server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _config(self) -> dict[str, Any]:
        proxy = {
            "@type": f"type.googleapis.com/{FILTER}",
            "stat_prefix": "tasks",
            "settings": {"op_timeout": "5s", "enable_hashtagging": True},
            "prefix_routes": {"catch_all_route": {"cluster": "tasks"}},
        }
        listener = {
            "name": "tasks",
            "address": _address(self.port),
            "filter_chains": [
                {"filters": [{"name": "envoy.filters.network.redis_proxy", "typed_config": proxy}]}
            ],
        }
        endpoints = [{"endpoint": {"address": _address(each.port)}} for each in self.servers]
        servers = {
            "name": "tasks",
            "type": "STATIC",
            "lb_policy": "RING_HASH",
            "load_assignment": {
                "cluster_name": "tasks",
                "endpoints": [{"lb_endpoints": endpoints}],
            },
        }
        return {"static_resources": {"listeners": [listener], "clusters": [servers]}}

    def _wait(self) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        with redis.Redis(port=self.port, protocol=2, retry=None) as client:
            while True:
                try:
                    client.set("asynq:{ready}", 1)
                except redis.RedisError:
                    if self._process.poll() is not None or time.monotonic() > end:
                        raise RuntimeError((self._folder / "log").read_text()) from None
                    time.sleep(0.02)
                else:
                    return


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
