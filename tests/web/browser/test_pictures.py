"""The pictures of the web UI in README and guides: all are there, small, and shown."""

import re

from tests.conftest import ROOT
from tests.web.browser.pictures import FOLDER, MOST_BYTES, PICTURES, SCHEMES

PAGES = ("README.md", "docs/guides/web.md")
SHOWN = re.compile(r'(?:src|srcset)="([^"]+\.webp)"')


def shown():
    pages = [ROOT / each for each in PAGES]
    return {
        (page.parent / path).resolve() for page in pages for path in SHOWN.findall(page.read_text())
    }


def test_every_picture_is_there_in_both_colours_and_shown():
    wanted = {FOLDER / f"{name}-{scheme}.webp" for name in PICTURES for scheme in SCHEMES}

    assert set(FOLDER.iterdir()) == wanted == shown()


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}

    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}
