"""The pictures of README and docs/guides/web.md: which pages, and how they are written.

make screenshots
"""

import asyncio
import base64
import shutil
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, async_playwright

from pyasynq.web import create_app
from tests.support import demo, shop
from tests.support.programs import path_of_program
from tests.support.redis_server import RedisServer
from tests.support.serving import serving
from tests.web.browser.window import Window

FOLDER = Path(__file__).parents[3] / "docs" / "guides" / "web"
MOST_BYTES = 60_000
QUALITY = 0.82
SCHEMES = ("light", "dark")


class Picture(NamedTuple):
    """A page, and the size of the window."""

    path: str
    width: int = 1280
    height: int = 800


PICTURES = {
    "queues": Picture("/?sort=-size"),
    "queue": Picture("/queues/mail?status=archived", height=560),
    "task": Picture(f"/queues/mail/tasks/{shop.task_id(400)}", height=900),
    "failures": Picture("/failures", height=640),
    "attention": Picture("/attention", height=640),
    "narrow": Picture("/?sort=-size", width=390, height=844),
}


async def taken(browser: Browser, base: str, picture: Picture, scheme: str) -> bytes:
    """Return a picture as a file of WebP."""
    window = await Window.opened(
        browser, base, width=picture.width, height=picture.height, scheme=scheme
    )
    await window.open(picture.path)
    png = await window.page.screenshot()
    await window.close()
    return await as_webp(browser, png)


async def as_webp(browser: Browser, png: bytes) -> bytes:
    """Return a picture in less bytes; the browser does it."""
    page = await browser.new_page()
    url = await page.evaluate(WEBP, [base64.b64encode(png).decode(), QUALITY])
    await page.close()
    return base64.b64decode(url.partition(",")[2])


async def draw(server: RedisServer) -> None:
    """Write all pictures."""
    app = create_app(server.url, badge="production")
    async with async_playwright() as playwright, serving(app) as base:
        browser = await playwright.chromium.launch(
            executable_path=path_of_program("chromium"), args=["--disable-gpu", "--no-sandbox"]
        )
        for name, picture in PICTURES.items():
            for scheme in SCHEMES:
                data = await taken(browser, base, picture, scheme)
                (FOLDER / f"{name}-{scheme}.webp").write_bytes(data)
                print(f"{name}-{scheme}.webp: {len(data):,} bytes")
        await browser.close()
    await app.aclose()


def main() -> None:
    """Start a Redis, fill it and take all pictures."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    server = RedisServer()
    with server.client() as client:
        demo.fill(client)
    asyncio.run(draw(server))
    server.stop()


WEBP = """
async ([png, quality]) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", quality);
}
"""

if __name__ == "__main__":
    main()
