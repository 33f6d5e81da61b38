"""Crawls a web site politely: each page once, few at a time, and later when the site asks for it.

python web_crawler.py

It starts the web site itself, which answers 429 now and then. A page is a task, which enqueues the
pages that it links to; the ID of a task is that of its page, so no page is fetched twice. It uses
the Redis that PYASYNQ_REDIS_URL names, else a private one, and ends by itself.
"""

import asyncio
import hashlib
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin

from typing_extensions import override

from pyasynq import (
    App,
    AsyncInspector,
    QueueInfo,
    QueueNotFoundError,
    RetryLater,
    TaskIdConflictError,
)

SOURCE = os.environ.get("PYASYNQ_REDIS_URL", "embedded:")
QUEUE = "crawl"

# Politeness: this queue alone, and two pages at a time. Other queues have other workers.
app = App(SOURCE, name="crawler", queues={QUEUE: 1}, concurrency=2, task_check_interval=0.1)


@dataclass
class Page:
    """What was found at a URL."""

    url: str
    title: str
    links: int


@app.task("page:crawl", queue=QUEUE, max_retry=3, timeout=20, retention=3600)
def crawl(url: str, depth: int) -> Page:
    """Fetch a page, and enqueue those that it links to, unless it is too deep."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own site
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.code == 429:  # noqa: PLR2004 - too many requests: no failure, only later
            raise RetryLater(float(error.headers["Retry-After"]), "too many requests") from error
        raise
    links = [urljoin(url, link) for link in re.findall(r'href="(.+?)"', text)]
    for link in links if depth > 0 else ():
        follow(link, depth - 1)
    found = re.search("<title>(.*?)</title>", text)
    return Page(url, found[1] if found else "", len(links))


def follow(url: str, depth: int) -> None:
    """Enqueue a page, unless it was seen: tasks are kept for an hour, and so are their IDs."""
    task_id = hashlib.sha256(url.encode()).hexdigest()[:32]
    with suppress(TaskIdConflictError):
        crawl.options(task_id=task_id).enqueue(url, depth)


class Site(BaseHTTPRequestHandler):
    """A site of nine pages that link to each other; each third request comes too early."""

    requests = 0

    def do_GET(self) -> None:
        """Answer a page with three links, or 429."""
        Site.requests += 1
        is_busy = Site.requests % 3 == 0
        number = int(self.path.strip("/") or 0)
        links = "".join(f'<a href="/{(3 * number + each) % 9}"></a>' for each in (1, 2, 3))
        body = b"" if is_busy else f"<title>Page {number}</title>{links}".encode()
        self.send_response(429 if is_busy else 200)
        self.send_header("Retry-After", "0.2")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@contextmanager
def site() -> Iterator[str]:
    """Serve the site; yield its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def is_busy(queue: QueueInfo) -> bool:
    """Whether a page may still be fetched; not one that failed for good."""
    return queue.size > queue.completed + queue.archived


async def forget_pages(inspector: AsyncInspector) -> None:
    """Delete the tasks of pages, so that the program can be run again."""
    for state in ("pending", "scheduled", "retry", "archived", "completed"):
        with suppress(QueueNotFoundError):
            await inspector.tasks.delete_all(QUEUE, state)


async def main(depth: int = 3) -> None:
    """Crawl the site, and print its pages."""
    with site() as url:
        async with AsyncInspector(SOURCE) as inspector:
            await forget_pages(inspector)  # of a run that was interrupted, whose site is gone
            async with app.server().running(app.mux):
                await asyncio.to_thread(follow, f"{url}0", depth)
                while is_busy(await inspector.queues.info(QUEUE)):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            async for info in inspector.tasks.iterate(QUEUE, "completed"):
                page = await app.task_handle(QUEUE, info.id).aresult()
                print(f"{page.url}: {page.title}, {page.links} links")
            await forget_pages(inspector)
    await app.aclose()


if __name__ == "__main__":
    asyncio.run(main())
