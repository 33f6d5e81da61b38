"""One Redis, one client, and quick servers, for tests of the worker."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import redis

from pyasynq.client_async import AsyncClient
from pyasynq.task import Task, TaskInfo
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.builders import make_active
from tests.support.eventually import eventually_async
from tests.support.signals import flushed

# Everything that a server waits for is short here, so that no test has to wait long.
QUICK = {
    "task_check_interval": 0.01,
    "delayed_task_check_interval": 0.05,
    "janitor_interval": 0.02,
    "lease_duration": 1,
    "heartbeat_interval": 0.1,
    "recover_interval": 0.05,
    "cancel_grace": 0.2,
    "shutdown_timeout": 2,
}
GROUPS_EVERY_S = 0.05  # no setting: else the grace period, of a second or more


class Workplace:
    """One Redis, one client, and servers as needed."""

    def __init__(self, url: str, client: AsyncClient, redis_client: redis.Redis) -> None:
        self.url = url
        self.client = client
        self.redis = redis_client

    def server(self, **settings: Any) -> Server:
        return Server(self.url, ServerConfig(**{**QUICK, **settings}))

    @contextlib.asynccontextmanager
    async def serving(self, mux: ServeMux, **settings: Any) -> AsyncIterator[Server]:
        async with self.server(**settings).running(mux) as server:
            yield server

    async def enqueue(self, task_type: str, payload: bytes = b"{}", **options: Any) -> TaskInfo:
        return await self.client.enqueue(Task(task_type, payload), **options)

    def abandon(self, *infos: TaskInfo) -> None:
        """Make pending tasks active, as a worker that is gone leaves them."""
        for info in infos:
            keys = queue_keys(info.queue)
            data = self.redis.hget(keys.task(info.id), "msg")
            self.redis.lrem(keys.pending, 0, info.id)
            make_active(self.redis, info.id, keys=keys, data=data)

    def data(self, info: TaskInfo) -> bytes:
        return self.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", "msg")

    def message(self, info: TaskInfo) -> TaskMessage:
        return decode(self.data(info))

    def state(self, info: TaskInfo) -> str | None:
        found = self.redis.hget(f"asynq:{{{info.queue}}}:t:{info.id}", "state")
        return found.decode() if found else None

    async def until(self, info: TaskInfo, state: str | None) -> None:
        """Wait until the task is in *state*; None: until it is gone."""
        await eventually_async(lambda: self.state(info) == state)

    async def until_written(self, server: Server, info: TaskInfo, state: str | None = None) -> None:
        """Wait until the task is in *state*, or gone, by an outcome that *server* writes."""
        await flushed(server).until(lambda: self.state(info) == state)

    def count(self, name: str, queue: str = "default") -> int:
        return int(self.redis.get(f"asynq:{{{queue}}}:{name}") or 0)
