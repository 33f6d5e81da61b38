"""Texts that attack whoever shows them, a Redis that is full of them, and what they must not do."""

import json
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

import redis
from typing_extensions import override

from pyasynq.wire.keys import queue_keys
from tests.support.stored_tasks import store

VECTORS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea></pre></title><script>alert(1)</script>",
    '" autofocus onfocus="alert(1)',
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}${alert(1)}",
    "<a href=javascript:alert(1)>x</a><base href=//evil.example>",
    "\u202eevil\u2066<b>\x1b[31m",
    "../../settings?notice=x#&lt;script&gt;",
)
STATES = ("active", "pending", "scheduled", "retry", "archived", "completed", "aggregating")
LINKS = ("href", "src", "action", "formaction", "poster", "data", "xlink:href", "srcset", "ping")
FORBIDDEN = {"iframe", "object", "embed", "base", "frame", "applet", "b"}


def fill(client: redis.Redis, now_s: int) -> None:
    """Store a task in each state for each text, which is its ID, type, payload, error and so on.

    Each text is the name of a queue, too; the tasks are in the queue "mail".
    """
    with client.pipeline(transaction=False) as pipeline:
        for vector in VECTORS:
            for state in STATES:
                _task(pipeline, state, vector, now_s)
            store(pipeline, "pending", vector, queue=vector, type=vector)
            pipeline.set(queue_keys(vector).paused, now_s)
        pipeline.execute()


def _task(client: redis.Redis, state: str, vector: str, now_s: int) -> None:
    store(
        client,
        state,
        f"{state}{vector}",
        type=vector,
        group=vector if state == "aggregating" else "",
        score=now_s + 3600,
        payload=json.dumps({vector: [vector]}).encode(),
        headers={vector: vector},
        error_msg=vector,
        last_failed_at=now_s - 60,
        result=vector.encode(),
        retention=3600,
        completed_at=now_s - 10 if state == "completed" else 0,
    )


def paths() -> list[str]:
    """Return the paths of the tasks, and of the queues that are named by a text."""
    names = [quote(each, safe="") for each in VECTORS]
    states = ("retry", "completed")
    tasks = [f"/queues/mail/tasks/{state}{name}" for state in states for name in names]
    return tasks + [f"/queues/{name}?status=pending" for name in names]


def faults(page: str) -> list[str]:
    """Return what a page lets texts of others do: elements, scripts, links that are not ours."""
    finder = _Finder()
    finder.feed(page)
    finder.close()
    return finder.faults


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self._is_in_script = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_in_script = tag == "script"
        if tag in FORBIDDEN or (tag == "script" and not dict(attrs).get("src")):
            self.faults.append(f"<{tag}>")
        self.faults += [
            f"<{tag} {name}={value!r}>" for name, value in attrs if _is_bad(name, value)
        ]

    @override
    def handle_endtag(self, tag: str) -> None:
        self._is_in_script = False

    @override
    def handle_data(self, data: str) -> None:
        if self._is_in_script and data.strip():
            self.faults.append(f"a script: {data[:60]!r}")


def _is_bad(name: str, value: str | None) -> bool:
    is_active = name.startswith("on") or name in ("style", "srcdoc", "http-equiv")
    return is_active or (name in LINKS and not _is_ours(value or ""))


def _is_ours(link: str) -> bool:
    parts = urlsplit(link)
    return not parts.scheme and not parts.netloc and (link.startswith(("/", "#")) or not link)
