"""Calls of Go's client and inspector, made by a Go program that stays."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.interop.differential.answers import Answer, Failed, failure_of_go
from tests.interop.peer import decoded


class Theirs:
    """Go Asynq on one database of Redis."""

    def __init__(self, binary: Path, address: str) -> None:
        self._process = subprocess.Popen(
            [str(binary), address, "drive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def begin(self) -> None:
        """Begin a sequence, in which Go makes up the same IDs each time."""
        self.call("Begin")
        self.renew()

    def renew(self) -> None:
        """Make another client, which has not listed any queue yet."""
        self.call("NewClient")

    def call(self, name: str, **given: Any) -> Answer:
        """Return the answer, or what was raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"call": name, **_bytes_encoded(given)})
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        if "error" in reply:
            return Failed(failure_of_go(**reply["error"]))
        return _shown(name, reply["answer"])


def _bytes_encoded(given: Mapping[str, Any]) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for name, value in given.items():
        match value:
            case bytes():
                encoded[name] = base64.b64encode(value).decode()
            case dict():
                encoded[name] = _bytes_encoded(value)
            case _:
                encoded[name] = value
    return encoded


def _shown(name: str, answer: Any) -> Answer:
    """Return an answer with the names and in the order of ours."""
    match name:
        case "Enqueue" | "GetTaskInfo":
            return decoded(answer)
        case _ if name.startswith("List") and name.endswith("Tasks"):
            return [decoded(each) for each in answer]
        case "Queues":
            return sorted(answer)
        case "Groups":
            return sorted((each["Group"], each["Size"]) for each in answer or [])
        case "GetQueueInfo":
            return {key: value for key, value in answer.items() if key != "Timestamp"}
        case "History":
            return [
                (each["Queue"], each["Date"][:10], each["Processed"], each["Failed"])
                for each in answer
            ]
        case "Servers":
            return sorted((_server(each) for each in answer or []), key=lambda each: each["id"])
        case "SchedulerEntries":
            entries = [decoded(each) for each in answer]
            return sorted(entries, key=lambda each: (each["spec"], each["type"], each["id"]))
        case "ListSchedulerEnqueueEvents":
            return [(each["TaskID"], each["EnqueuedAt"][:19]) for each in answer or []]
        case _:
            return answer


def _server(found: Mapping[str, Any]) -> dict[str, Any]:
    workers = [
        {
            "id": each["TaskID"],
            "type": each["TaskType"],
            "payload": base64.b64decode(each["TaskPayload"] or ""),
            "queue": each["Queue"],
            "started": each["Started"][:19],
            "deadline": each["Deadline"][:19],
        }
        for each in found["ActiveWorkers"]
    ]
    return {
        "id": found["ID"],
        "host": found["Host"],
        "pid": found["PID"],
        "concurrency": found["Concurrency"],
        "queues": found["Queues"],
        "strict": found["StrictPriority"],
        "started": found["Started"][:19],
        "status": found["Status"],
        "workers": sorted(workers, key=lambda each: (each["started"], each["id"])),
    }
