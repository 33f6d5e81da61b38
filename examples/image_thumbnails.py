"""Makes thumbnails of pictures in processes, so that all processors work and a slow one is killed.

pip install 'pyasynq[dev]' pillow
python image_thumbnails.py [FOLDER]

Without a folder it draws some pictures first. It uses the Redis that PYASYNQ_REDIS_URL names, else
a private one, runs the tasks itself, and ends by itself.
"""

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from pyasynq import App, SkipRetry

app = App(
    os.environ.get("PYASYNQ_REDIS_URL", "embedded:"),
    name="thumbnails",
    concurrency=4,
    log_failures="none",  # the summary tells
)


@dataclass
class Thumbnail:
    """What was made of one picture."""

    path: str
    width: int
    height: int


@app.task("image:thumbnail", executor="process", timeout=30, max_retry=2, retention=600)
def make_thumbnail(source: str, size: int = 128) -> Thumbnail:
    """Write a smaller copy beside a picture.

    It takes a processor to itself, so it runs in a process: threads would take turns. If it takes
    longer than its timeout, the process is killed. A second run writes the same file again.
    """
    target = Path(source).with_suffix(".thumbnail.webp")
    try:
        with Image.open(source) as image:
            image.thumbnail((size, size))
            image.save(target)
            return Thumbnail(str(target), image.width, image.height)
    except OSError as error:  # it is no picture, and never will be
        raise SkipRetry(f"{Path(source).name} cannot be read: {error}") from error


def draw_pictures(folder: Path, count: int = 6) -> None:
    """Draw some pictures, and a file that is none."""
    for number in range(count):
        image = Image.new("RGB", (1600, 900 + 100 * number), (30 * number, 90, 140))
        draw = ImageDraw.Draw(image)
        for x in range(0, image.width, 40):
            draw.line((x, 0, image.width - x, image.height), fill=(250, 250, 40 * number), width=3)
        image.save(folder / f"picture_{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")


async def main(pictures: list[str]) -> None:
    """Enqueue a task for each picture, and tell what became of it."""
    async with app.server().running(app.mux):
        batch = await make_thumbnail.aenqueue_many(pictures)
        await batch.await_done(timeout=120)
        for result in await batch.aresults():
            if result.value is not None:
                made = result.value
                print(f"{Path(made.path).name}: {made.width} by {made.height}")
            else:
                print(f"failed: {result.error}")
    await app.aclose()


def pictures_in(folder: Path) -> list[str]:
    """Return the paths of the pictures of a folder."""
    return sorted(str(path.resolve()) for path in folder.glob("*.png"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(main(pictures_in(Path(sys.argv[1]))))
    else:
        with tempfile.TemporaryDirectory() as own:
            draw_pictures(Path(own))
            asyncio.run(main(pictures_in(Path(own))))
