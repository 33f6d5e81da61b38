"""Workers as processes of their own, for tests that kill, stop and restart them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import redis

from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.support.eventually import eventually

PROGRAM = Path(__file__).with_name("worker_program.py")


class Fleet:
    """Starts workers on one Redis; none outlives it."""

    def __init__(self, url: str, client: redis.Redis, folder: Path) -> None:
        self._url = url
        self._redis = client
        self._folder = folder
        self._workers: list[subprocess.Popen[bytes]] = []
        self.ledger = Ledger(folder / "ledger")

    def start(self, **settings: Any) -> subprocess.Popen[bytes]:
        """Start a worker; returns at once."""
        arguments = [self._url, str(self.ledger.path), json.dumps(settings)]
        with (self._folder / "log").open("ab") as log:
            worker = subprocess.Popen([sys.executable, str(PROGRAM), *arguments], stderr=log)
        self._workers.append(worker)
        return worker

    def until_at_work(self, worker: subprocess.Popen[bytes], load: Load) -> None:
        """Wait until a handler of *worker* runs; *load* lasts until then."""
        eventually(lambda: self.ledger.unfinished(worker.pid) or load.top_up(), within_s=60)

    def freeze_at_work(self, worker: subprocess.Popen[bytes], load: Load) -> set[str]:
        """Freeze *worker* while handlers of it run; return their tasks."""
        found: set[str] = set()

        def is_frozen() -> bool:
            worker.send_signal(signal.SIGSTOP)
            os.waitpid(worker.pid, os.WUNTRACED)
            found.update(self.ledger.unfinished(worker.pid))
            if not found:
                worker.send_signal(signal.SIGCONT)
                load.top_up()
            return bool(found)

        eventually(is_frozen, within_s=60)
        return found

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill *worker* with SIGKILL; returns when it is gone."""
        worker.kill()
        worker.wait()

    def held(self, queue: str = "default") -> set[tuple[str, str]]:
        """Return (ID, owner) of the active tasks; each dequeue has an owner of its own."""
        ids = self._redis.lrange(f"asynq:{{{queue}}}:active", 0, -1)
        pipeline = self._redis.pipeline(transaction=False)
        for task_id in ids:
            pipeline.hget(f"asynq:{{{queue}}}:t:{task_id.decode()}", "owner")
        owners = pipeline.execute()
        return {(i.decode(), o.decode()) for i, o in zip(ids, owners, strict=True) if o}

    def log(self) -> str:
        """Return what the workers have logged."""
        return (self._folder / "log").read_text()

    def close(self) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                self.kill(worker)
        self.ledger.close()
