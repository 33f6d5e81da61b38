"""The pictures of docs/guides/dash.md: which keys lead to each, and how they are written.

.venv/bin/python -m tests.tui.pictures
"""

import asyncio
import re
from pathlib import Path
from typing import NamedTuple

from pyasynq.clock import FakeClock
from tests.support import shop
from tests.support.redis_server import RedisServer
from tests.tui.screen import dashing

FOLDER = Path(__file__).parents[2] / "docs" / "guides" / "dash"
SIZE = (96, 26)
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # Textual names fonts of another site


class Picture(NamedTuple):
    """Keys, each with a text that the screen shows then."""

    steps: tuple[tuple[str, str], ...]
    theme: str = "dark"


OPEN_MAIL = (("", "reports"), ("enter", "email:welcome"))
ARCHIVED = (*OPEN_MAIL, ("h", "Only tasks with"), ("h", "mailbox full"))
PICTURES = {
    "queues": Picture((("", "239 tasks"),)),
    "tasks": Picture((*ARCHIVED, ("x", "1 selected"), ("x", "2 selected"), ("R", "Run 2"))),
    "task": Picture((*ARCHIVED, ("enter", "Payload · JSON"))),
    "servers": Picture((("2", "web-1:4117 runs 4 tasks"),)),
    "schedulers": Picture((("3", "the last 12 tasks"),)),
    "attention": Picture((("5", "Start a worker"),)),
    "light": Picture((*OPEN_MAIL, ("l", "page 1/3")), theme="light"),
}


async def drawn(url: str, picture: Picture) -> str:
    """Return the SVG of a picture; Redis must hold the shop."""
    clock = FakeClock(shop.NOW)
    async with dashing(url, clock=clock, size=SIZE, theme=picture.theme) as shown:
        for key, text in picture.steps:
            await shown.press(*filter(None, [key]))
            await shown.until(text)
        await shown.until("? help")  # the footer comes last
        await shown.pilot.pause()
        return FONTS.sub("", shown.dash.export_screenshot())


def main() -> None:
    """Write all pictures."""
    server = RedisServer()
    client = server.client()
    shop.fill(client)
    for name, picture in PICTURES.items():
        svg = asyncio.run(drawn(server.url, picture))
        (FOLDER / f"{name}.svg").write_text(svg)
    client.close()
    server.stop()


if __name__ == "__main__":
    main()
