"""Asks the web UI as a browser does, in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from pyasynq.web import WebApp
from pyasynq.web.formatting import Formatters
from pyasynq.web.table import endpoints

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Web:
    """An application, and a client of it that comes from *address*."""

    def __init__(self, app: Any, *, address: str = "127.0.0.1") -> None:
        self.app = app
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 1234)),
            base_url="http://127.0.0.1:8080",
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        **given: Any,
    ) -> httpx.Response:
        """Send a request from the same origin, unless *headers* say otherwise."""
        headers = SAME_ORIGIN if headers is None else headers
        return await self._client.request(method, path, headers=headers, **given)

    async def get(self, path: str, **given: Any) -> Any:
        """Return the JSON at a path, which must be there."""
        answer = await self.ask("GET", path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def page(self, path: str, **given: Any) -> str:
        """Return the page at a path, which must be there."""
        answer = await self.ask("GET", path, **given)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text

    async def root(self, path: str) -> str:
        """Return where the page at a path says that the web UI is."""
        return root_of(await self.page(path))

    async def send(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form."""
        return await self.ask("POST", path, data=fields)

    async def close(self) -> None:
        await self._client.aclose()
        if isinstance(self.app, WebApp):
            await self.app.aclose()


NO_PAGES = ("/api/", "/healthz", "/readyz", "/metrics", "/static/")
DOWNLOADS = ("/payload", "/result", "/export", "/events")


def page_paths() -> list[str]:
    """Return the paths of all pages, in which `path_of` writes names."""
    return sorted(
        each.path
        for each in endpoints(Formatters())
        if each.method == "GET"
        and not each.path.startswith(NO_PAGES)
        and not each.path.endswith(DOWNLOADS)
    )


def root_of(page: str) -> str:
    """Return where a page says that the web UI is."""
    return page.partition('data-root="')[2].partition('"')[0]


def path_of(template: str, **names: str) -> str:
    """Return the path of an endpoint with names in it; those that are not given are of no task."""
    known = {
        "queue": "mail",
        "task_id": "nobody",
        "group": "daily",
        "entry_id": "entry-1",
        "job_id": "nobody",
        "type": "email",
        "version": "1",
        "file": "base.css",
    }
    return template.format(**{**known, **names})


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Start and stop an application as a server does."""
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, told.get, heard.put))
    told.put_nowait({"type": "lifespan.startup"})
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    yield
    told.put_nowait({"type": "lifespan.shutdown"})
    assert (await heard.get())["type"] == "lifespan.shutdown.complete"
    await life
