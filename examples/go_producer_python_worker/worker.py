"""Runs the tasks that a program in Go enqueues.

pyasynq worker worker:app     in one terminal, in this folder
go run .                      in another one
"""

from dataclasses import dataclass
from datetime import timedelta

from pyasynq import App, TaskContext

app = App(name="pages", queues={"pages": 1}, task_check_interval=0.1)


@dataclass
class Rendered:
    """What the Go program reads: the names are those of its JSON tags."""

    page: int
    text: str
    took: timedelta  # a time.Duration in Go
    request: str


@app.task("page:render", queue="pages")
async def render(
    ctx: TaskContext, page: int, names: list[str], timeout: timedelta, note: str | None = None
) -> Rendered:
    """Render a page. Parameters are the JSON tags of the payload in Go, of whatever order.

    The options are those of the producer: three retries, and an hour for which the result is kept.
    """
    text = f"page {page} for {', '.join(names) or 'nobody'}{note or ''}"
    return Rendered(page, text, timeout / 2, ctx.headers["request"])
