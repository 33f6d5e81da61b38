"""The guide about events: its recipes are code that runs here, and they do what they promise."""

import asyncio
import json
import sqlite3
import urllib.request
from collections import Counter, defaultdict
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest

from pyasynq import App, PeriodicEvent, SkipRetry, TaskEvent, WorkerEvent
from tests.support.eventually import eventually_async
from tests.support.listening import make_event
from tests.support.ports import free_port

app = App("redis://nowhere.invalid")
spans: asyncio.Queue[dict[str, object]] = asyncio.Queue()
WEBHOOK = f"http://127.0.0.1:{free_port()}/"
TABLE = ":memory:"


@app.task
async def pay(order: int) -> None: ...


@app.task(max_retry=1)
async def ship(order: int) -> None:
    raise ValueError(f"no address of order {order}")


@app.task
async def refuse(order: int) -> None:
    raise SkipRetry("no such order")


@app.on("archived", "recovered")
async def alert(event: TaskEvent) -> None:
    await event.state.chat.post(f"{event.name}: {event.task_type} {event.task_id}: {event.error}")


tasks: Counter[tuple[str, str]] = Counter()
seconds: defaultdict[tuple[str, str], float] = defaultdict(float)


@app.on("succeeded", "retried", "deferred", "archived", "dropped")
async def count(event: TaskEvent) -> None:
    tasks[event.task_type, event.name] += 1
    if event.duration is not None:
        seconds["run", event.task_type] += event.duration.total_seconds()
    if event.waited is not None:
        seconds["wait", event.task_type] += event.waited.total_seconds()


@app.on("succeeded", "failed", "deferred", "dropped")
async def trace(event: TaskEvent) -> None:
    if event.duration is not None:
        await spans.put(
            {
                "name": f"process {event.task_type}",
                "parent": event.task.headers.get("traceparent"),
                "start": event.at - event.duration,
                "end": event.at,
                "attributes": {"messaging.message.id": event.task_id, "attempt": event.attempt},
                "error": repr(event.error) if event.error else None,
            }
        )


@app.on("archived")
def call_webhook(event: TaskEvent) -> None:
    told = {"task": event.task_id, "type": event.task_type, "error": event.error_text}
    request = urllib.request.Request(
        WEBHOOK, json.dumps(told).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=5).close()


@app.on("succeeded", "failed", "dropped", "recovered")
def audit(event: TaskEvent) -> None:
    duration_s = None if event.duration is None else event.duration.total_seconds()
    row = (event.at.isoformat(), event.name, event.task_type, event.queue, event.task_id)
    with closing(sqlite3.connect(TABLE)) as database, database:
        database.execute(
            "insert into audit values (?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, event.attempt, duration_s, event.error_text),
        )


@app.on("worker_started", "worker_stopped", "periodic_failed")
def tell(event: WorkerEvent | PeriodicEvent) -> None:
    if isinstance(event, PeriodicEvent):
        print(f"{event.key or event.entry_id} of {event.due_at:%H:%M} failed: {event.error}")
    elif event.name == "worker_stopped":
        print(f"worker {event.host}:{event.pid} stopped ({event.reason}): {event.counts}")
    else:
        print(f"worker {event.host}:{event.pid} serves {', '.join(event.queues)}")


class Chat:
    def __init__(self):
        self.posts = []

    async def post(self, text):
        self.posts.append(text)


@pytest.fixture
def webhook():
    """What was posted to the webhook."""
    posts = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args): ...

    server = HTTPServer(("127.0.0.1", int(WEBHOOK.rpartition(":")[2].strip("/"))), Hook)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield posts
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def table(tmp_path, monkeypatch):
    path = str(tmp_path / "audit.db")
    monkeypatch.setitem(globals(), "TABLE", path)
    columns = "at, event, type, queue, task, attempt, duration_s, error"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"create table audit ({columns})")
    return path


def rows(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("select event, type, attempt, error from audit").fetchall()


@pytest.mark.slow
async def test_the_recipes_do_what_they_promise(redis_url, webhook, table, capsys):
    chat = Chat()
    app.reconfigure(
        redis_url, retry_delay=lambda *_: timedelta(0), base_state=SimpleNamespace(chat=chat)
    )
    trace_id = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    async with app.server().running(app.mux):
        paid = await pay.options(headers={"traceparent": trace_id}).aenqueue(1)
        shipped = await ship.aenqueue(2)
        refused = await refuse.aenqueue(3)
        await eventually_async(lambda: len(chat.posts) == 2 and ("pay", "succeeded") in tasks)
    await app.aclose()

    assert tasks == {
        ("pay", "succeeded"): 1,
        ("ship", "retried"): 1,
        ("ship", "archived"): 1,
        ("refuse", "archived"): 1,
    }
    assert set(seconds) >= {("run", "pay"), ("wait", "pay")}
    assert {each["type"]: each["task"] for each in webhook} == {
        "ship": shipped.id,
        "refuse": refused.id,
    }
    assert sorted((each[0], each[1], each[2]) for each in rows(table)) == [
        ("failed", "refuse", 1),
        ("failed", "ship", 1),
        ("failed", "ship", 2),
        ("succeeded", "pay", 1),
    ]
    spans_of = [spans.get_nowait() for _ in range(spans.qsize())]
    (of_pay,) = (each for each in spans_of if each["name"] == "process pay")
    assert of_pay["parent"] == trace_id
    assert of_pay["attributes"]["messaging.message.id"] == paid.id
    assert of_pay["start"] < of_pay["end"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("serves default")
    assert "stopped (shutdown): {" in printed[-1]


def test_a_periodic_task_that_fails_is_told(capsys):
    tell(make_event("periodic_failed"))

    assert capsys.readouterr().out == "e1 of 09:00 failed: None\n"
