"""Runs the Go program on the Redis of a test."""

import asyncio
import base64
import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from pyasynq.task import TaskInfo
from tests.support.eventually import eventually_async


class GoWorker:
    """A Go server that runs; what its handlers print is in a file."""

    def __init__(self, command: list[str], output: Path) -> None:
        self._output = output
        with output.open("wb") as stdout:
            self.process = subprocess.Popen(command, stdout=stdout)

    @property
    def printed(self) -> list[dict[str, Any]]:
        """What its handlers saw so far, one entry for each attempt."""
        return [line for line in self._lines() if "ready" not in line]

    async def until_ready(self) -> None:
        await eventually_async(self._lines)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _lines(self) -> list[dict[str, Any]]:
        complete = self._output.read_text().split("\n")[:-1]
        return [_read(line) for line in complete]


class Peer:
    """Go Asynq as producer, worker and inspector."""

    def __init__(self, binary: Path, address: str, folder: Path) -> None:
        self._command = [str(binary), address]
        self._folder = folder
        self._workers: list[GoWorker] = []

    async def run(self, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
        """Run a command to its end; return what it printed."""
        return await asyncio.to_thread(self._run, arguments, stdin)

    async def enqueue(
        self, task_type: str, payload: bytes | None = b"{}", **options: Any
    ) -> dict[str, Any]:
        """Enqueue one task with the options that our client has.

        Returns:
            What Go's client answers, or {"refused": name of the error}.
        """
        encoded = None if payload is None else base64.b64encode(payload).decode()
        order = {"type": task_type, "payload": encoded, **options}
        (answer,) = await self.run("submit", stdin=json.dumps(order, default=_unix))
        return answer

    async def get(self, queue: str, task_id: str) -> dict[str, Any]:
        """Return what Go's inspector shows of a task."""
        (answer,) = await self.run("get", queue, task_id)
        return answer

    async def serve(self, *queues: str, command: str = "serve") -> GoWorker:
        """Start a Go worker of *queues*, or of "default"; return when it is ready.

        Args:
            command: "serve", or "recover" for a server that prints its warnings.
        """
        output = self._folder / f"go-worker-{len(self._workers)}"
        worker = GoWorker([*self._command, command, ",".join(queues or ["default"])], output)
        self._workers.append(worker)
        await worker.until_ready()
        return worker

    def close(self) -> None:
        for worker in self._workers:
            worker.kill()

    def _run(self, arguments: tuple[str, ...], stdin: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [*self._command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [_read(line) for line in done.stdout.splitlines()]


def as_go_shows(info: TaskInfo) -> dict[str, Any]:
    """Return our info with the names and units of Go's, so that both can be compared."""
    return {
        "id": info.id,
        "queue": info.queue,
        "type": info.type,
        "payload": info.payload,
        "headers": dict(info.headers),
        "state": info.state.value,
        "max_retry": info.max_retry,
        "retried": info.retried,
        "last_error": info.last_error,
        "last_failed_at": info.last_failed_at and _unix(info.last_failed_at),
        "timeout_s": info.timeout.total_seconds() if info.timeout else 0,
        "deadline": info.deadline and _unix(info.deadline),
        "group": info.group,
        "next_process_at": info.next_process_at and _unix(info.next_process_at),
        "retention_s": info.retention.total_seconds(),
        "completed_at": info.completed_at and _unix(info.completed_at),
        "result": info.result or b"",
    }


def decoded(fields: dict[str, Any]) -> dict[str, Any]:
    """Decode what Go has printed: bytes are base64, and empty bytes and maps may be null."""
    for name in fields.keys() & {"payload", "result"}:
        fields[name] = base64.b64decode(fields[name] or "")
    if "headers" in fields:
        fields["headers"] = fields["headers"] or {}
    return fields


def _read(line: str) -> dict[str, Any]:
    return decoded(json.loads(line))


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())
